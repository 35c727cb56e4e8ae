package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
)

// metric returns the value of one series: of a counter or a gauge, or the count of a histogram. Labels are
// "name=value". It returns -1 if the series does not exist.
func (p *process) metric(name string, labels ...string) float64 {
	p.t.Helper()
	response, err := http.Get(p.admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(response.Body)
		p.t.Fatalf("got %s %s", response.Status, b)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		fits := len(have) == len(labels)
		for _, l := range labels {
			key, value, _ := strings.Cut(l, "=")
			fits = fits && have[key] == value
		}
		switch {
		case !fits:
		case m.GetHistogram() != nil:
			return float64(m.GetHistogram().GetSampleCount())
		case m.GetGauge() != nil:
			return m.GetGauge().GetValue()
		default:
			return m.GetCounter().GetValue()
		}
	}
	return -1
}

func (p *process) wantMetric(want float64, name string, labels ...string) {
	p.t.Helper()
	if got := p.metric(name, labels...); got != want {
		p.t.Errorf("%s %v: got %v, want %v", name, labels, got, want)
	}
}

func TestMetricsOfRegistrations(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.wantMetric(0, "registrar_deployment_number")
	p.wantMetric(1, "registrar_deployment_loaded")
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	for range 3 {
		p.register(minimal)
	}
	p.register(`{"redirect_uris":["https://app.example/cb#fragment"]}`)
	p.post(p.public+"/nowhere", "{}")

	step := []string{"script=prefix-id", "step=add_client_id"}
	p.wantMetric(1, "registrar_deployment_number")
	p.wantMetric(3, "registrar_script_calls_total", append(step, "outcome=done")...)
	p.wantMetric(0, "registrar_script_calls_total", append(step, "outcome=failed")...)
	p.wantMetric(0, "registrar_script_failures_total", append(step, "kind=trap")...)
	p.wantMetric(3, "registrar_script_step_duration_seconds", step...)
	p.wantMetric(3, "registrar_script_step_fuel_instructions", step...)
	p.wantMetric(3, "registrar_registrations_total", "outcome=registered")
	p.wantMetric(1, "registrar_registrations_total", "outcome=refused")
	p.wantMetric(3, "registrar_http_request_duration_seconds", "method=POST", "route=/register", "status=201")
	p.wantMetric(1, "registrar_http_request_duration_seconds", "method=POST", "route=/register", "status=400")
	p.wantMetric(1, "registrar_http_request_duration_seconds", "method=POST", "route=none", "status=404")
	hits, misses := p.metric("registrar_script_pool_hits_total",
		"script=prefix-id"), p.metric("registrar_script_pool_misses_total", "script=prefix-id")
	if hits+misses != 3 {
		t.Errorf("%v hits and %v misses, want 3", hits, misses)
	}
	eventually(t, "16 instances are ready",
		func() bool { return p.metric("registrar_script_instances_waiting", "script=prefix-id") == 16 })

	must(t, p.command("script", "push", wasmtest.Path(t, "fail-trap"), "--name=broken", "--deploy"))
	must(t, p.command("script", "deploy",
		servertest.File(t, "broken.json", `{"scripts":[{"name":"broken","module":"`+digestOf(t, "fail-trap")+`"}]}`)))
	p.register(minimal)
	p.wantMetric(1, "registrar_script_failures_total", "script=broken", "step=add_client_id", "kind=trap")
	p.wantMetric(1, "registrar_registrations_total", "outcome=failed")
	p.wantMetric(-1, "registrar_script_calls_total", append(step, "outcome=done")...)
	p.wantMetric(-1, "registrar_script_instances_waiting", "script=prefix-id")
}

// A replica that cannot load a deployment keeps the previous one and reports it.
func TestMetricsOfADeploymentThatDoesNotLoad(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	roomy := start(t, folder)
	tight := start(t, t.TempDir(), "--database=sqlite:"+filepath.Join(folder, "registrar.db"), "--script-memory=64KiB")
	must(t, roomy.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	eventually(t, "the replica follows", func() bool { return tight.metric("registrar_deployment_number") == 1 })
	tight.wantMetric(1, "registrar_deployment_loaded")

	must(t, roomy.command("script", "push", wasmtest.Path(t, "wrap-id"), "--deploy")) // needs more memory
	eventually(t, "the gauge is 0", func() bool { return tight.metric("registrar_deployment_loaded") == 0 })
	tight.wantMetric(1, "registrar_deployment_number")
	roomy.wantMetric(1, "registrar_deployment_loaded")
	roomy.wantMetric(2, "registrar_deployment_number")
	if got := tight.status(tight.admin + "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", got)
	}
	if tight.logged("loading the deployment in force") == nil {
		t.Errorf("the log does not have it:\n%s", tight.log)
	}
	if id := tight.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("the previous deployment is not in force: %q", id)
	}
}

func digestOf(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(wasmtest.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return scripts.Digest(b)
}
