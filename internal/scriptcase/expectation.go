package scriptcase

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
)

// An expectation is what must come of a case. What it does not speak of does not matter.
type expectation struct {
	Outcome  scripts.Outcome `json:"outcome"`
	Response map[string]any  `json:"response"` // members that must have these values
	Absent   []string        `json:"absent"`   // members that must not be there
	Error    *expectedError  `json:"error"`
	Log      []string        `json:"log"` // parts of lines
}

type expectedError struct {
	Code        string `json:"code"`
	Description string `json:"description"` // a part of it
}

// check refuses what no outcome could meet, and what every one would.
func (e *expectation) check() error {
	registered := e.Outcome == scripts.OutcomeRegistered
	switch {
	case !registered && e.Outcome != scripts.OutcomeRefused && e.Outcome != scripts.OutcomeFailed:
		return fmt.Errorf("outcome %q: it must be registered, refused or failed", e.Outcome)
	case registered && e.Error != nil:
		return errors.New("error: a client that is registered gets none")
	case !registered && e.Response != nil:
		return errors.New("response: only a client that is registered gets one")
	case !registered && e.Absent != nil:
		return errors.New("absent: only a client that is registered gets a response")
	}
	return nil
}

// diff returns how what came out differs from what must, "" where it does not. Of what came out it shows what is spoken
// of.
func (e *expectation) diff(run scripts.DryRun) string {
	want, got := map[string]any{"outcome": string(e.Outcome)}, map[string]any{"outcome": string(run.Outcome)}
	if run.Outcome == e.Outcome {
		e.compareResponse(run.Response, want, got)
	}
	e.compareError(run, want, got)
	e.compareLog(run, want, got)
	// go-cmp pads with tabs and no-break spaces, at random.
	return strings.NewReplacer("\u00a0", " ", "\t", "  ").Replace(cmp.Diff(want, got))
}

func (e *expectation) compareResponse(response jsontext.Value, want, got map[string]any) {
	if e.Response == nil && e.Absent == nil {
		return
	}
	var members map[string]any
	if err := json.Unmarshal(response, &members); err != nil {
		got["response"] = err.Error()
		return
	}
	wanted, there := map[string]any{}, map[string]any{}
	for name, value := range e.Response {
		wanted[name] = value
		if v, ok := members[name]; ok {
			there[name] = v
		}
	}
	for _, name := range e.Absent {
		if v, ok := members[name]; ok {
			there[name] = v
		}
	}
	want["response"], got["response"] = wanted, there
}

func (e *expectation) compareError(run scripts.DryRun, want, got map[string]any) {
	if e.Error == nil {
		return
	}
	wanted := map[string]any{"code": e.Error.Code, "description": e.Error.Description}
	want["error"] = wanted
	if run.Error == nil {
		return
	}
	got["error"] = map[string]any{"code": run.Error.Code, "description": run.Error.Description}
	if e.Error.Code == "" {
		wanted["code"] = run.Error.Code
	}
	if strings.Contains(run.Error.Description, e.Error.Description) {
		wanted["description"] = run.Error.Description
	}
}

// compareLog shows every line where a part of one is missing.
func (e *expectation) compareLog(run scripts.DryRun, want, got map[string]any) {
	lines := []string{}
	for _, step := range run.Steps {
		lines = append(lines, step.Log...)
	}
	var missing []string
	for _, part := range e.Log {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, part) }) {
			missing = append(missing, part)
		}
	}
	if missing != nil {
		want["log without"], got["log"] = missing, lines
	}
}
