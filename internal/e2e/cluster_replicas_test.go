package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/store"
	"registrar/store/storetest"
	"registrar/store/storetest/galera"
)

// Replicas that each use another node of a cluster: they start at once, show at once what another has written, answer
// 503 while their node cannot know that, and one takes over the migrations of another that was killed.
func TestClusterReplicas(t *testing.T) {
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	cluster := storetest.NewCluster(t)
	var database string
	var replicas [galera.Nodes]*process
	for round := range 3 {
		began := time.Now()
		database = cluster.Database(t)
		for node := range replicas {
			replicas[node] = launchAt(t, cluster, node, database)
		}
		for _, p := range replicas {
			p.awaitListening()
		}
		t.Logf("round %d: three replicas started after %v", round, since(began))
		wantSchema(t, cluster, database)
		for node, p := range replicas {
			if round == 2 {
				break
			}
			if code := p.stop(); code != exitDone {
				t.Errorf("node %d: exit code %d:\n%s", node, code, p.log)
			}
		}
	}
	readAtAnother(t, replicas[:])
	behind(t, cluster, database, replicas)
	cutOff(t, cluster, replicas)
	hang(t, cluster, replicas)
	migrationOfKilled(t, cluster)
}

// launchAt starts a server on a database at a node.
func launchAt(t testing.TB, cluster *storetest.Cluster, node int, database string) *process {
	t.Helper()
	return launch(t, t.TempDir(), "--database=mysql:"+cluster.DSN(node, database), "--rate-limit=1e9",
		"--request-timeout=3s")
}

// wantSchema checks that each migration was applied once, and that the nodes have the same tables.
func wantSchema(t testing.TB, cluster *storetest.Cluster, database string) {
	t.Helper()
	want := []string{"0"}
	for version := range store.LatestVersion {
		want = append(want, fmt.Sprint(version+1))
	}
	const columns = "SELECT CONCAT_WS(' ', table_name, column_name, column_type) FROM information_schema.columns " +
		"WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
	first := cluster.Rows(t, 0, database, columns)
	for node := range galera.Nodes {
		var applied []string
		eventually(t, "the migrations are on each node", func() bool {
			applied = cluster.Rows(t, node, database, "SELECT version_id FROM goose_db_version ORDER BY version_id")
			return len(applied) >= len(want)
		})
		if !slices.Equal(applied, want) {
			t.Errorf("node %d: the migrations %v were applied, want each once: %v", node, applied, want)
		}
		if got := cluster.Rows(t, node, database, columns); !slices.Equal(got, first) {
			t.Errorf("node %d has the columns %v, the first node %v", node, got, first)
		}
	}
}

