// refused: floating
async function check() {
  await null;
  registrar.refuse("invalid_client_metadata", "floating");
}

export function set_max_age({ base }) {
  check();
  base();
}
