package server_test

import (
	"net/http"
	"strings"
	"testing"

	"registrar/scripts"
	"registrar/scripts/javascript"
	"registrar/server/adminapi"
)

// The server packs scripts: the module is the one that the command line makes.
func TestScriptsAsText(t *testing.T) {
	s := newSite(t, setup{})
	upload := func(mediaType, text string) *exchange {
		return s.call("POST", adminapi.PathModules+"?name=max-age", text, "Content-Type: "+mediaType)
	}
	const script = "export function set_max_age({ base }) { base(); }\n"
	for mediaType, file := range map[string]string{
		"text/javascript": "max-age.js", "application/typescript; charset=UTF-8": "max-age.ts",
	} {
		module, err := javascript.PackText(t.Context(), file, []byte(script))
		if err != nil {
			t.Fatal(err)
		}
		upload(mediaType, script).want(http.StatusCreated).wantMembers(map[string]any{
			"digest": scripts.Digest(module), "name": "max-age", "steps": []string{"set_max_age"}})
		upload(mediaType, script).want(http.StatusOK)
	}
	for _, tt := range []struct {
		mediaType, text string
		status          int
		want            string
	}{
		{"text/javascript", "const x: number = 1;\n" + script, http.StatusUnprocessableEntity,
			`max-age.js:1:8: Expected \";\" but found \":\"\n    const x: number = 1;`},
		{"text/javascript", "import x from '/etc/passwd';\n" + script, http.StatusUnprocessableEntity,
			"max-age.js:1:15: a script that is sent as a text cannot import"},
		{"application/typescript", "export function set_maxage() {}\n", http.StatusUnprocessableEntity,
			"which is not a step: did you mean set_max_age?"},
		{"text/javascript; charset=iso-8859-1", script, http.StatusUnsupportedMediaType, "must be utf-8"},
		{"text/plain", script, http.StatusUnsupportedMediaType,
			"must be application/wasm, text/javascript or application/typescript"},
		{"text/javascript", script + strings.Repeat("//\n", scripts.MaxSource/3), http.StatusRequestEntityTooLarge,
			"must have at most 1048576 bytes; import less"},
	} {
		if e := upload(tt.mediaType, tt.text).want(tt.status); !strings.Contains(e.body, tt.want) {
			t.Errorf("%s: got %s, want %q in it", tt.mediaType, e.body, tt.want)
		}
	}
}
