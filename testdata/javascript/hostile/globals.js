// done
// log: globalThis
export function set_max_age() {
  console.log(Object.getOwnPropertyNames(globalThis).sort().join(" "));
}
