// unpacked: syntax.js:3:
export function set_max_age() {
  return 1 +;
}
