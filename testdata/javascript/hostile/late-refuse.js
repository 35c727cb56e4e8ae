// refused: late
export function set_max_age({ refuse, base }) {
  Promise.resolve().then(() => Promise.resolve()).then(() => refuse("invalid_client_metadata", "late"));
  base();
}
