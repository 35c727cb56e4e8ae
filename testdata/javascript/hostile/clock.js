// failure: out of fuel
// failure: (clock.js:5:
export function set_max_age() {
  const start = Date.now();
  while (Date.now() === start);
}
