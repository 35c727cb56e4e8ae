// The conformance kit: every step does what the configuration says of it.
import {
  base, caller, client, clientExists, config, context, Document, DONE, hex, item, Level, log, now, Patch, random,
  refuse, REFUSED, request, Required, setClientId, setClientSecret, setItem, statement, tryPatch, tryPatchRequest,
} from "../registrar";
import { keepUris, logChecksums, logRandomText, logTagged } from "./helpers";

export function validate_software_statement(): i32 { return act("validate_software_statement"); }
export function set_grant_types(): i32 { return act("set_grant_types"); }
export function set_redirect_uris(): i32 { return act("set_redirect_uris"); }
export function set_scopes(): i32 { return act("set_scopes"); }
export function set_default_scopes(): i32 { return act("set_default_scopes"); }
export function set_secrets(): i32 { return act("set_secrets"); }
export function set_client_name(): i32 { return act("set_client_name"); }
export function set_logout_parameters(): i32 { return act("set_logout_parameters"); }
export function set_max_age(): i32 { return act("set_max_age"); }
export function set_user_interface_properties(): i32 { return act("set_user_interface_properties"); }
export function set_public_client_properties(): i32 { return act("set_public_client_properties"); }
export function set_access_token_properties(): i32 { return act("set_access_token_properties"); }
export function set_id_token_properties(): i32 { return act("set_id_token_properties"); }
export function set_server_side_session_properties(): i32 { return act("set_server_side_session_properties"); }
export function add_client_id(): i32 { return act("add_client_id"); }
export function add_client_secret(): i32 { return act("add_client_secret"); }
export function generate_secret(): i32 { return act("generate_secret"); }
export function build_response(): i32 { return act("build_response"); }

function act(step: string): i32 {
  const settings = config();
  const steps = settings.document("steps");
  const action = steps !== null ? steps.stringOr(step, "") : "";
  if (action == "") return base();
  if (action == "observe") return observe(settings);
  if (action == "patch") return patch();
  if (action == "patch_request") return patchRequest();
  if (action == "id") {
    setClientId("kit-" + hex(random(8)));
    return DONE;
  }
  if (action == "secret") {
    setClientSecret(hex(random(32)), 3600);
    return DONE;
  }
  if (action == "remember") {
    setItem("k", "v");
    return base();
  }
  if (action == "refuse") return refuse(settings.stringOr("code", ""), settings.stringOr("description", ""));
  if (action == "overrule") {
    base();
    return DONE;
  }
  if (action == "uris") {
    keepUris(settings);
    return base();
  }
  if (action == "checksums") {
    logChecksums(settings);
    return base();
  }
  if (action == "random_text") {
    logRandomText(settings);
    return base();
  }
  if (action == "tagged") {
    const result = base();
    logTagged(settings);
    return result;
  }
  if (action == "levels") {
    log(Level.Debug, "debug");
    log(Level.Info, "info");
    log(Level.Warn, "warn");
    log(Level.Error, "error");
    return base();
  }
  if (action.startsWith("require-")) {
    say("value", required(settings.require("value"), action));
    return base();
  }
  const told = action == "fail" || action == "panic";
  throw new Error(told ? "as the configuration says" : "no action is called " + action);
}

function observe(settings: Document): i32 {
  const at = context(), who = caller();
  const claims = statement();
  const one = random(16), other = random(16);
  say("operation", at.operation());
  say("step", at.step());
  say("mode", at.mode());
  say("client_name", request().clientName());
  say("client_id", orNone(client().clientId()));
  say("auth", who.auth());
  say("subject", who.subject());
  say("scopes", who.scopes().join(" "));
  say("note", settings.string("note"));
  say("software_id", orNone(claims !== null ? claims.string("software_id") : null));
  say("exists", clientExists("taken").toString());
  say("item", orNone(item("k")));
  say("now", now().toString());
  say("random", (hex(one) != hex(other) && !isZero(one) && !isZero(other)).toString());
  return base();
}

// Returns the member "value" of the configuration, which must have the type that the action names.
function required(value: Required, action: string): string {
  if (action == "require-text") return value.string();
  if (action == "require-strings") return value.strings().join("|");
  if (action == "require-int") return value.integer().toString();
  if (action == "require-bool") return value.bool().toString();
  if (action == "require-object") return value.document().stringOr("x", "");
  return value.require("inner").string();
}

function say(name: string, value: string | null): void {
  log(Level.Info, name + "=" + (value !== null ? value : ""));
}

function orNone(value: string | null): string {
  return value !== null ? value : "none";
}

function isZero(bytes: Uint8Array): bool {
  return bytes.every((b) => b == 0);
}

function patch(): i32 {
  if (base() != DONE) return REFUSED;
  log(Level.Info, "patch=" + tryPatch(new Patch().string("client_name", "kit").text()).toString());
  log(Level.Info, "forbidden=" + tryPatch("{\"client_id\":\"x\"}").toString());
  return DONE;
}

function patchRequest(): i32 {
  say("patch_request", tryPatchRequest(new Patch().string("client_name", "kit").text()).toString());
  say("forbidden", tryPatchRequest("{\"client_id\":\"x\"}").toString());
  return base();
}
