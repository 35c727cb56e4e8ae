// failure: stack overflow|out of fuel|SyntaxError|too many
export function set_max_age() {
  new RegExp("(".repeat(50000) + ")".repeat(50000));
}
