// failure: set_max_age must return nothing: it calls refuse() to refuse
export function set_max_age() {
  return false;
}
