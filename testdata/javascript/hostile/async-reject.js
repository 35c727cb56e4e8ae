// failure: TypeError: cannot read property 'x' of null
// failure: (async-reject.js:5:3)
export async function set_max_age() {
  await null;
  null.x;
}
