package tracing_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/internal/tracing"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

func TestMain(m *testing.M) { wasmtest.Main(m) }

// A collector receives OTLP over HTTP.
type collector struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]string
	headers  []http.Header
	statuses []int // of the next responses; then 200
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, resource: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) receive(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, r.Header)
	if len(c.statuses) > 0 {
		w.WriteHeader(c.statuses[0])
		c.statuses = c.statuses[1:]
		return
	}
	body, err := io.ReadAll(r.Body)
	var sent tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("got %s %v: %v", r.URL.Path, r.Header, err)
	}
	for _, of := range sent.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			c.resource[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// tree returns a line for each span: its ancestors that were received, its name and its attributes.
func (c *collector) tree() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		byID[string(s.SpanId)] = s
	}
	for _, s := range c.spans {
		path := s.Name
		for parent := byID[string(s.ParentSpanId)]; parent != nil; parent = byID[string(parent.ParentSpanId)] {
			path = parent.Name + " > " + path
		}
		var attributes []string
		for _, a := range s.Attributes {
			value := a.Value.GetStringValue()
			if value == "" {
				value = fmt.Sprint(a.Value.GetIntValue())
			}
			attributes = append(attributes, strings.TrimPrefix(a.Key, "registrar.")+"="+value)
		}
		slices.Sort(attributes)
		lines = append(lines, path+": "+strings.Join(attributes, " "))
	}
	return lines
}

