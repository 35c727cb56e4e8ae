package e2e

import (
	"net/http"
	"testing"

	"registrar/store/storetest"
)

// What servers do with one database in trouble, they do with a node of a Galera cluster: here each is connected to one
// node, without a proxy that would lead it to another.
func TestClusterInTrouble(t *testing.T) {
	cluster := storetest.NewCluster(t)
	const node = 1
	flag := func(t *testing.T) string {
		return "--database=mysql:" + cluster.DSN(node, cluster.Database(t))
	}
	t.Run("hanging", func(t *testing.T) {
		hang := func(during func()) {
			check(t, cluster.Pause(node))
			during()
			check(t, cluster.Resume(node))
		}
		testDatabaseThatHangs(t, hanging{t.TempDir(), flag(t), hang, false})
	})
	t.Run("readiness", func(t *testing.T) {
		p := start(t, t.TempDir(), flag(t))
		p.wantReady()
		check(t, cluster.Pause(node))
		p.wantUnready("the database cannot be written: it does not answer")
		check(t, cluster.Resume(node))
		p.wantReady()
		cluster.Kill(node)
		p.wantUnready("the database cannot be written: ")
		if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
			t.Errorf("registering: got %+v", got)
		}

		waiting := starting(t, flag(t), "--startup-timeout=5m")
		eventually(t, "a server waits", func() bool { return waiting.logged("waiting for the database") != nil })
		check(t, cluster.Restart(node))
		waiting.awaitListening()
		p.wantReady()
		for _, p := range []*process{p, waiting} {
			if got := p.register(minimal); got.status != http.StatusCreated {
				t.Errorf("registering: got %+v", got)
			}
		}
	})
	t.Run("drain", func(t *testing.T) { testDrain(t, flag(t)) })
	t.Run("canary", func(t *testing.T) { testCanaryKeepsItsBaseline(t, flag(t)) })
	t.Run("replicas", func(t *testing.T) { testReplicaList(t, flag(t)) })
	t.Run("deploy and wait", func(t *testing.T) { testDeployAndWait(t, flag(t)) })
	t.Run("one by one", func(t *testing.T) { testServersAreReplacedOneByOne(t, flag(t)) })
	t.Run("too old", func(t *testing.T) { testProgramTooOldForTheSchema(t, flag(t)) })
}
