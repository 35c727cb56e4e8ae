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

func TestCanaryKeepsItsBaseline(t *testing.T) { onEachBackend(t, testCanaryKeepsItsBaseline) }

// The modules of the deployment that a canary falls back to stay, however old it is, and what is put in force loads
// with them.
func testCanaryKeepsItsBaseline(t *testing.T, flag string) {
	folder := t.TempDir()
	p := start(t, folder, flag)
	must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id"), "--deploy"))
	baseline := answer[adminapi.Modules](t, p, "script", "list").Modules[0].Digest
	canary := pushCanary(t, p)
	for range 25 {
		must(t, p.command("script", "deploy", canary))
	}
	if err := p.api().DeleteModule(t.Context(), baseline); err == nil ||
		!strings.Contains(err.Error(), "deployment 1 uses it as script wrap-id") {
		t.Errorf("deleting the module of the deployment beside the canary: got %v, want a refusal with its number", err)
	}
	p.stop()

	p = start(t, folder, flag)
	if status := p.status(p.admin + "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: status %d", status)
	}
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: status %d", got.status)
	}
	must(t, p.command("script", "deploy", servertest.File(t, "none.json", `{"scripts":[]}`)))
	if err := p.api().DeleteModule(t.Context(), baseline); err != nil {
		t.Errorf("deleting the module after the canary: %v", err)
	}
}

// A canary is refused, and nothing is put in force, if the deployment beside it does not load.
func TestCanaryWhoseBaselineDoesNotLoad(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder)
	must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id"), "--deploy"))
	p.stop()

	p = start(t, folder, "--script-memory=64KiB") // half of the module's initial memory
	r := p.command("script", "deploy", pushCanary(t, p))
	if r.code != exitFailed || !strings.Contains(r.err, "deployment 1, which stays in force for the other callers: ") {
		t.Errorf("exit code %d, want a refusal that names deployment 1: %s", r.code, r.err)
	}
	if list := answer[adminapi.Deployments](t, p, "script", "deployments").Deployments; len(list) != 1 {
		t.Errorf("%d deployments, want the first one only", len(list))
	}
}

// pushCanary uploads a module and returns the file of a deployment with nothing but a canary of it.
func pushCanary(t *testing.T, p *process) string {
	t.Helper()
	module := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "prefix-id")).Digest
	return servertest.File(t, "canary.json",
		fmt.Sprintf(`{"scripts":[{"name":"prefix-id","module":%q,"mode":"canary","canary":"5%%"}]}`, module))
}
