// failure: the patch is not allowed
export function set_max_age({ patch }) {
  patch({ toJSON: () => ({ client_id: "chosen" }) });
}
