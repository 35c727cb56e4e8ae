package cli

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
)

// Progress is shown only on a terminal and is cleared before the output.
func TestScriptReplayShowsProgressOnATerminal(t *testing.T) {
	s := servertest.New(t, app.Config{}, servertest.Options{})
	response, err := http.Post(s.Public.URL+"/register", "application/json",
		strings.NewReader(`{"redirect_uris":["https://app.example/cb"]}`))
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatal(response, err)
	}
	response.Body.Close()
	token := servertest.File(t, "token", servertest.AdminToken)
	for _, terminal := range []bool{true, false} {
		var out, err bytes.Buffer
		code := run(t.Context(), []string{"script", "replay", wasmtest.Path(t, "accept-all"), "--server", s.Admin.URL,
			"--admin-token-file", token}, &console{out: &out, err: &err, terminal: terminal})
		if code != exitDone || !strings.HasPrefix(out.String(), "1 registrations: 1 the same") {
			t.Errorf("exit code %d: %s", code, out.String())
		}
		if shown := strings.Contains(err.String(), "\rreplaying: 0 of 1 (0%)"); shown != terminal {
			t.Errorf("on a terminal (%v): %q", terminal, err.String())
		}
		if left := onScreen(err.String()); left != "" {
			t.Errorf("on a terminal (%v), %q is left", terminal, left)
		}
	}
}
