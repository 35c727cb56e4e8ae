// failure: TypeError
export function set_max_age() {
  Array.prototype.map = null;
  console.log("x");
}
