// failure: null
export function set_max_age() {
  throw null;
}
