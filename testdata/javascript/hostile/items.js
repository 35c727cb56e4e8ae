// failure: set_item
export function set_max_age({ setItem }) {
  for (let i = 0; i < 65; i++) setItem(`k${i}`, "v");
}
