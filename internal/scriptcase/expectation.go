package scriptcase

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
)

// outcomeRejected is the outcome of a case whose configuration does not fit the schema that the module carries.
const outcomeRejected scripts.Outcome = "rejected"

// An expectation is the expected result of a case. Members that it leaves out may be anything.
type expectation struct {
	Outcome  scripts.Outcome     `json:"outcome"`
	Response map[string]any      `json:"response"` // members that must have these values
	Match    map[string]*pattern `json:"match"`    // members that must match, such as IDs and secrets
	Absent   []string            `json:"absent"`   // members that the response must not have
	Error    *expectedError      `json:"error"`
	Log      []string            `json:"log"` // parts of lines
}

type expectedError struct {
	Code        string `json:"code,omitzero"`
	Description string `json:"description,omitzero"` // a part of it
}

// check refuses expectations that no result or every result could meet.
func (e *expectation) check() error {
	registered := e.Outcome == scripts.OutcomeRegistered
	for _, name := range slices.Sorted(maps.Keys(e.Match)) {
		if _, both := e.Response[name]; both || slices.Contains(e.Absent, name) {
			return fmt.Errorf("match: %s is also under response or absent", name)
		}
		if e.Match[name] == nil {
			return fmt.Errorf("match: %s must be a regular expression, not null", name)
		}
	}
	switch {
	case !registered && e.Outcome != scripts.OutcomeRefused && e.Outcome != scripts.OutcomeFailed &&
		e.Outcome != outcomeRejected:
		return fmt.Errorf("outcome %q: must be registered, refused, failed or rejected", e.Outcome)
	case registered && e.Error != nil:
		return errors.New("error: a registered client gets none")
	case !registered && e.Response != nil:
		return errors.New("response: only a registered client gets one")
	case !registered && e.Match != nil:
		return errors.New("match: only a registered client gets a response")
	case !registered && e.Absent != nil:
		return errors.New("absent: only a registered client gets a response")
	}
	return nil
}

// diff returns the differences between a result and the expectation, "" if there are none. Of the response it shows
// only the members that the expectation names.
func (e *expectation) diff(run scripts.DryRun) string {
	var d caseDiff
	d.compare("/outcome", e.Outcome, run.Outcome)
	if run.Outcome == e.Outcome {
		e.diffResponse(&d, run.Response)
	}
	e.diffError(&d, run.Error)
	e.diffLog(&d, run)
	return d.String()
}

func (e *expectation) diffResponse(d *caseDiff, response jsontext.Value) {
	if e.Response == nil && e.Match == nil && e.Absent == nil {
		return
	}
	var members map[string]any
	if err := json.Unmarshal(response, &members); err != nil {
		d.got("/response", err.Error())
		return
	}
	named := map[string]any{}
	for _, name := range slices.AppendSeq(slices.Clone(e.Absent), maps.Keys(e.Response)) {
		if v, ok := members[name]; ok {
			named[name] = v
		}
	}
	d.compareObjects("/response", e.Response, named)
	e.diffMatch(d, members)
}

// diffMatch adds the patterns that members of the response do not match.
func (e *expectation) diffMatch(d *caseDiff, members map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(e.Match)) {
		at := jsontext.Pointer("/match").AppendToken(name)
		switch value, there := members[name]; {
		case !there:
			d.expected(at, e.Match[name])
		case !e.Match[name].matches(value):
			d.expected(at, e.Match[name])
			d.got(at, value)
		}
	}
}

func (e *expectation) diffError(d *caseDiff, got *scripts.DryRunError) {
	switch {
	case e.Error == nil:
		return
	case got == nil:
		d.expected("/error", e.Error)
		return
	}
	if e.Error.Code != "" {
		d.compare("/error/code", e.Error.Code, got.Code)
	}
	if !strings.Contains(got.Description, e.Error.Description) {
		d.expected("/error/description", e.Error.Description)
		d.got("/error/description", got.Description)
	}
}

// diffLog adds the missing parts and, if there are any, all lines that were logged.
func (e *expectation) diffLog(d *caseDiff, run scripts.DryRun) {
	var lines []string
	for _, step := range run.Steps {
		lines = append(lines, step.Log...)
	}
	missing := slices.DeleteFunc(slices.Clone(e.Log), func(part string) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, part) })
	})
	if len(missing) == 0 {
		return
	}
	for _, part := range missing {
		d.expected("/log", part)
	}
	for _, line := range lines {
		d.got("/log", line)
	}
}
