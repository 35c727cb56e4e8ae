// failure: out of fuel|out of memory
export function set_max_age() {
  let a = [1, 2, 3];
  for (;;) a = a.concat(a);
}
