// done
export function set_max_age({ request, refuse, base }) {
  Object.prototype.client_name = Object.prototype.default_max_age = "polluted";
  Array.prototype.map = Array.prototype.join = String.prototype.split = JSON.stringify = null;
  base();
  if (request.client_name === "Kit") return;
  refuse("invalid_client_metadata", request.client_name);
}
