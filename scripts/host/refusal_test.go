package host_test

import (
	"errors"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts/host"
)

// A script that passes on the refusal of its base is not named as the one that refused.
func TestRefusalNamesTheScriptThatDecided(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	for _, tt := range []struct{ scripts, body, want string }{
		{"accept-all refuse-redirect-host", `{"redirect_uris":["https://evil.example/cb"]}`, "refuse-redirect-host"},
		{"refuse-redirect-host accept-all", `{"redirect_uris":["https://evil.example/cb"]}`, "refuse-redirect-host"},
		{"refuse-scope accept-all", minimal, "refuse-scope"},
		{"accept-all", `{"redirect_uris":["https://app.example/#f"]}`, ""}, // the built-in step refuses
	} {
		b.deployFixtures(strings.Fields(tt.scripts)...)
		_, err := b.register(tt.body)
		got := ""
		if refusal, ok := errors.AsType[*host.RefusalError](err); ok {
			got = refusal.Script
		}
		if _, refused := errors.AsType[*engine.Error](err); !refused || got != tt.want {
			t.Errorf("%s: got %v by %q, want a refusal by %q", tt.scripts, err, got, tt.want)
		}
	}
}