// readAtAnother has clients register at one replica, and read, update and delete themselves at others at once.
func readAtAnother(t *testing.T, replicas []*process) {
	var workers sync.WaitGroup
	var answers atomic.Int32
	for worker := range 6 {
		workers.Go(func() {
			for i := range 100 {
				c, err := tryRegister(replicas[(worker+i)%len(replicas)])
				if err != nil {
					t.Errorf("registering: %v", err)
					return
				}
				for step, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					c.p = replicas[(worker+i+step+1)%len(replicas)]
					body := ""
					if method == http.MethodPut {
						body = `{"client_id":"` + c.ID + `",` + strings.TrimPrefix(minimal, "{")
					}
					if method == http.MethodDelete && i%10 > 0 {
						continue
					}
					status, answer, err := c.do(method, body)
					if err != nil || status >= 300 {
						t.Errorf("%s at another replica: got %d and %v: %s", method, status, err, answer)
						continue
					}
					answers.Add(1)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("another replica answered %d requests right after a write", answers.Load())
}

// tryRegister registers a client, in a goroutine that is not the test's.
func tryRegister(p *process) (managed, error) {
	response, err := http.Post(p.public+"/register", "application/json", strings.NewReader(minimal))
	if err != nil {
		return managed{}, err
	}
	defer response.Body.Close()
	c := managed{p: p}
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	return c, err
}

// behind has a node apply nothing of what others commit. A replica at it does not say that it knows no such client, but
// answers 503 in time, and goes on when the node does.
func behind(t *testing.T, cluster *storetest.Cluster, database string, replicas [galera.Nodes]*process) {
	db, err := sql.Open("mysql", cluster.DSN(2, database))
	check(t, err)
	defer db.Close()
	locked, err := db.Conn(t.Context())
	check(t, err)
	defer locked.Close()
	_, err = locked.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK")
	check(t, err)
	c := replicas[0].registerManaged(minimal)
	c.p = replicas[2]
	began := time.Now()
	c.want(http.MethodGet, "", http.StatusServiceUnavailable)
	t.Logf("the replica at the node that was behind answered after %v", since(began))
	_, err = locked.ExecContext(t.Context(), "UNLOCK TABLES")
	check(t, err)
	c.reads("at the node that was behind")
}

// reads returns when the client can read itself. Until then the answer may be 503.
func (c managed) reads(where string) {
	c.p.t.Helper()
	eventually(c.p.t, "client "+c.ID+" reads itself "+where, func() bool {
		status, answer, err := c.do(http.MethodGet, "")
		if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
			c.p.t.Fatalf("a client reads itself %s: got %d and %v: %s", where, status, err, answer)
		}
		return status == http.StatusOK
	})
}

// cutOff stops two nodes until the third has no quorum. A replica at it answers 503, and goes on when the nodes do.
func cutOff(t *testing.T, cluster *storetest.Cluster, replicas [galera.Nodes]*process) {
	c := replicas[0].registerManaged(minimal)
	c.p = replicas[2]
	check(t, cluster.Pause(0))
	check(t, cluster.Pause(1))
	// Until the nodes miss each other nothing is committed anywhere, so that the client is still what it was.
	eventually(t, "the replica at the node that is cut off answers 503", func() bool {
		status, answer, err := c.do(http.MethodGet, "")
		if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Fatalf("at a node that is cut off: got %d and %v: %s", status, err, answer)
		}
		return status == http.StatusServiceUnavailable
	})
	check(t, cluster.AwaitCutOff(2))
	c.want(http.MethodGet, "", http.StatusServiceUnavailable)
	check(t, cluster.Resume(0, 1))
	c.reads("at the node that was cut off")
}

// hang stops a node until the others have expelled it, while clients register at another. When it goes on, a replica at
// it shows them at once or answers 503.
func hang(t *testing.T, cluster *storetest.Cluster, replicas [galera.Nodes]*process) {
	check(t, cluster.Pause(2))
	var clients []managed
	for began := time.Now(); len(clients) < 20; {
		c, err := tryRegister(replicas[0])
		if err == nil {
			c.p = replicas[2]
			clients = append(clients, c)
		} else if time.Since(began) > 2*patience {
			t.Fatalf("%d clients were registered while a node hangs; then: %v", len(clients), err)
		}
	}
	resumed := make(chan error, 1)
	go func() { resumed <- cluster.Resume(2) }()
	for _, c := range clients {
		c.reads("at the node that hung")
	}
	check(t, <-resumed)
}

// migrationOfKilled kills a program that has the lock of migrations, in the middle of one. Of the others that start,
// one takes the lock over when the lease has ended, and finishes the migration.
func migrationOfKilled(t *testing.T, cluster *storetest.Cluster) {
	var database string
	for held := false; !held; {
		database = cluster.Database(t)
		holder := launchMigrate(t, cluster.DSN(0, database))
		eventually(t, "the first table of the schema is there", func() bool {
			return len(cluster.Rows(t, 1, database, "SELECT table_name FROM information_schema.tables "+
				"WHERE table_schema = DATABASE() AND table_name = 'clients'")) > 0
		})
		check(t, holder.Process.Kill())
		_ = holder.Wait()
		held = cluster.Rows(t, 1, database, "SELECT holder FROM migration_lock")[0] != "" // else it was too late
	}
	began := time.Now()
	var waiting [galera.Nodes]*process
	for node := range waiting {
		waiting[node] = launchAt(t, cluster, node, database)
	}
	took := 0
	for _, p := range waiting {
		p.awaitListening()
		if p.logged("took the lock of migrations from a process that did not renew it") != nil {
			took++
		}
	}
	t.Logf("the others started after %v", since(began))
	if took != 1 {
		t.Errorf("%d replicas took the lock over, want one", took)
	}
	wantSchema(t, cluster, database)
}

// launchMigrate starts migrating a database.
func launchMigrate(t testing.TB, dsn string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "migrate", "--database=mysql:"+dsn)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
