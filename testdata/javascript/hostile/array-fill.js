// failure: out of fuel|out of memory|invalid array length
export function set_max_age() {
  new Array(2 ** 32 - 1).fill(0);
}
