// failure: out of memory|invalid array buffer length
export function set_max_age() {
  new Uint8Array(2 ** 31 - 1);
}
