package cli

import (
	"math"
	"strings"
	"testing"
)

func TestTraceFlags(t *testing.T) {
	const local, remote = "http://127.0.0.1:4318", "http://collector.example:4318"
	for _, c := range []struct {
		flags   traceFlags
		headers string
		want    string // of the error; "" means none
	}{
		{traceFlags{"", 1}, "", ""},
		{traceFlags{"", 2}, "", "--otlp-sample-ratio 2: must be from 0 to 1"},
		{traceFlags{local, math.NaN()}, "", "--otlp-sample-ratio NaN: must be from 0 to 1"},
		{traceFlags{local, -.1}, "", "--otlp-sample-ratio -0.1: must be from 0 to 1"},
		{traceFlags{local, 0}, "api-key=secret-1", ""},
		{traceFlags{remote, .5}, "", ""},
		{traceFlags{"https://collector.example/otlp", 1}, "api-key=secret-1, other=a%20b", ""},
		{traceFlags{remote, 1}, "api-key=secret-1", "--otlp-endpoint: must be https unless its host is loopback"},
		{traceFlags{local, 1}, "secret-1", "$OTEL_EXPORTER_OTLP_HEADERS: the headers must be NAME=VALUE"},
		{traceFlags{local, 1}, "a=%zzsecret-1", "$OTEL_EXPORTER_OTLP_HEADERS: the headers must be NAME=VALUE"},
		{traceFlags{"collector:4318", 1}, "", "--otlp-endpoint: must be a URL such as http://127.0.0.1:4318"},
		{traceFlags{"grpc://collector:4317", 1}, "", "--otlp-endpoint: must be a URL"},
		{traceFlags{"https://user:secret-1@collector.example", 1}, "", "--otlp-endpoint: must not contain a user"},
		{traceFlags{"https://collector.example?key=secret-1", 1}, "", "--otlp-endpoint: must have no query"},
	} {
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", c.headers)
		got, err := c.flags.tracing()
		switch {
		case c.want == "" && (err != nil || got.Enabled() != (c.flags.OTLPEndpoint != "")):
			t.Errorf("%+v: got %v, enabled %t", c.flags, err, got.Enabled())
		case c.want != "" &&
			(err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret-1")):
			t.Errorf("%+v: got %v, want %q and no secret", c.flags, err, c.want)
		}
		if c.want == "" && c.headers != "" && got.Header.Get("API-Key") != "secret-1" {
			t.Errorf("%+v: got the header %v", c.flags, got.Header)
		}
	}
}
