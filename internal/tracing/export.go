package tracing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"registrar/internal/guard"
)

const (
	// exportTimeout bounds the export of a batch with its repetitions.
	exportTimeout = 10 * time.Second
	// exportAttempts bounds how often a batch is sent.
	exportAttempts = 3
	// firstRepetition is the pause before a batch is sent again; it doubles each time.
	firstRepetition = 500 * time.Millisecond
	// maxAnswer bounds what is read of a response, in bytes.
	maxAnswer = 64 << 10
)

// A reporter exports spans, and logs when it cannot.
type reporter struct {
	sdk.SpanExporter
	logger *slog.Logger
	guard  *guard.Guard
}

// ExportSpans implements [sdk.SpanExporter]. It returns nil, since the library would report an error elsewhere.
func (r *reporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	var err error
	if panicked := r.guard.Run(guard.Traces, func() { err = r.SpanExporter.ExportSpans(ctx, spans) }); panicked != nil {
		return nil
	}
	if err != nil {
		r.logger.ErrorContext(ctx, "traces cannot be exported", "spans", len(spans), "error", err)
	}
	return nil
}

// A client sends spans by OTLP over HTTP, as binary protobuf (OTLP Specification 1.x, OTLP/HTTP). It replaces
// otlptracehttp, which would bring gRPC into the program.
type client struct {
	url    string
	header http.Header
	http   *http.Client
}

func newClient(c Config) *client {
	header := c.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-protobuf")
	header.Set("User-Agent", "registrar")
	return &client{url: strings.TrimSuffix(c.Endpoint, "/") + "/v1/traces", header: header, http: &http.Client{
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
		// A redirect would carry the header to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Start implements the exporter's client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements the exporter's client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements the exporter's client. A batch that the collector may take later is sent again.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData has the encoding of ExportTraceServiceRequest, whose package would import gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	pause := firstRepetition
	for attempt := 1; ; attempt++ {
		again, err := c.send(ctx, body)
		if err == nil || !again || attempt == exportAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// send sends a batch once. again reports whether another attempt may succeed.
func (c *client) send(ctx context.Context, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header = c.header
	response, err := c.http.Do(request)
	if err != nil {
		return ctx.Err() == nil, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // so that the connection is used again
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	return again, fmt.Errorf("the collector's response is %s", response.Status)
}
