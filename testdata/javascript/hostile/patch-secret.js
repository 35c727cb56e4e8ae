// failure: the patch is not allowed
export function set_max_age({ patch }) {
  patch({ ["client_" + "secret"]: "x".repeat(40) });
}
