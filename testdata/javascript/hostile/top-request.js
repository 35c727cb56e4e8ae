// unpacked: top-request.js:2:
const name = registrar.request.client_name;
export function set_max_age() {
  console.log(name);
}
