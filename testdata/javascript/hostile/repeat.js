// failure: out of memory|invalid string length|out of fuel
export function set_max_age() {
  console.log("x".repeat(2 ** 29).length);
}
