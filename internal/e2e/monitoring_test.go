package e2e

import (
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
)

// served returns the metrics of a server that uses TLS, and on which a script has run and a client was refused, each
// with its labels.
func served(t *testing.T) map[string][]string {
	t.Helper()
	p := start(t, t.TempDir(), servertest.Certificate(t)...)
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for body, want := range map[string]int{minimal: 201, `{"redirect_uris":["https://app.example/cb#f"]}`: 400} {
		response, err := client.Post(p.public+"/register", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != want {
			t.Fatalf("%s: got %s", body, response.Status)
		}
	}
	response, err := http.Get(p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for name, family := range families {
		labels[name] = []string{}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(labels[name], l.GetName()) {
					labels[name] = append(labels[name], l.GetName())
				}
			}
		}
		slices.Sort(labels[name])
	}
	return labels
}

func TestMonitoring(t *testing.T) {
	t.Parallel()
	known := served(t)
	t.Run("documented", func(t *testing.T) { testMetricsAreDocumented(t, known) })
	t.Run("files", func(t *testing.T) { testMonitoringFiles(t, known) })
}

// familyOf returns the name of a histogram, given that of one of its series.
func familyOf(name string, known map[string][]string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, is := strings.CutSuffix(name, suffix); is && known[base] != nil {
			return base
		}
	}
	return name
}

var (
	metricName = regexp.MustCompile(`\b(?:registrar|process|go)_[a-z_]+\b`)
	tableRow   = regexp.MustCompile("(?m)^\\| (`registrar_[^|]*) \\|([^|]*)\\| ")
	codeSpan   = regexp.MustCompile("`([^`]+)`")
)

// The table of metrics in monitoring.md has the names and the labels of /metrics.
func testMetricsAreDocumented(t *testing.T, known map[string][]string) {
	page, err := os.ReadFile("docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(string(page), -1) {
		var labels []string
		for _, label := range codeSpan.FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		for _, name := range codeSpan.FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = true
			if got, there := known[name[1]]; !there {
				t.Errorf("%s is documented, but not in /metrics", name[1])
			} else if !slices.Equal(got, labels) {
				t.Errorf("%s has the labels %q, and is documented with %q", name[1], got, labels)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "registrar_") && !documented[name] {
			t.Errorf("%s is in /metrics, but not documented", name)
		}
	}
}

// An alert is a rule of alerts.yaml.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// The dashboard and the alerts use metrics that exist. Each alert has a runbook and a unit test.
func testMonitoringFiles(t *testing.T, known map[string][]string) {
	read := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	dashboard, rules, tests := read("docs/monitoring/registrar.json"), read("docs/monitoring/alerts.yaml"),
		read("docs/monitoring/alerts_test.yaml")
	files := map[string]string{"registrar.json": dashboard, "alerts.yaml": rules, "alerts_test.yaml": tests}
	for file, text := range files {
		names := metricName.FindAllString(text, -1)
		if len(names) < 15 {
			t.Errorf("%s: only %d metrics were found", file, len(names))
		}
		for _, name := range names {
			if known[familyOf(name, known)] == nil {
				t.Errorf("%s uses %s, which is not in /metrics", file, name)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "registrar_") && !strings.Contains(dashboard, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	var parsed struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(rules), &parsed); err != nil || len(parsed.Groups) == 0 {
		t.Fatalf("alerts.yaml has %d groups: %v", len(parsed.Groups), err)
	}
	headings := anchors(t, "docs/monitoring.md")
	for _, group := range parsed.Groups {
		for _, a := range group.Rules {
			page, anchor, _ := strings.Cut(a.Annotations["runbook"], "#")
			if page != "docs/monitoring.md" || anchor != strings.ToLower(a.Alert) || !headings[anchor] {
				t.Errorf("%s has the runbook %q, which is no heading of %s", a.Alert, a.Annotations["runbook"],
					slices.Sorted(maps.Keys(headings)))
			}
			if a.Annotations["summary"] == "" || a.Labels["severity"] == "" || a.Expr == "" {
				t.Errorf("%s lacks a summary, a severity or an expression", a.Alert)
			}
			if !strings.Contains(tests, "alertname: "+a.Alert+"\n") {
				t.Errorf("alerts_test.yaml does not test %s", a.Alert)
			}
		}
	}
}

// The program sends traces to the collector that its flag names, the last ones when it stops.
func TestTraces(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var received []string // names of spans
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var sent tracepb.TracesData
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(b, &sent)
		}
		if err != nil {
			t.Error(err)
		}
		for _, of := range sent.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, span := range scope.Spans {
					received = append(received, span.Name)
				}
			}
		}
	}))
	defer collector.Close()
	p := start(t, t.TempDir(), "--otlp-endpoint="+collector.URL)
	if line := p.logged("sending traces"); line == nil || line["otlp_endpoint"] != collector.URL {
		t.Errorf("the log does not name the collector: %v", line)
	}
	p.register(minimal)
	p.status(p.admin + "/readyz")
	if code := p.stop(); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, p.log)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(received, "POST /register") || !slices.Contains(received, "set_redirect_uris") ||
		slices.Contains(received, "GET /readyz") {
		t.Errorf("got the spans %q", received)
	}
}
