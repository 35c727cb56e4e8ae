// Package tracing records OpenTelemetry traces of requests, of the steps of a registration and of its scripts, and
// exports them by OTLP over HTTP. A server that does not trace has no [Tracer]: it wraps nothing and starts nothing.
//
// Attributes hold names, counts and outcomes. They never hold metadata, secrets, tokens, addresses or the texts of
// errors.
package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"registrar/internal/guard"
	"registrar/internal/netrule"
	"registrar/internal/version"
)

// Config configures a Tracer.
type Config struct {
	// Endpoint is the base URL of a collector, such as http://127.0.0.1:4318. Traces are sent to its path v1/traces, as
	// OTEL_EXPORTER_OTLP_ENDPOINT means it. "" means that nothing is traced.
	Endpoint string
	// Ratio is the share of the traces that begin here which are recorded, from 0 to 1. A trace that began elsewhere is
	// recorded if its traceparent says so.
	Ratio float64
	// Header is sent with each export, such as a key of the collector; see [ParseHeader].
	Header http.Header
	Logger *slog.Logger // nil means slog.Default
	Guard  *guard.Guard // catches panics; nil means one that counts nothing
}

// Enabled reports whether c traces anything.
func (c Config) Enabled() bool { return c.Endpoint != "" }

// Validate returns an error if the Endpoint or the Ratio is not valid, without the values of the Header.
func (c Config) Validate() error {
	if !(c.Ratio >= 0 && c.Ratio <= 1) { // NaN is refused too
		return fmt.Errorf("the ratio %v: must be from 0 to 1", c.Ratio)
	}
	if !c.Enabled() {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the endpoint: must be a URL such as http://127.0.0.1:4318")
	case u.User != nil:
		return errors.New("the endpoint: must not contain a user or a password")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("the endpoint: must have no query and no fragment")
	case u.Scheme == "http" && len(c.Header) > 0 && !netrule.IsLoopback(u.Hostname()):
		return errors.New("the endpoint: must be https unless its host is loopback, " +
			"since headers are sent, which may be keys")
	}
	return nil
}

const (
	// flushTimeout bounds the export of the last spans in Close.
	flushTimeout = 3 * time.Second
	// maxQueue bounds the spans that wait to be exported; others are dropped.
	maxQueue = 4096
)

// A Tracer records traces. It is safe for concurrent use.
type Tracer struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TraceContext
}

// New returns a Tracer for a valid, enabled Config. The resource of the spans has the service.name registrar and the
// version; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES change it. The caller must call Close.
func New(ctx context.Context, c Config) (*Tracer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	exporter, err := otlptrace.New(ctx, newClient(c))
	if err != nil {
		return nil, err
	}
	described, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "registrar"),
		attribute.String("service.version", version.Get().Version)), resource.WithTelemetrySDK(),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&reporter{exporter, c.Logger, c.Guard}, sdk.WithMaxQueueSize(maxQueue),
			sdk.WithExportTimeout(exportTimeout)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Ratio))),
		sdk.WithResource(described))
	return &Tracer{provider: provider, tracer: provider.Tracer("registrar")}, nil
}

// Close exports the spans that are left, for at most three seconds. A collector that is away is no error.
func (t *Tracer) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what could not be exported was logged
}

// Request begins the span of a request to a route. It continues the trace of a traceparent header (W3C Trace Context
// §3.2). The caller must call end with the status of the response.
func (t *Tracer) Request(r *http.Request, route, requestID string) (ctx context.Context, end func(status int)) {
	ctx = t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	method := knownMethod(r.Method)
	ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.String("registrar.request_id", requestID)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			fail(span)
		}
		span.End()
	}
}

// knownMethod bounds the names of spans, since clients may send any method.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions,
		http.MethodPatch:
		return method
	}
	return "_OTHER"
}

// ParseHeader parses the value of OTEL_EXPORTER_OTLP_HEADERS: NAME=VALUE, separated by commas, the values
// percent-encoded. Its error does not quote the list, which may hold keys.
func ParseHeader(list string) (http.Header, error) {
	h := http.Header{}
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			return nil, errors.New("the headers must be NAME=VALUE, separated by commas, with percent-encoded values")
		}
		h.Set(name, value)
	}
	return h, nil
}
