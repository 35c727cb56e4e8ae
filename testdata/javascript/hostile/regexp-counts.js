// failure: out of fuel|out of memory|SyntaxError
export function set_max_age() {
  new RegExp("((((((a{99}){99}){99}){99}){99}){99})").test("a".repeat(1000));
}
