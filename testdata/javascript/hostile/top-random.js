// unpacked: top-random.js:2:
const k = Math.random();
export function set_max_age() {
  console.log(k);
}
