// refused: swallowed
export function set_max_age({ refuse, base }) {
  try {
    refuse("invalid_client_metadata", "swallowed");
  } catch {}
  base();
}
