// failure: stack overflow|out of fuel|nest
export function set_max_age() {
  let p = {};
  for (let i = 0; i < 20000; i++) p = new Proxy(p, {});
  p.x;
}
