// failure: RangeError: more than 1024 promises are rejected and not handled|out of fuel
export function set_max_age() {
  for (let i = 0; i < 2000; i++) Promise.reject(i);
}
