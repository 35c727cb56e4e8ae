// failure: RangeError: a patch as JSON has|out of fuel
export function set_max_age({ patch }) {
  patch({ client_name: "x".repeat(200000) });
}
