//go:build wasip1

// Command conformance exports every step and does in each what its config says, so that a test can see that this SDK
// does the same as those of other languages: {"steps":{"<step>":"<action>"},"note":"…","code":"…","description":"…"}. A
// step without an action runs its base. "require-<type>" logs the member "value", or fails.
package main

import (
	"strconv"
	"strings"

	"registrar/sdk/go/registrar"
)

//go:wasmexport validate_software_statement
func validateSoftwareStatement() int32 { return act() }

//go:wasmexport set_grant_types
func setGrantTypes() int32 { return act() }

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 { return act() }

//go:wasmexport set_scopes
func setScopes() int32 { return act() }

//go:wasmexport set_default_scopes
func setDefaultScopes() int32 { return act() }

//go:wasmexport set_secrets
func setSecrets() int32 { return act() }

//go:wasmexport set_client_name
func setClientName() int32 { return act() }

//go:wasmexport set_logout_parameters
func setLogoutParameters() int32 { return act() }

//go:wasmexport set_max_age
func setMaxAge() int32 { return act() }

//go:wasmexport set_user_interface_properties
func setUserInterfaceProperties() int32 { return act() }

//go:wasmexport set_public_client_properties
func setPublicClientProperties() int32 { return act() }

//go:wasmexport set_access_token_properties
func setAccessTokenProperties() int32 { return act() }

//go:wasmexport set_id_token_properties
func setIDTokenProperties() int32 { return act() }

//go:wasmexport set_server_side_session_properties
func setServerSideSessionProperties() int32 { return act() }

//go:wasmexport add_client_id
func addClientID() int32 { return act() }

//go:wasmexport add_client_secret
func addClientSecret() int32 { return act() }

//go:wasmexport generate_secret
func generateSecret() int32 { return act() }

//go:wasmexport build_response
func buildResponse() int32 { return act() }

func main() {}

// act does what the config says of the step that the script is in.
func act() int32 {
	config := registrar.Config()
	switch config.Get("steps", registrar.Context().Step).Text() {
	case "observe":
		observe(config)
	case "patch":
		return patch()
	case "patch_request":
		patchRequest()
	case "id":
		registrar.SetClientID("kit-" + registrar.RandomHex(8))
		return registrar.Done
	case "secret":
		registrar.SetClientSecret(registrar.RandomHex(32), 3600)
		return registrar.Done
	case "remember":
		registrar.SetItem("k", "v")
	case "refuse":
		return registrar.Refuse(config.Get("code").Text(), config.Get("description").Text())
	case "overrule":
		registrar.Base()
		return registrar.Done
	case "fail":
		registrar.Fail("as the configuration says")
	case "panic":
		panic("as the configuration says")
	case "require-text":
		say("value", config.Require("value").Text())
	case "require-strings":
		say("value", strings.Join(config.Require("value").Strings(), "|"))
	case "require-int":
		say("value", strconv.FormatInt(config.Require("value").Int(), 10))
	case "require-bool":
		say("value", strconv.FormatBool(config.Require("value").Bool()))
	case "require-object":
		say("value", config.Require("value").Object().Get("x").Text())
	case "require-inside":
		say("value", config.Require("value", "inner").Text())
	case "uris":
		uris(config)
	case "tagged":
		result := registrar.Base()
		tagged(config)
		return result
	case "checksums":
		checksums(config)
	case "random_text":
		randomText(config)
	case "levels":
		registrar.Log(registrar.LevelDebug, "debug")
		registrar.Log(registrar.LevelInfo, "info")
		registrar.Log(registrar.LevelWarn, "warn")
		registrar.Log(registrar.LevelError, "error")
	}
	return registrar.Base()
}

func observe(config registrar.Value) {
	context, caller := registrar.Context(), registrar.Caller()
	say("operation", context.Operation)
	say("step", context.Step)
	say("mode", context.Mode)
	say("client_name", registrar.Request().Get("client_name").Text())
	say("client_id", orNone(registrar.Client().Get("client_id")))
	say("auth", caller.Auth)
	say("subject", caller.Subject)
	say("scopes", strings.Join(caller.Scopes, " "))
	say("note", config.Get("note").Text())
	say("software_id", orNone(registrar.Statement().Get("software_id")))
	say("exists", strconv.FormatBool(registrar.ClientExists("taken")))
	item, ok := registrar.Item("k")
	if !ok {
		item = "none"
	}
	say("item", item)
	say("now", strconv.FormatInt(registrar.Now(), 10))
	var zero, first, second [16]byte
	registrar.Random(first[:])
	registrar.Random(second[:])
	say("random", strconv.FormatBool(first != second && first != zero && second != zero))
}

func say(fact, value string) { registrar.Log(registrar.LevelInfo, fact+"="+value) }

func orNone(v registrar.Value) string {
	if !v.IsSet() {
		return "none"
	}
	return v.Text()
}

func patchRequest() {
	say("patch_request", strconv.FormatBool(registrar.PatchRequest(`{"client_name":"kit"}`) == nil))
	say("forbidden", strconv.FormatBool(registrar.PatchRequest(`{"client_id":"x"}`) == nil))
}

func patch() int32 {
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	registrar.Log(registrar.LevelInfo, "patch="+strconv.FormatBool(registrar.Patch(`{"client_name":"kit"}`) == nil))
	registrar.Log(registrar.LevelInfo, "forbidden="+strconv.FormatBool(registrar.Patch(`{"client_id":"x"}`) == nil))
	return registrar.Done
}
