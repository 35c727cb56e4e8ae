// failure: a promise is awaited that nothing settles
export async function set_max_age() {
  await new Promise(() => {});
}
