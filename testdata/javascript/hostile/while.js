// failure: out of fuel
export function set_max_age() {
  while (true);
}
