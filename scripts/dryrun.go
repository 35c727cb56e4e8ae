package scripts

import "github.com/go-json-experiment/json/jsontext"

// An Outcome is how a registration, or a step of one, ended.
type Outcome string

// The outcomes of a step and of a dry run.
const (
	OutcomeDone       Outcome = "done"
	OutcomeRefused    Outcome = "refused"
	OutcomeFailed     Outcome = "failed"
	OutcomeRegistered Outcome = "registered"
)

// A DryRun is what came of a registration that was not stored.
type DryRun struct {
	Outcome  Outcome        `json:"outcome"`           // OutcomeRegistered, OutcomeRefused or OutcomeFailed
	Response jsontext.Value `json:"response,omitzero"` // to the client, where it was registered
	Error    *DryRunError   `json:"error,omitzero"`    // else
	Steps    []StepTrace    `json:"steps"`             // in the order in which they began
	Dropped  int            `json:"log_lines_dropped"` // for which there was no room
}

// RefusedDryRun returns the result for a request that is refused before the first step, with the error that the client would
// get (RFC 7591 §3.2.2).
func RefusedDryRun(code, description string) DryRun {
	return DryRun{Outcome: OutcomeRefused, Steps: []StepTrace{}, Error: &DryRunError{Code: code, Description: description}}
}

// A DryRunError is why a dry run registered nothing. Unlike a client, the operator reads why a script failed.
type DryRunError struct {
	Code        string `json:"error"` // of RFC 7591 §3.2.2, "server_error" or "temporarily_unavailable"
	Description string `json:"error_description"`
}

// A StepTrace is one step as one script, or the server itself, ran it.
type StepTrace struct {
	Step         string         `json:"step"`
	Script       string         `json:"script"` // its name; empty for the built-in step
	Outcome      Outcome        `json:"outcome"`
	Microseconds int64          `json:"microseconds"` // its base excluded
	Fuel         *int64         `json:"fuel"`         // nil for a built-in step, which uses none
	Changes      jsontext.Value `json:"changes"`      // to the client's metadata, its base's included: RFC 7396
	Log          []string       `json:"log"`

	// Before is the metadata as the step found it, for a tracer in the same process: it is not on the wire.
	Before jsontext.Value `json:"-"`
}
