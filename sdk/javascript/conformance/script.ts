// Exports every step and does in each what its config says, so that a test can see that the API for JavaScript does the
// same as the SDKs: {"steps":{"<step>":"<action>"},"note":"…","code":"…","description":"…"}. A step without an action
// runs its base.

interface Config {
  readonly steps: { readonly [step in StepName]?: string };
  readonly note?: string;
  readonly code: RefusalCode;
  readonly description: string;
  readonly uris: readonly string[];
  readonly member: string;
  readonly texts: readonly string[];
  readonly alphabet: string;
  readonly length: number;
}

function act(registrar: Registrar<Config>): void {
  const { base, config, context, patch, randomHex, refuse, setClientId, setClientSecret, setItem, tryBase } = registrar;
  const action = config.steps[context.step];
  switch (action) {
    case "observe":
      observe(registrar);
      break;
    case "patch":
      base();
      console.log(`patch=${accepts(() => patch({ client_name: "kit" }))}`);
      console.log(`forbidden=${accepts(() => patch({ client_id: "x" } as unknown as Patch))}`);
      return;
    case "patch_request":
      patchRequest(registrar);
      break;
    case "id":
      return setClientId(`kit-${randomHex(8)}`);
    case "secret":
      return setClientSecret(randomHex(32), 3600);
    case "remember":
      setItem("k", "v");
      break;
    case "refuse":
      return refuse(config.code, config.description);
    case "overrule":
      tryBase();
      return;
    case "fail":
      throw new Error("as the configuration says");
    case "panic":
      throw "as the configuration says";
    case "tagged":
      base();
      for (const form of registrar.tagged(registrar.client, config.member))
        console.log(`${form.name} ${form.tag} ${form.value}`);
      return;
    case "levels":
      console.debug("debug");
      console.info("info");
      console.warn("warn");
      console.error("error");
      break;
    default:
      if (action) help(action, registrar);
  }
  base();
}

function patchRequest({ patchRequest }: Registrar<Config>): void {
  console.log(`patch_request=${accepts(() => patchRequest({ client_name: "kit" }))}`);
  console.log(`forbidden=${accepts(() => patchRequest({ client_id: "x" } as unknown as Patch))}`);
}

// help does what the config says of the helpers.
function help(action: string, registrar: Registrar<Config>): void {
  const { config, crc32, encodeBase62, parseURI, randomText, setItem } = registrar;
  switch (action) {
    case "uris":
      config.uris.forEach((uri, i) => setItem(`${i}`, parts(parseURI(uri))));
      break;
    case "checksums":
      for (const text of config.texts) console.log(`${crc32(text)} ${encodeBase62(crc32(text))}`);
      break;
    case "random_text":
      console.log(randomText(config.alphabet, config.length));
      break;
    default:
      console.log(`value=${required(action, registrar)}`);
  }
}

// required returns the config's member "value", of the type in the action "require-<type>".
function required(action: string, { required }: Registrar<Config>): JSONValue | undefined {
  switch (action) {
    case "require-text":
      return required("value").text();
    case "require-strings":
      return required("value").strings().join("|");
    case "require-int":
      return required("value").int();
    case "require-bool":
      return required("value").bool();
    case "require-object":
      return required("value").object().x ?? "";
    case "require-inside":
      return required("value", "inner").text();
  }
  throw new Error(`the action ${action} is not known`);
}

// parts writes a URI as the vectors have it.
function parts(uri: URIParts | null): string {
  if (uri === null) return "";
  const { scheme, userinfo, host, port, path, query, fragment } = uri;
  const part = (mark: string, value: string | number | undefined) => (value === undefined ? "-" : mark + value);
  const user = userinfo === undefined ? "-" : `${userinfo}@`;
  return [scheme, user, host || "-", part(":", port), path || "-", part("?", query), part("#", fragment)].join(" ");
}

function observe(registrar: Registrar<Config>): void {
  const { caller, client, clientExists, config, context, getItem, now, random, request, statement } = registrar;
  const facts = {
    operation: context.operation,
    step: context.step,
    mode: context.mode,
    client_name: request.client_name ?? "",
    client_id: client.client_id ?? "none",
    auth: caller.auth,
    subject: caller.subject ?? "",
    scopes: (caller.scopes ?? []).join(" "),
    note: config.note ?? "",
    software_id: statement?.software_id ?? "none",
    exists: clientExists("taken"),
    item: getItem("k") ?? "none",
    now: now(),
    random: isRandom(random(16), random(16)),
  };
  for (const [fact, value] of Object.entries(facts)) console.log(`${fact}=${value}`);
}

// isRandom reports whether two arrays differ and neither is all zeros.
function isRandom(first: Uint8Array, second: Uint8Array): boolean {
  return first.some((b, i) => b !== second[i]) && first.some((b) => b !== 0) && second.some((b) => b !== 0);
}

// accepts reports whether a call returns.
function accepts(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

export {
  act as validate_software_statement,
  act as set_grant_types,
  act as set_redirect_uris,
  act as set_scopes,
  act as set_default_scopes,
  act as set_secrets,
  act as set_client_name,
  act as set_logout_parameters,
  act as set_max_age,
  act as set_user_interface_properties,
  act as set_public_client_properties,
  act as set_access_token_properties,
  act as set_id_token_properties,
  act as set_server_side_session_properties,
  act as add_client_id,
  act as add_client_secret,
  act as generate_secret,
  act as build_response,
};
