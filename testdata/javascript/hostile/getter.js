// failure: stack overflow
export function set_max_age() {
  const o = { get x() { return this.x; } };
  o.x;
}
