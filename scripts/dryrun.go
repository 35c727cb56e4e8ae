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

// A DryRun is the result of a registration that was not stored.
type DryRun struct {
	Outcome  Outcome        `json:"outcome"`           // OutcomeRegistered, OutcomeRefused or OutcomeFailed
	Response jsontext.Value `json:"response,omitzero"` // the client's response; nil unless OutcomeRegistered
	Error    *DryRunError   `json:"error,omitzero"`    // nil if OutcomeRegistered
	Steps    []StepTrace    `json:"steps"`             // in the order in which they began
	Dropped  int            `json:"log_lines_dropped"` // log lines beyond the limit
}

// RefusedDryRun returns the result for a request that is refused before the first step, with the error that the client
// would get (RFC 7591 §3.2.2).
func RefusedDryRun(code, description string) DryRun {
	return DryRun{
		Outcome: OutcomeRefused,
		Steps:   []StepTrace{},
		Error:   &DryRunError{Code: code, Description: description},
	}
}

// A DryRunError says why a dry run registered nothing. Unlike a client's error it tells why a script failed.
type DryRunError struct {
	Code        string `json:"error"` // of RFC 7591 §3.2.2, "server_error" or "temporarily_unavailable"
	Description string `json:"error_description"`
}

// A StepTrace is one run of a step, by a script or by the server itself.
type StepTrace struct {
	Step         string         `json:"step"`
	Script       string         `json:"script"` // its name; empty for the built-in step
	Outcome      Outcome        `json:"outcome"`
	Microseconds int64          `json:"microseconds"` // wall clock, base excluded
	Fuel         *int64         `json:"fuel"`         // used, base excluded; nil for a built-in step
	Changes      jsontext.Value `json:"changes"`      // of the metadata, base included: a merge patch (RFC 7396)
	Log          []string       `json:"log"`

	// Request is what scripts changed in the request, base included: a merge patch; nil means nothing.
	Request jsontext.Value `json:"request,omitzero"`
	// Overwrote lists what scripts had patched in the client and the built-in step set to another value; nil means
	// nothing.
	Overwrote []Overwrite `json:"overwrote,omitzero"`

	// Before is the metadata at the beginning of the step. It is not on the wire.
	Before jsontext.Value `json:"-"`
}

// An Overwrite is a member that a script patched in vain: a later built-in step set it to another value.
type Overwrite struct {
	Member string `json:"member"`
	Script string `json:"script"` // that patched it last
	Step   string `json:"step"`   // in which it patched
}

// String describes the overwrite as a warning that follows the name of the built-in step.
func (o Overwrite) String() string {
	return "overwrote " + o.Member + ", which " + o.Script + " patched in " + o.Step +
		": patch it after the built-in step, or patch the request"
}

// Warnings returns a sentence for each patch that had no effect, in the order of the steps; nil means none.
func (d *DryRun) Warnings() []string {
	var list []string
	for _, step := range d.Steps {
		for _, o := range step.Overwrote {
			list = append(list, step.Step+" "+o.String())
		}
	}
	return list
}
