// done or failure: stack|nest
export function set_max_age() {
  const f = () => [2, 1].sort(f);
  try {
    f();
  } catch (e) {
    console.warn(e.message);
  }
}
