// failure: out of fuel|stack overflow|too many arguments|out of memory
export function set_max_age() {
  Math.max(...new Array(1e6));
}
