package suggest

import (
	"strings"
	"testing"

	"registrar/engine"
	"registrar/hostfuncs"
)

func TestNearest(t *testing.T) {
	var functions, steps []string
	for _, f := range hostfuncs.Functions() {
		functions = append(functions, f.Name)
	}
	for _, step := range engine.StepTable() {
		steps = append(steps, step.Name)
	}
	for _, tt := range []struct {
		name  string
		among []string
		want  string
	}{
		{"set_clientid", functions, "set_client_id"},
		{"setClientSecret", functions, "set_client_secret"},
		{"refuze", functions, "refuse"},
		{"callBase", functions, "call_base"},
		{"fd_writ", functions, "fd_write"},
		{"http_get", functions, ""},
		{"lo", functions, "log"},
		{"x", functions, ""},
		{"addClientId", steps, "add_client_id"},
		{"add_client", steps, "add_client_id"},
		{"set_redirect_uri", steps, "set_redirect_uris"},
		{"set_scope", steps, "set_scopes"},
		{"build_responce", steps, "build_response"},
		{"set_client_id", steps, ""}, // a host function, not a misspelt set_client_name
		{"malloc", steps, ""},
		{"call_base", steps, ""},
		{"", steps, ""},
		{strings.Repeat("set_scopes", 1000), steps, ""},
	} {
		if got := Nearest(tt.name, tt.among, Strict); got != tt.want {
			t.Errorf("%.80s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	flags := []string{"listen", "admin-listen"}
	if got := Nearest("lstn", flags, Lenient); got != "" {
		t.Errorf("two edits in four bytes: got %q", got)
	}
	if got := Nearest("lsten-", flags, Lenient); got != "listen" {
		t.Errorf("two edits in six bytes: got %q", got)
	}
}
