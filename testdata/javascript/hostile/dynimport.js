// failure: could not load module
export async function set_max_age() {
  const name = "./x";
  await import(`${name}.js`);
}
