// failure: too many arguments|out of fuel|stack overflow
export function set_max_age() {
  (() => {}).apply(null, { length: 1e9 });
}
