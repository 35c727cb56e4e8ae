// failure: Error: first
export function set_max_age() {
  throw new Error("first\nsecond");
}
