// failure: TypeError: an item must be well-formed
export function set_max_age({ setItem }) {
  setItem("k", "\ud800");
}
