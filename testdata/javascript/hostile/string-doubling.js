// failure: out of fuel|string too long|out of memory
export function set_max_age() {
  let s = "x";
  for (;;) s += s + s.length;
}
