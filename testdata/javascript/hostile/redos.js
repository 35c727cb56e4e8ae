// failure: out of fuel
export function set_max_age() {
  /^(a+)+$/.test("a".repeat(30) + "!");
}
