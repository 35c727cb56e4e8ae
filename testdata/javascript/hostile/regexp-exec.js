// failure: out of fuel
export function set_max_age() {
  RegExp.prototype.exec = () => ({ index: 0, length: 1, 0: "" });
  "x".replace(/x/g, "");
}
