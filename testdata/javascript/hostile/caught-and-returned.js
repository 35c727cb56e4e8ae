// failure: Error: once
export function set_max_age() {
  const p = Promise.reject(new Error("once"));
  p.catch(() => {});
  return p;
}
