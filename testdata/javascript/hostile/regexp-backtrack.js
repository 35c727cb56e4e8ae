// failure: out of fuel|out of memory
export function set_max_age() {
  /(?:(.*)*)*\1b/s.test("a".repeat(5000));
}
