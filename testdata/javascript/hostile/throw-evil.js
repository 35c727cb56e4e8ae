// failure: an exception that cannot be shown as text was thrown
export function set_max_age() {
  throw { toString() { throw 1; } };
}
