package server_test

import (
	"net/http"
	"strings"
	"testing"

	"registrar/server"
	"registrar/server/adminapi"
)

// Errors about JSON bodies of the admin API name the member and what would be right, without Go types.
func TestAdminJSONThatIsRefused(t *testing.T) {
	const number = " must be a whole number of 64 bits, without a fraction or an exponent"
	refusals := map[string]map[string]string{
		adminapi.PathDeployments: {
			`{"scripts":{}}`:                               "scripts must be a list, not an object",
			`{"scripts":[1]}`:                              "scripts[0] must be an object, not a number",
			`{"scripts":[{"name":"a","module":7}]}`:        "scripts[0].module must be a string, not a number",
			`{"scripts":[{},{"steps":"a"}]}`:               "scripts[1].steps must be a list of strings, not a string",
			`{"scripts":[{"fail_open":["a",{}]}]}`:         "scripts[0].fail_open[1] must be a string, not an object",
			`{"scripts":[{"mode":true}]}`:                  "scripts[0].mode must be a string, not true or false",
			`{"scripts":[{"config":{"a":{"b":1,"b":2}}}]}`: "scripts[0].config.a.b is given twice",
			`{"scripts":[{"nam":"a"}]}`: "scripts[0].nam is unknown: the members are name, module, steps, config, " +
				"mode, " +
				"canary, on_failure, fail_open, fuel",
			`{"scripts":[],"if_current":"1"}`: "if_current" + number + ", not a string",
			`{"copy_of":1.5}`:                 "copy_of" + number,
			`{"scripts":[],"comment":null,"Comment":"a"}`: "Comment is unknown: the members are scripts, copy_of, " +
				"if_current, comment",
			`{"scripts":[],"scripts":[]}`:               "scripts is given twice",
			`{"scripts":[{"name":"a"`:                   "the body is not valid JSON: unexpected EOF at byte 23",
			`{"scripts":[],"comment":"` + "\xff" + `"}`: "the body is not valid JSON: invalid UTF-8 at byte 25",
			`{"scripts":[]}{}`: "the body is not valid JSON: invalid character '{' after " +
				"top-level value at byte 14",
		},
		adminapi.PathDryRun: {
			`{"request":{},"scripts":"a"}`:               "scripts must be a list, not a string",
			`{"request":{},"scripts":[{"name":[]}]}`:     "scripts[0].name must be a string, not a list",
			`{"request":{},"caller":[]}`:                 "caller must be a JSON object, not a list",
			`{"request":{},"caller":{"scopes":"a"}}`:     "caller.scopes must be a list of strings, not a string",
			`{"request":{},"caller":{"scopes":["a",1]}}`: "caller.scopes[1] must be a string, not a number",
			`{"request":{},"caller":{"ip":"here"}}`: "caller.ip must be an IP address, such as " +
				"192.0.2.1 or 2001:db8::1",
			`{"request":{},"caller":{"ip":1}}`: "caller.ip must be an IP address, such as " +
				"192.0.2.1 or 2001:db8::1, not a number",
			`{"request":{},"caller":{"auth":7}}`: "caller.auth must be a string, not a number",
			`{"request":{},"caller":{"subject":"a","sub":"b"}}`: "caller.sub is unknown: the members are auth, " +
				"issuer, subject, token_id, scopes, ip, claims",
			`{"request":{},"caller":{"auth":"jwt","auth":""}}`: "caller.auth is given twice",
			`{"request":{"a":1,"a":2}}`:                        "request.a is given twice",
			`{"requests":{}}`: "requests is unknown: the members are request, " +
				"caller, scripts",
		},
		adminapi.PathReplay: {
			`{"last":"10"}`:              "last" + number + ", not a string",
			`{"last":1e3}`:               "last" + number,
			`{"scripts":[[]]}`:           "scripts[0] must be an object, not a list",
			`{"scripts":[{"canary":5}]}`: "scripts[0].canary must be a string, not a number",
			`{"first":1}`:                "first is unknown: the members are scripts, last",
		},
		adminapi.PathRotateSecret: {
			`{"grace":"60"}`:      "grace" + number + ", not a string",
			`{"grace":{}}`:        "grace" + number + ", not an object",
			`{"graces":60}`:       "graces is unknown: the members are grace, client_secret, reason",
			`{"grace":1,"grace":`: "grace is given twice",
		},
		adminapi.PathVerifySecret: {
			`{"client_secret":1}`: "client_secret must be a string, not a number",
			`{"secret":"a"}`:      "secret is unknown: the members are client_secret",
		},
		adminapi.PathSeen: {
			`{"client_ids":"a"}`:       "client_ids must be a list of strings, not a string",
			`{"client_ids":["a",{}]}`:  "client_ids[1] must be a string, not an object",
			`{"client_ids":[],"at":1}`: "at is unknown: the members are client_ids",
		},
		adminapi.PathAdminTokens: {
			`{"label":"a","roles":"read"}`: "roles must be a list of strings, not a string",
			`{"label":"a","roles":[1]}`:    "roles[0] must be a string, not a number",
			`{"label":"a","role":"read"}`:  "role is unknown: the members are label, roles, expires_in",
			`{"label":"a","roles":[]}`: "roles: at least one is needed: " +
				"admin, scripts, clients, tokens, lookup, read",
			`{"label":"a","roles":["read","write"]}`: `roles[1] "write": must be one of ` +
				"admin, scripts, clients, tokens, lookup, read",
			`{"label":"","roles":["read"]}`: "label has 0 characters: it must have 1 to 255",
			`{"label":"a","roles":["read"],"expires_in":-1}`: "expires_in must be 1 to 315360000 seconds, " +
				"or 0 for a token that never expires",
		},
		adminapi.PathInitialAccessTokens: {
			`{"label":"a","max_uses":"1"}`: "max_uses" + number + ", not a string",
			`{"label":["a"]}`:              "label must be a string, not a list",
			`{"label":"a","scopes":[1]}`:   "scopes[0] must be a string, not a number",
			`{"label":"a","expires":1}`:    "expires is unknown: the members are label, max_uses, expires_in, scopes",
		},
	}
	for _, path := range []string{adminapi.PathDisable, adminapi.PathEnable, adminapi.PathReissueToken} {
		refusals[path] = map[string]string{
			`{"reason":1}`:    "reason must be a string, not a number",
			`{"reasons":"a"}`: "reasons is unknown: the members are reason",
		}
	}
	for _, path := range []string{adminapi.PathClients, adminapi.PathClient, adminapi.PathDocumentPin} {
		refusals[path] = map[string]string{
			`{"redirect_uris":"a"}`:                "redirect_uris must be a list of strings, not a string",
			`{"client_name":"a","client_name":""}`: "client_name is given twice",
		}
	}
	everywhere := map[string]string{
		`[]`:   "the body must be a JSON object, not a list",
		`null`: "the body must be a JSON object, not null",
		`"{}"`: "the body must be a JSON object, not a string",
		`x`:    "the body must be a JSON object",
		`{`:    "the body is not valid JSON: unexpected EOF at byte 1",
	}
	s := newSite(t, setup{server: server.Config{FetchDocument: newWebHost(t).fetcher().Get}})
	id := s.register(`{` + web + `}`).want(http.StatusCreated).json()["client_id"].(string)
	for path, list := range refusals {
		for _, bodies := range []map[string]string{list, everywhere} {
			for body, want := range bodies {
				method := "POST"
				if path == adminapi.PathClient || path == adminapi.PathDocumentPin {
					method = "PUT"
				}
				called := strings.Replace(path, ":id", id, 1) + "?url=https://app.example/c"
				e := s.call(method, called, body).want(http.StatusBadRequest).
					wantHeader("Content-Type", "application/problem+json")
				if got := e.json()["detail"]; got != want {
					t.Errorf("%s of %s:\n got %q\nwant %q", path, body, got, want)
				}
			}
		}
	}
	for path, item := range loadOpenAPI(t).Paths.Map() {
		for _, operation := range item.Operations() {
			if !strings.HasPrefix(path, adminapi.Prefix) || operation.RequestBody == nil ||
				operation.RequestBody.Value.Content.Get("application/json") == nil {
				continue
			}
			if refusals[parameter.ReplaceAllString(path, ":id")] == nil {
				t.Errorf("%s has a JSON body, but no test", path)
			}
		}
	}
}
