// failure: xxxxxxxx
export function set_max_age() {
  throw new Error("x".repeat(100000));
}
