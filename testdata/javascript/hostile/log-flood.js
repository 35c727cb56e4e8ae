// done
// log: line 0
export function set_max_age() {
  for (let i = 0; i < 500; i++) console.log("line", i);
}
