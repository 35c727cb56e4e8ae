// What the types refuse: each line that is wrong ends with the codes of the compiler's errors.

export const set_max_age: Step = ({ request, client, caller, config, context, statement }) => {
  request.redirect_uri; // TS2551
  request.redirect_uris.length; // TS18049
  request.redirect_uris = []; // TS2540
  request.redirect_uris?.push("https://app.example/cb"); // TS2339
  request.client_name?.startsWith(1); // TS2345
  request["client_nam#de"]; // TS2551
  client.require_auth_time?.trim(); // TS2339
  client.client_id = "x"; // TS2540
  client.client_secret; // TS2339
  caller.claim; // TS2551
  caller.auth = "jwt"; // TS2540
  if (context.step === "set_max_agee") return; // TS2367
  config.hosts.length; // TS18049 TS2339
  statement.iss; // TS18047
};

export const set_scopes: Step<{ days: number }> = ({ config, patch, refuse, base, tryBase }) => {
  config.day; // TS2551
  patch({ client_name: 1 }); // TS2322
  patch({ clientname: "x" }); // TS2561
  patch({ client_id: "x" }); // TS2322
  patch(null); // TS2345
  refuse("invalid_uri", "x"); // TS2345
  refuse("invalid_redirect_uri"); // TS2554
  const done: boolean = base(); // TS2322
  base(tryBase()); // TS2554
  console.trace("x"); // TS2339
};

export const generate_secret: Step = ({ random, setClientSecret, getItem, setItem, now, parseURI }) => {
  setClientSecret(random(32)); // TS2345
  setClientSecret("x", "1 day"); // TS2345
  getItem("k").length; // TS2531
  setItem("k", 1); // TS2345
  now().getTime(); // TS2339
  parseURI("https://app.example").host; // TS2531
};

export const set_secrets: Step = () => false; // TS2322
export const add_client_id: Step = ({ setClientID }) => {}; // TS2339
registrar.config = {}; // TS2540
fetch("https://app.example"); // TS2304
setTimeout(() => {}, 1); // TS2304
