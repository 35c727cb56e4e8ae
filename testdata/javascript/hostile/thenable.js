// failure: out of fuel
export async function set_max_age() {
  const thenable = { then(resolve) { resolve(thenable); } };
  await thenable;
}
