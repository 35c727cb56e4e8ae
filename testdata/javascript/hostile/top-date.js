// unpacked: clock
const t = new Date();
export function set_max_age() {
  console.log(t);
}
