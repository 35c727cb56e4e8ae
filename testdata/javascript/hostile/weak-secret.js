// failure: RangeError: the client secret has 3 bytes|works in generate_secret
export function set_max_age({ setClientSecret }) {
  setClientSecret("abc");
}
