package cli

import (
	"fmt"
	"os"
	"strings"

	"registrar/internal/tracing"
)

// traceFlags say where traces are sent.
type traceFlags struct {
	OTLPEndpoint    string  `name:"otlp-endpoint" placeholder:"URL" help:"${otlp_endpoint}"`
	OTLPSampleRatio float64 `name:"otlp-sample-ratio" default:"1" placeholder:"NUMBER" help:"${otlp_sample_ratio}"`
}

// headerVariables are the variables of OpenTelemetry with headers for exports; the first that is set counts.
var headerVariables = []string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"}

// tracing checks the flags and returns what they configure.
func (f *traceFlags) tracing() (tracing.Config, error) {
	c := tracing.Config{Endpoint: f.OTLPEndpoint, Ratio: f.OTLPSampleRatio}
	if !(c.Ratio >= 0 && c.Ratio <= 1) { // NaN is refused too
		return c, fmt.Errorf("--otlp-sample-ratio %v: must be from 0 to 1", c.Ratio)
	}
	if !c.Enabled() {
		return c, nil
	}
	for _, name := range headerVariables {
		list := os.Getenv(name)
		if list == "" {
			continue
		}
		var err error
		if c.Header, err = tracing.ParseHeader(list); err != nil {
			return c, fmt.Errorf("$%s: %w", name, err)
		}
		break
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("--otlp-endpoint: %s", strings.TrimPrefix(err.Error(), "the endpoint: "))
	}
	return c, nil
}
