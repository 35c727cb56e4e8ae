// failure: setClientId was called in set_max_age: it works in add_client_id only
export function set_max_age({ setClientId }) {
  setClientId("chosen");
}
