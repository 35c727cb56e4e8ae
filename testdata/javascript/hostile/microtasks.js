// failure: out of fuel
// failure: (microtasks.js:
export function set_max_age() {
  const again = () => Promise.resolve().then(again);
  again();
}
