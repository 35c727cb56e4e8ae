// failure: out of fuel
export function set_max_age() {
  const again = () => Promise.resolve().then(again);
  again();
}
