// failure: out of fuel
// failure: (while.js:
export function set_max_age() {
  while (true);
}
