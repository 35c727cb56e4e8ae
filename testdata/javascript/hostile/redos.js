// failure: out of fuel
// failure: (redos.js:4:
export function set_max_age() {
  /^(a+)+$/.test("a".repeat(30) + "!");
}
