// @ts-check

/** @type {Step} */
export function set_max_age({ request, refuse }) {
  if (request.default_max_ages) refuse("invalid_client_metadata", "too long"); // TS2551
  return "done"; // TS2322
}
