// failure: Error: evil
export function set_max_age() {
  const e = new Error("evil");
  Object.defineProperty(e, "stack", { get() { throw 1; } });
  throw e;
}
