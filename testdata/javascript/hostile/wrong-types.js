// failure: TypeError: the description of a refusal must be a string
export function set_max_age({ refuse, base }) {
  refuse("invalid_client_metadata", { toString: () => base() });
}
