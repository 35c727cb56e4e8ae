package metrics_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"registrar/engine"
	"registrar/internal/guard"
	"registrar/internal/metrics"
	"registrar/internal/version"
	"registrar/scripts"
)

// scrape returns the lines of a scrape that begin with prefix.
func scrape(t testing.TB, m *metrics.Metrics, prefix string) []string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if recorder.Code != 200 {
		t.Fatalf("got %d %s", recorder.Code, recorder.Body)
	}
	problems, err := promlint.New(strings.NewReader(recorder.Body.String())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "registrar_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	var lines []string
	for line := range strings.Lines(recorder.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestStepsAreCounted(t *testing.T) {
	m := metrics.New()
	m.Deployed(map[string][]string{"ids": {"add_client_id"}})
	m.StepEnded("ids", scripts.StepEnd{Step: "add_client_id", Outcome: scripts.OutcomeDone, Entered: true, Fuel: 1500,
		Elapsed: 50 * time.Microsecond})
	m.StepEnded("ids", scripts.StepEnd{Step: "add_client_id", Outcome: scripts.OutcomeFailed,
		Failure: scripts.FailureFuel, Entered: true, Fuel: 10_000_000, Elapsed: time.Second})
	m.StepEnded("ids", scripts.StepEnd{Step: "add_client_id", Outcome: scripts.OutcomeFailed,
		Failure: scripts.FailureTrap})
	want := []string{
		`registrar_script_calls_total{outcome="aborted",script="ids",step="add_client_id"} 0`,
		`registrar_script_calls_total{outcome="done",script="ids",step="add_client_id"} 1`,
		`registrar_script_calls_total{outcome="failed",script="ids",step="add_client_id"} 2`,
		`registrar_script_calls_total{outcome="refused",script="ids",step="add_client_id"} 0`,
	}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_script_calls_total")); diff != "" {
		t.Errorf("calls, want (-) and got (+):\n%s", diff)
	}
	failures := scrape(t, m, "registrar_script_failures_total")
	if len(failures) != len(scripts.FailureKinds()) ||
		!slices.Contains(failures, `registrar_script_failures_total{kind="fuel",script="ids",step="add_client_id"} 1`) {
		t.Errorf("failures: %q", failures)
	}
	for _, line := range []string{
		`registrar_script_step_fuel_instructions_count{script="ids",step="add_client_id"} 2`,
		`registrar_script_step_fuel_instructions_sum{script="ids",step="add_client_id"} 1.00015e+07`,
		`registrar_script_step_fuel_instructions_bucket{script="ids",step="add_client_id",le="4000"} 1`,
		`registrar_script_step_duration_seconds_bucket{script="ids",step="add_client_id",le="0.00016"} 1`,
		`registrar_script_step_duration_seconds_bucket{script="ids",step="add_client_id",le="+Inf"} 2`,
	} {
		if !slices.Contains(scrape(t, m, "registrar_script_step_"), line) {
			t.Errorf("%s is missing", line)
		}
	}
}

func TestRetiredScriptsAreDropped(t *testing.T) {
	m := metrics.New()
	m.Deployed(map[string][]string{"ids": {"add_client_id"}, "policy": {"set_scopes", "set_redirect_uris"}})
	done := func(script, step string) {
		m.StepEnded(script, scripts.StepEnd{Step: step, Outcome: scripts.OutcomeDone, Entered: true})
		m.Instance(script, scripts.InstanceTaken)
	}
	done("ids", "add_client_id")
	done("policy", "set_scopes")
	done("policy", "set_redirect_uris")

	m.Deployed(map[string][]string{"policy": {"set_scopes"}})
	done("ids", "add_client_id") // from a registration that began before
	done("policy", "set_redirect_uris")
	done("policy", "set_scopes")
	for _, line := range scrape(t, m, "registrar_script_") {
		if strings.Contains(line, `"ids"`) || strings.Contains(line, "set_redirect_uris") {
			t.Errorf("a retired step remains: %s", line)
		}
	}
	if got := scrape(t, m, `registrar_script_calls_total{outcome="done"`); !slices.Equal(got,
		[]string{`registrar_script_calls_total{outcome="done",script="policy",step="set_scopes"} 2`}) {
		t.Errorf("calls of the remaining step: %q", got)
	}
	if got := scrape(t, m, "registrar_script_pool_hits_total"); !slices.Equal(got,
		[]string{`registrar_script_pool_hits_total{script="policy"} 4`}) {
		t.Errorf("pool hits: %q", got)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	m := metrics.New()
	m.Answered("POST", "/register", 201, 3*time.Millisecond)
	m.Answered("BREW", "", 405, time.Millisecond)
	m.Registered("registered")
	m.AddressUnread()
	if got := scrape(t, m, "registrar_addresses_unread_total"); !slices.Equal(got,
		[]string{"registrar_addresses_unread_total 1"}) {
		t.Errorf("unread addresses: %q", got)
	}
	got := scrape(t, m, "registrar_http_request_duration_seconds_count")
	want := []string{
		`registrar_http_request_duration_seconds_count{method="POST",route="/register",status="201"} 1`,
		`registrar_http_request_duration_seconds_count{method="other",route="none",status="405"} 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	want = []string{
		`registrar_registrations_total{outcome="failed"} 0`,
		`registrar_registrations_total{outcome="refused"} 0`,
		`registrar_registrations_total{outcome="registered"} 1`,
		`registrar_registrations_total{outcome="unavailable"} 0`,
	}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_registrations_total")); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

type host struct {
	number  int64
	failed  error
	waiting map[string]int
}

func (h *host) Current() (int64, bool)  { return h.number, h.number > 0 }
func (h *host) Ready() error            { return h.failed }
func (h *host) Waiting() map[string]int { return maps.Clone(h.waiting) }

func TestWatch(t *testing.T) {
	m, h := metrics.New(), &host{failed: errors.New("not yet")}
	m.Watch(h)
	want := []string{"registrar_deployment_loaded 0", "registrar_deployment_number 0"}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_deployment_")); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	h.number, h.failed, h.waiting = 7, nil, map[string]int{"ids": 16}
	want = []string{"registrar_deployment_loaded 1", "registrar_deployment_number 7"}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_deployment_")); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	if got := scrape(t, m, "registrar_script_instances_waiting"); !slices.Equal(got,
		[]string{`registrar_script_instances_waiting{script="ids"} 16`}) {
		t.Errorf("got %q", got)
	}
}

func TestCountingAStepDoesNotAllocate(t *testing.T) {
	m := metrics.New()
	m.Deployed(map[string][]string{"ids": {"add_client_id"}})
	end := scripts.StepEnd{Step: "add_client_id", Outcome: scripts.OutcomeDone, Entered: true, Fuel: 1500,
		Elapsed: 50 * time.Microsecond}
	if n := testing.AllocsPerRun(1000,
		func() { m.StepEnded("ids", end); m.Instance("ids", scripts.InstanceTaken) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkStepEnded(b *testing.B) {
	m := metrics.New()
	m.Deployed(map[string][]string{"ids": {"add_client_id"}})
	end := scripts.StepEnd{Step: "add_client_id", Outcome: scripts.OutcomeDone, Entered: true, Fuel: 1500,
		Elapsed: 50 * time.Microsecond}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.StepEnded("ids", end)
		}
	})
}

// Panics are counted by where they were caught, each place from the beginning.
func TestPanicsAreCounted(t *testing.T) {
	m, g := metrics.New(), &guard.Guard{}
	m.WatchPanics(g)
	g.Count(guard.Shadows)
	got := scrape(t, m, "registrar_panics_total")
	if len(got) != len(guard.Places()) || !slices.Contains(got, `registrar_panics_total{where="shadows"} 1`) ||
		!slices.Contains(got, `registrar_panics_total{where="log"} 0`) {
		t.Errorf("got %q", got)
	}
}

// The version is a label, so that a dashboard shows which replica runs which program.
func TestBuildInfo(t *testing.T) {
	v := version.Get()
	want := fmt.Sprintf(`registrar_build_info{commit=%q,go=%q,version=%q,wazero=%q} 1`, v.Commit, v.Go, v.Version,
		v.Wazero())
	if got := scrape(t, metrics.New(), "registrar_build_info"); len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

type database struct {
	doubtful        int
	removed, absent uint64
}

func (d *database) InDoubt() int              { return d.doubtful }
func (d *database) Settled() (uint64, uint64) { return d.removed, d.absent }
func (d *database) Pools() map[string]sql.DBStats {
	return map[string]sql.DBStats{"write": {MaxOpenConnections: 4, OpenConnections: 3, InUse: 2, Idle: 1, WaitCount: 5,
		WaitDuration: 1500 * time.Millisecond}}
}

func TestDatabaseIsWatched(t *testing.T) {
	m, d := metrics.New(), &database{}
	m.WatchDatabase(d)
	*d = database{doubtful: 3, removed: 2, absent: 1}
	got := append(scrape(t, m, "registrar_registrations_in_doubt"), scrape(t, m, "registrar_registrations_settled")...)
	want := []string{
		"registrar_registrations_in_doubt 3",
		`registrar_registrations_settled_total{outcome="absent"} 1`,
		`registrar_registrations_settled_total{outcome="removed"} 2`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

func TestPoolsAreWatched(t *testing.T) {
	m := metrics.New()
	m.WatchDatabase(&database{})
	want := []string{
		`registrar_database_connection_wait_seconds_total{pool="write"} 1.5`,
		`registrar_database_connection_waits_total{pool="write"} 5`,
		`registrar_database_connections{pool="write",state="idle"} 1`,
		`registrar_database_connections{pool="write",state="in_use"} 2`,
		`registrar_database_connections_max{pool="write"} 4`,
	}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_database_connection")); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

// has checks that a scrape has each of some lines.
func has(t *testing.T, m *metrics.Metrics, want ...string) {
	t.Helper()
	all := scrape(t, m, "registrar_")
	for _, line := range want {
		if !slices.Contains(all, line) {
			t.Errorf("%s is missing", line)
		}
	}
}

func TestStatementsAndBatchesAreCounted(t *testing.T) {
	m := metrics.New()
	m.StatementEnded("insert", 2*time.Millisecond)
	m.StatementEnded("unheard of", time.Second)
	m.BatchBegan(3)
	m.ItemWaited(0)
	m.ItemWaited(time.Millisecond)
	has(t, m, `registrar_database_statement_duration_seconds_count{statement="insert"} 1`,
		`registrar_database_statement_duration_seconds_bucket{statement="insert",le="0.0025"} 1`,
		`registrar_database_statement_duration_seconds_count{statement="other"} 1`,
		`registrar_database_statement_duration_seconds_count{statement="select"} 0`,
		`registrar_batch_clients_bucket{le="2"} 0`, `registrar_batch_clients_bucket{le="4"} 1`,
		`registrar_batch_wait_seconds_bucket{le="0.00025"} 1`, `registrar_batch_wait_seconds_count 2`)
	if n := testing.AllocsPerRun(1000, func() {
		m.StatementEnded("insert", time.Millisecond)
		m.BatchBegan(1)
		m.ItemWaited(0)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// Labels hold only known values.
func TestLabelsAreBounded(t *testing.T) {
	m := metrics.New()
	m.Refused(engine.InvalidRedirectURI, "set_redirect_uris")
	m.Refused(engine.InvalidClientMetadata, "request")
	m.Refused(engine.InvalidClientMetadata, engine.StepNone)
	m.Refused("a client's text", "a client's text")
	want := []string{
		`registrar_refusals_total{code="invalid_client_metadata",step="none"} 1`,
		`registrar_refusals_total{code="invalid_client_metadata",step="request"} 1`,
		`registrar_refusals_total{code="invalid_redirect_uri",step="set_redirect_uris"} 1`,
		`registrar_refusals_total{code="other",step="other"} 1`,
	}
	if diff := cmp.Diff(want, scrape(t, m, "registrar_refusals_total")); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	m.KeySetFetched("read", time.Millisecond)
	m.KeySetFetched("a server's text", time.Millisecond)
	m.DocumentFetched(metrics.ByClient)("status", time.Millisecond)
	m.DocumentFetched(metrics.ByOperator)("a server's text", time.Millisecond)
	has(t, m, `registrar_key_set_fetch_duration_seconds_count{outcome="read"} 1`,
		`registrar_key_set_fetch_duration_seconds_count{outcome="invalid"} 0`,
		`registrar_key_set_fetch_duration_seconds_count{outcome="other"} 1`,
		`registrar_document_fetch_duration_seconds_count{outcome="status",url_of="client"} 1`,
		`registrar_document_fetch_duration_seconds_count{outcome="status",url_of="operator"} 0`,
		`registrar_document_fetch_duration_seconds_count{outcome="other",url_of="operator"} 1`)
}

func TestExpiryAndAgeAreWatched(t *testing.T) {
	m := metrics.New()
	age, end := 1500*time.Millisecond, time.Unix(1_900_000_000, 0)
	m.WatchWrites(func() time.Duration { return age })
	m.WatchCertificates(map[string]func() time.Time{
		"public": func() time.Time { return end },
		"admin":  func() time.Time { return time.Time{} },
	})
	has(t, m, `registrar_database_write_age_seconds 1.5`,
		`registrar_certificate_expiry_timestamp_seconds{listener="admin"} 0`,
		`registrar_certificate_expiry_timestamp_seconds{listener="public"} 1.9e+09`)
	end = end.Add(time.Hour) // it was replaced
	has(t, m, `registrar_certificate_expiry_timestamp_seconds{listener="public"} 1.9000036e+09`)
}
