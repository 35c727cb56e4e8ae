package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// Uploads and deployments beyond the bounds are refused by name, and leave nothing.
func TestUploadsAndDeploymentsAreBounded(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag, "--max-modules=2", "--max-modules-size=64KiB")
		first := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "prefix-id"))
		refused := func(bound string, args ...string) {
			t.Helper()
			if r := p.command(args...); r.code != exitFailed || !strings.Contains(r.err, bound) {
				t.Errorf("%s: exit code %d, want %q in: %s", args[1], r.code, bound, r.err)
			}
		}
		refused("--max-modules-size", "script", "push", wasmtest.Path(t, "go-policy"), "--deploy")
		must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id")))
		refused("--max-modules)", "script", "push", wasmtest.Path(t, "log-lines"), "--deploy")
		must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id"))) // it is stored already

		deployment := func(n, config int, comment string) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(`{"name":"s%d","module":%q,"config":{"a":%q}}`, i, first.Digest,
					strings.Repeat("x", config)))
			}
			return servertest.File(t, "deployment.json",
				fmt.Sprintf(`{"scripts":[%s],"comment":%q}`, strings.Join(list, ","), comment))
		}
		refused("scripts has 65 elements: at most 64", "script", "deploy", deployment(65, 1, ""))
		refused("at most 1048576 are allowed", "script", "deploy", deployment(20, 60<<10, ""))
		refused("comment has 1025 bytes: at most 1024", "script", "deploy", deployment(1, 1, strings.Repeat("c", 1025)))

		if list := answer[adminapi.Modules](t, p, "script", "list"); len(list.Modules) != 2 {
			t.Errorf("%d modules are stored, want 2", len(list.Modules))
		}
		if list := answer[adminapi.Deployments](t, p, "script", "deployments"); len(list.Deployments) != 0 {
			t.Errorf("the deployments are %+v", list.Deployments)
		}
		must(t, p.command("script", "deploy", deployment(64, 1, strings.Repeat("c", 1024))))
		if got := p.register(minimal); got.status != http.StatusCreated {
			t.Errorf("with as many scripts as there may be: status %d", got.status)
		}
	})
}
