// done
// log: a
export function set_max_age() {
  console.log("a\0b");
}
