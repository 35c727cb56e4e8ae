// failure: out of fuel
export function set_max_age() {
  const e = new Error("evil");
  Object.defineProperty(e, "stack", { get() { for (;;); } });
  throw e;
}
