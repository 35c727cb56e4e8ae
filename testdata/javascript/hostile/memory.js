// failure: out of fuel|out of memory
export function set_max_age() {
  const all = [];
  for (;;) all.push("x".repeat(100000) + all.length);
}
