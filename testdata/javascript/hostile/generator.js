// failure: out of fuel
export function set_max_age() {
  for (const x of (function* () { for (;;) yield 1; })()) x;
}
