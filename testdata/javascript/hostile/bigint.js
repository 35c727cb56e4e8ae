// failure: out of fuel|too large|out of memory
export function set_max_age() {
  let n = 3n;
  for (;;) n *= n;
}