// serve starts a server that traces, with scripts.
func serve(t *testing.T, c tracing.Config, names ...string) *servertest.Server {
	t.Helper()
	s := servertest.New(t, app.Config{Tracing: c}, servertest.Options{})
	var list []scripts.Script
	for _, name := range names {
		m, err := s.API().Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, scripts.Script{Name: name, Module: m.Digest})
	}
	if len(list) > 0 {
		if _, err := s.API().Deploy(t.Context(), adminapi.NewDeployment{Scripts: list}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

const metadata = `{"redirect_uris":["https://hush.example/cb"],"client_name":"Hush"}`

func register(t *testing.T, s *servertest.Server, body, traceparent string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.Public.URL+"/register", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", "the-request")
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// stop ends a server as the program does: requests first. Then what is left of the traces is exported.
func stop(t *testing.T, s *servertest.Server) {
	t.Helper()
	s.Public.Close()
	s.Admin.Close()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// One trace has the request, its steps and its scripts, each below what it runs in, and nothing of the client.
func TestTraceOfARegistration(t *testing.T) {
	c := newCollector(t)
	s := serve(t, tracing.Config{Endpoint: c.URL, Ratio: 1}, "wrap-id")
	register(t, s, metadata, "")
	stop(t, s)
	digest := scripts.Digest(wasmtest.Wasm(t, "wrap-id"))[:len("sha256:")+12]
	const request = "POST /register"
	lines := c.tree()
	for _, want := range []string{
		request + ": http.request.method=POST http.response.status_code=201 http.route=/register request_id=the-request",
		request + " > set_redirect_uris: outcome=done step.by=built-in step=set_redirect_uris",
		request + " > set_scopes > set_default_scopes: outcome=done step.by=built-in step=set_default_scopes",
		request + " > add_client_id: outcome=done step.by=script step=add_client_id",
		request + " > add_client_id > script wrap-id > built-in add_client_id: outcome=done step=add_client_id",
		request + " > build_response: outcome=done step.by=built-in step=build_response",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no span %s", want)
		}
	}
	script := request + " > add_client_id > script wrap-id: module=" + digest + " outcome=done script.fuel="
	if !slices.ContainsFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, script) && !strings.HasPrefix(line, script+"0 ")
	}) {
		t.Errorf("no span %s", script)
	}
	if t.Failed() {
		t.Logf("got\n%s", strings.Join(lines, "\n"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resource["service.name"] != "registrar" || c.resource["service.version"] == "" {
		t.Errorf("got the resource %v", c.resource)
	}
	for _, span := range c.spans {
		if text := span.String(); strings.Contains(strings.ToLower(text), "hush") {
			t.Errorf("a span has what the client sent: %s", text)
		}
	}
}

// A trace that began elsewhere continues, and its sampling decision holds.
func TestTraceparent(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, sampled := range []bool{true, false} {
		c := newCollector(t)
		s := serve(t, tracing.Config{Endpoint: c.URL, Ratio: 0})
		register(t, s, metadata, "") // by the ratio, not recorded
		flags := map[bool]string{true: "01", false: "00"}[sampled]
		register(t, s, metadata, "00-"+id+"-"+parent+"-"+flags)
		stop(t, s)
		if !sampled {
			if len(c.spans) != 0 {
				t.Errorf("%d spans were recorded, want none", len(c.spans))
			}
			continue
		}
		roots := 0
		for _, span := range c.spans {
			if hex.EncodeToString(span.TraceId) != id {
				t.Errorf("%s is in another trace", span.Name)
			}
			if hex.EncodeToString(span.ParentSpanId) == parent {
				roots++
			}
		}
		if roots != 1 || len(c.spans) < 10 {
			t.Errorf("%d of %d spans are children of the caller's, want 1", roots, len(c.spans))
		}
	}
}

// Refusals are outcomes, failures of scripts are errors; neither shows a text.
func TestTraceOfRefusalsAndFailures(t *testing.T) {
	c := newCollector(t)
	s := serve(t, tracing.Config{Endpoint: c.URL, Ratio: 1}, "fail-trap")
	register(t, s, `{"redirect_uris":["https://app.example/hush#f"]}`, "")
	register(t, s, metadata, "")
	stop(t, s)
	lines := c.tree()
	if want := "POST /register > set_redirect_uris: outcome=refused refusal.code=invalid_redirect_uri " +
		"step.by=built-in step=set_redirect_uris"; !slices.Contains(lines, want) {
		t.Errorf("no span %s in\n%s", want, strings.Join(lines, "\n"))
	}
	failed := map[string]bool{}
	for _, span := range c.spans {
		if span.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			failed[span.Name] = true
		}
		if strings.Contains(span.String(), "hush") {
			t.Errorf("a span has what the client sent: %s", span)
		}
	}
	for _, name := range []string{"POST /register", "add_client_id", "script fail-trap"} {
		if !failed[name] {
			t.Errorf("%s is no error; errors are %v", name, failed)
		}
	}
	if len(failed) != 3 {
		t.Errorf("errors are %v, want 3", failed)
	}
}

// A batch that the collector cannot take now is sent again, with the header.
func TestExportIsRepeated(t *testing.T) {
	c := newCollector(t)
	c.statuses = []int{http.StatusServiceUnavailable}
	s := serve(t, tracing.Config{Endpoint: c.URL + "/", Ratio: 1, Header: http.Header{"Api-Key": {"a-key"}}})
	register(t, s, metadata, "")
	stop(t, s)
	if len(c.spans) == 0 || len(c.headers) != 2 || c.headers[1].Get("Api-Key") != "a-key" {
		t.Errorf("%d spans came with the headers %v", len(c.spans), c.headers)
	}
	if strings.Contains(s.Log.String(), "cannot be exported") {
		t.Error("the log has an error")
	}
}

// Without a collector clients register, the log says what is wrong, and the server stops in time.
func TestCollectorIsAway(t *testing.T) {
	c := newCollector(t)
	c.Close()
	s := serve(t, tracing.Config{Endpoint: c.URL, Ratio: 1, Header: http.Header{"Api-Key": {"a-key"}}})
	response, err := http.Post(s.Public.URL+"/register", "application/json", strings.NewReader(metadata))
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("got %v, %v", response, err)
	}
	response.Body.Close()
	stop(t, s)
	log := s.Log.String()
	if strings.Count(log, "traces cannot be exported") != 1 || strings.Contains(log, "a-key") {
		t.Errorf("got the log\n%s", log)
	}
}
