// failure: out of fuel
export function set_max_age() {
  const start = Date.now();
  while (Date.now() === start);
}
