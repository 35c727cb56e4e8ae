package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
)

func TestReplicaList(t *testing.T) { onEachBackend(t, testReplicaList) }

// Replicas list each other, and a server that ends leaves the list.
func testReplicaList(t *testing.T, flag string) {
	folder := t.TempDir()
	one := start(t, folder, flag)
	if got := answer[adminapi.Replicas](t, one, "replica", "list").Replicas; len(got) != 1 || !got[0].Live ||
		"http://"+got[0].Address != one.admin || got[0].Deployment == nil || *got[0].Deployment != 0 ||
		got[0].Version == "" || got[0].Problem != "" || got[0].BeatAt.Before(got[0].StartedAt) {
		t.Errorf("got %+v", got)
	}
	other := start(t, folder, flag)
	text := must(t, one.command("replica", "list")).out
	for _, want := range []string{"ADDRESS", "DEPLOYMENT", strings.TrimPrefix(one.admin, "http://"),
		strings.TrimPrefix(other.admin, "http://"), "ready"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list does not have %q:\n%s", want, text)
		}
	}
	if code := other.stop(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, other.log)
	}
	if got := answer[adminapi.Replicas](t, one, "replica", "list").Replicas; len(got) != 1 {
		t.Errorf("after one was stopped: got %+v", got)
	}
}

func TestDeployAndWait(t *testing.T) { onEachBackend(t, testDeployAndWait) }

// --wait waits until each live replica has loaded the deployment, and names those that have not.
func testDeployAndWait(t *testing.T, flag string) {
	folder := t.TempDir()
	one := start(t, folder, flag)
	other := start(t, folder, flag)
	list := servertest.File(t, "none.json", `{"scripts":[]}`)
	deploy := func(args ...string) result {
		t.Helper()
		return one.command(append([]string{"script", "deploy", list, "--wait"}, args...)...)
	}
	loaded := func(n int) {
		t.Helper()
		for _, r := range answer[adminapi.Replicas](t, one, "replica", "list").Replicas {
			if r.Deployment == nil || *r.Deployment != int64(n) {
				t.Errorf("after deployment %d: got %+v", n, r)
			}
		}
	}
	if r := must(t, deploy()); !strings.Contains(r.out, "deployment 1 is in force") ||
		!strings.Contains(r.err, "deployment 1 is loaded by all live replicas: 2") {
		t.Errorf("got %s and %s", r.out, r.err)
	}
	loaded(1)
	must(t, one.command("script", "rollback", "1", "--wait"))
	loaded(2)

	name := strings.TrimPrefix(other.admin, "http://")
	stopped(t, other.cmd.Process.Pid, func() {
		r := deploy("--wait-timeout=2s")
		if r.code != exitFailed || !strings.Contains(r.err, "deployment 3 is in force, but not loaded by") ||
			!strings.Contains(r.err, fmt.Sprintf("at %s, which has loaded 2", name)) ||
			strings.Contains(r.err, strings.TrimPrefix(one.admin, "http://")) {
			t.Errorf("exit code %d: %s", r.code, r.err)
		}
	})
	must(t, deploy())
	loaded(4)

	// A replica that cannot load a deployment gives the reason.
	other.stop()
	start(t, folder, flag, "--script-memory=64KiB")
	r := one.command("script", "push", wasmtest.Path(t, "wrap-id"), "--deploy", "--wait", "--wait-timeout=3s")
	if r.code != exitFailed || !strings.Contains(r.err, "which has loaded 4: loading deployment 5: ") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// Replicas follow what one of them deploys.
func TestReplicasFollow(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		first := start(t, t.TempDir(), flag)
		other := t.TempDir()
		if flag == "--database=sqlite:registrar.db" {
			other = first.folder
		}
		second := start(t, other, flag)
		scripted := func(want bool) func() bool {
			return func() bool { return strings.HasPrefix(second.register(minimal).ClientID, "acme-") == want }
		}
		must(t, first.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
		eventually(t, "the other replica runs the script", scripted(true))

		// The delay is only logged, for the documentation.
		none := servertest.File(t, "none.json", `{"scripts":[]}`)
		var longest time.Duration
		for i := range 6 {
			if i%2 == 0 {
				must(t, first.command("script", "deploy", none))
			} else {
				must(t, first.command("script", "rollback", "1"))
			}
			made := time.Now()
			eventually(t, "the other replica follows", scripted(i%2 == 1))
			longest = max(longest, time.Since(made))
		}
		t.Logf("the other replica followed six deployments, within at most %s", longest.Round(time.Millisecond))
	})
}
