// failure: RangeError: an item has 5000 bytes: it must have 0 to 4096
export function set_max_age({ setItem }) {
  setItem("k", "x".repeat(5000));
}
