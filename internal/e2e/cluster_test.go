package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/store/storetest"
	"registrar/store/storetest/galera"
)

// The writer of a Galera cluster behind HAProxy is lost while clients register, and comes back. Each client that was
// answered 201 is on every node afterwards. REGISTRAR_TEST_ROUNDS is how often the writer is lost, in turn because it
// is killed and because it hangs.
func TestClusterLosesItsWriter(t *testing.T) {
	began := time.Now()
	cluster := storetest.NewCluster(t)
	t.Logf("the cluster was ready after %v", since(began))
	database := cluster.Database(t)
	p := start(t, t.TempDir(), "--database=mysql:"+cluster.ProxyDSN(database))
	l := startLoad(p, 8)
	defer l.stop()
	faults := [...]struct {
		how        string
		lose, back func(node int) error
	}{
		{"killed", func(node int) error { cluster.Kill(node); return nil }, cluster.Restart},
		{"paused", cluster.Pause, func(node int) error { return cluster.Resume(node) }},
	}
	for round := range rounds(t, 1) {
		fault := faults[round%len(faults)]
		l.awaitMore(100)
		lost := time.Now()
		check(t, fault.lose(0))
		l.awaitMore(100)
		resumed := since(lost)
		check(t, fault.back(0))
		eventually(t, "the writer is the writer again", func() bool {
			writer, err := cluster.Writer()
			return err == nil && writer == 0
		})
		t.Logf("round %d: the writer was %s; 100 clients were registered after %v, and it was back after %v", round,
			fault.how, resumed, since(lost))
		l.awaitMore(100)
	}
	l.stop()
	l.verify(cluster, database)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }

// A load is clients that register, one after the other in each of several goroutines.
type load struct {
	p       *process
	workers sync.WaitGroup
	stopped atomic.Bool

	mu          sync.Mutex
	registered  map[string]managed // by client ID
	unavailable int                // answers 503
	slowest     time.Duration
}

func startLoad(p *process, workers int) *load {
	l := &load{p: p, registered: map[string]managed{}}
	for range workers {
		l.workers.Go(func() {
			for !l.stopped.Load() {
				l.register()
				time.Sleep(50 * time.Millisecond) // the cluster, the proxy and the server share this machine
			}
		})
	}
	return l
}

// stop returns when all requests were answered.
func (l *load) stop() {
	l.stopped.Store(true)
	l.workers.Wait()
}

// register registers a client. While the database is away, the answer may be 503.
func (l *load) register() {
	began := time.Now()
	response, err := http.Post(l.p.public+"/register", "application/json", strings.NewReader(minimal))
	if err != nil {
		l.p.t.Errorf("registering: %v", err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	c := managed{p: l.p}
	if err == nil && response.StatusCode == http.StatusCreated {
		err = json.Unmarshal(body, &c)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, time.Since(began))
	switch {
	case err == nil && response.StatusCode == http.StatusCreated:
		l.registered[c.ID] = c
	case err == nil && response.StatusCode == http.StatusServiceUnavailable:
		l.unavailable++
	default:
		l.p.t.Errorf("registering: got %d and %v, want 201 or 503: %s", response.StatusCode, err, body)
	}
}

// awaitMore returns when n more clients are registered.
func (l *load) awaitMore(n int) {
	l.p.t.Helper()
	count := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.registered) }
	before := count()
	eventually(l.p.t, fmt.Sprint(n, " more clients are registered"), func() bool { return count() >= before+n })
}

// verify fails the test if a client that was answered 201 is missing on a node, or if some cannot read themselves.
func (l *load) verify(cluster *storetest.Cluster, database string) {
	l.p.t.Helper()
	l.p.t.Logf("%d clients were registered, %d answers were 503, and the slowest took %v", len(l.registered),
		l.unavailable, l.slowest.Round(time.Millisecond))
	for node := range galera.Nodes {
		var missing map[string]managed
		for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
			missing = maps.Clone(l.registered)
			for _, id := range cluster.Rows(l.p.t, node, database, "SELECT client_id FROM clients") {
				delete(missing, id)
			}
			if len(missing) == 0 || time.Now().After(deadline) {
				break
			}
		}
		for id := range missing {
			l.p.t.Errorf("client %s was answered 201, but is not on node %d", id, node)
		}
	}
	ids := slices.Sorted(maps.Keys(l.registered))
	for i := 0; i < len(ids); i += 1 + len(ids)/100 {
		eventually(l.p.t, "client "+ids[i]+" reads itself", func() bool {
			status, body, err := l.registered[ids[i]].do(http.MethodGet, "")
			if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
				l.p.t.Fatalf("client %s reads itself: got %d and %v: %s", ids[i], status, err, body)
			}
			return status == http.StatusOK
		})
	}
}

func TestDocumentedProxyIsTheTestedOne(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/databases.md")
	if err != nil {
		t.Fatal(err)
	}
	want := galera.Listen("127.0.0.1:3306", "10.0.0.1:3306", "10.0.0.2:3306", "10.0.0.3:3306")
	if !strings.Contains(string(text), "```haproxy\n"+want+"```\n") {
		t.Errorf("docs/databases.md must have the lines that the tests run:\n%s", want)
	}
}
