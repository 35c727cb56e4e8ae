package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

func TestScriptReplay(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag)
		must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
		p.register(`{"redirect_uris":["https://app.example/cb"],"client_name":"patched","contacts":["ops@acme.example"]}`)
		evil := p.register(`{"redirect_uris":["https://evil.example/cb"],"client_name":"Evil"}`)
		editor := p.register(`{"redirect_uris":["https://app.example/cb"],"client_name":"Editor"}`)

		for _, c := range []struct {
			fixture string
			want    scripts.Replay
		}{
			{"accept-all", scripts.Replay{Same: 3}},
			{"custom-secret", scripts.Replay{Same: 3}},
			{"patch-metadata", scripts.Replay{Same: 1, Changed: 2}},
			{"refuse-redirect-host", scripts.Replay{Same: 2, Refused: 1}},
			{"fail-private-key", scripts.Replay{Failed: 3}},
			{"fail-code", scripts.Replay{Same: 3}}, // prefix-id is further out and does not call its base
		} {
			got := answer[scripts.Replay](t, p, "script", "replay", wasmtest.Path(t, c.fixture))
			if got.Last != 1000 || got.Total != 3 || got.Same != c.want.Same || got.Changed != c.want.Changed ||
				got.Refused != c.want.Refused || got.Failed != c.want.Failed {
				t.Errorf("%s: got %+v, want %+v", c.fixture, got, c.want)
			}
		}
		// In place of the script of that name it runs.
		if got := answer[scripts.Replay](t, p, "script", "replay", wasmtest.Path(t, "fail-code"), "--name=prefix-id",
			"--last=2"); got.Last != 2 || got.Failed != 2 {
			t.Errorf("in place of the deployed script: got %+v", got)
		}

		text := must(t, p.command("script", "replay", wasmtest.Path(t, "patch-metadata"))).out
		want := "3 registrations: 1 the same, 2 changed, 0 refused, 0 failed\n" +
			"\n" + editor.ClientID +
			": changed\n  client_name: \"Editor\" → \"patched\"\n  contacts: none → [\"ops@acme.example\"]\n" +
			"\n" + evil.ClientID +
			": changed\n  client_name: \"Evil\" → \"patched\"\n  contacts: none → [\"ops@acme.example\"]\n"
		if text != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
		r := must(t, p.command("script", "replay", wasmtest.Path(t, "refuse-redirect-host")))
		if !strings.Contains(r.out,
			evil.ClientID+": refused\n  invalid_redirect_uri: the redirect URI host evil.example is not allowed\n") ||
			r.err != "" {
			t.Errorf("got\n%s%s", r.out, r.err)
		}

		if list := answer[adminapi.Deployments](t, p, "script", "deployments"); len(list.Deployments) != 1 {
			t.Errorf("replaying deployed: %+v", list)
		}
		if list := answer[adminapi.Clients](t, p, "client", "list"); len(list.Clients) != 3 {
			t.Errorf("%d clients are stored, want 3", len(list.Clients))
		}
	})
}

// A script that replaces another one has its configuration by default.
func TestScriptReplayConfiguration(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.register(`{"redirect_uris":["https://app.example/cb"]}`)
	m := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "go-policy"))
	must(t, p.command("script", "deploy", servertest.File(t, "policy.json", fmt.Sprintf(
		`{"scripts":[{"name":"policy","module":"%s","config":{"hosts":["app.example"]}}]}`, m.Digest))))
	replay := func(args ...string) scripts.Replay {
		return answer[scripts.Replay](t, p,
			append([]string{"script", "replay", wasmtest.Path(t, "go-policy"), "--name=policy"}, args...)...)
	}
	if got := replay(); got.Same != 1 {
		t.Errorf("with the deployed configuration: got %+v", got)
	}
	if got := replay(`--config-json={"hosts":["other.example"]}`); got.Refused != 1 {
		t.Errorf("with another one: got %+v", got)
	}
}

func TestScriptReplayRefuses(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--last=0"}, exitUsage, "--last 0: must be 1 to 100000"},
		{[]string{"--last=100001"}, exitUsage, "--last 100001: must be 1 to 100000"},
		{[]string{"--name=No"}, exitUsage, "use --name"},
		{[]string{"--config-json=[]"}, exitUsage, "--config-json: must be a JSON object"},
		{[]string{"--server=http://127.0.0.1:1"}, exitFailed, "name its admin address with --server"},
	} {
		args := append([]string{"script", "replay", wasmtest.Path(t, "accept-all"),
			"--admin-token-file", filepath.Join(p.folder, "registrar.token"), "--server", p.admin}, c.args...)
		if r := runBinary(t, p.folder, args...); r.code != c.code || !strings.Contains(r.err, c.want) {
			t.Errorf("%v: exit code %d: %s", c.args, r.code, r.err)
		}
	}
	if r := p.command("script", "replay", wasmtest.Path(t, "bad-no-step")); r.code != exitFailed || r.out != "" {
		t.Errorf("a rejected module: exit code %d: %s%s", r.code, r.out, r.err)
	}
	if r := must(t, p.command("script", "replay",
		wasmtest.Path(t, "accept-all"))); r.out != "0 registrations: 0 the same, 0 changed, 0 refused, 0 failed\n" {
		t.Errorf("without registrations: got %q", r.out)
	}
}
