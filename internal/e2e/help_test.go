package e2e

import (
	"strings"
	"testing"
)

func TestVersionNamesGoAndWazero(t *testing.T) {
	t.Parallel()
	got := must(t, runBinary(t, t.TempDir(), "version")).out
	for _, want := range []string{"registrar ", "\ngo1.", "\nwazero v1."} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestHelpCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"help"}, "Usage: registrar <command>"},
		{[]string{"help", "script"}, "script push"},
		{[]string{"help", "script", "push"}, "--before=NAME"},
		{[]string{"help", "help"}, "registrar help"},
	} {
		if got := must(t, runBinary(t, t.TempDir(), tt.args...)).out; !strings.Contains(got, tt.says) {
			t.Errorf("%v prints\n%s\nwithout %s", tt.args, got, tt.says)
		}
	}
	if r := runBinary(t, t.TempDir(), "help", "scripts"); r.code != exitUsage || !strings.Contains(r.err, "scripts") {
		t.Errorf("help of an unknown command: exit code %d: %s%s", r.code, r.out, r.err)
	}
}

func TestHelpListsFlagsAndEnvironment(t *testing.T) {
	t.Parallel()
	got := must(t, runBinary(t, t.TempDir(), "serve", "--help")).out
	for _, want := range []string{"--admin-listen", "$REGISTRAR_ADMIN_LISTEN", "$REGISTRAR_ADMIN_TOKEN.",
		"Who may register:"} {
		if !strings.Contains(got, want) {
			t.Errorf("the help does not contain %q", want)
		}
	}
	deploy := must(t, runBinary(t, t.TempDir(), "script", "deploy", "--help")).out
	if !strings.Contains(deploy, `"fail_open"?`) || !strings.Contains(deploy, "if_current") {
		t.Errorf("the help does not name the members of a deployment:\n%s", deploy)
	}
	if strings.Contains(got+deploy, "${") {
		t.Error("the help contains a placeholder")
	}
}
