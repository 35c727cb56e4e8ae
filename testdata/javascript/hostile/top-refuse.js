// unpacked: top-refuse.js:3:
class Policy {
  static code = registrar.refuse("invalid_client_metadata", "no");
}
export function set_max_age() {
  console.log(Policy.code);
}
