package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"registrar/engine"
	"registrar/scripts"
)

// A testCase is a request, what surrounds it, and what must come of it.
type testCase struct {
	name      string // its path in the folder, without .txtar
	about     string
	request   []byte
	caller    *engine.Caller
	config    jsontext.Value // nil for none
	statement jsontext.Value // verified claims; nil for none
	taken     map[string]bool
	expect    expectation
}

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

// readCases reads folder/*.txtar and folder/cases/*.txtar. It tells all that is wrong with them.
func readCases(folder string) ([]testCase, error) {
	var cases []testCase
	var wrong []error
	for _, below := range []string{"", "cases"} {
		entries, err := os.ReadDir(filepath.Join(folder, below))
		if err != nil && (below == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		for _, e := range entries {
			name, isCase := strings.CutSuffix(e.Name(), ".txtar")
			if !isCase || e.IsDir() {
				continue
			}
			file := filepath.Join(folder, below, e.Name())
			one, err := readCase(file)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", file, err))
			}
			one.name = path.Join(below, name)
			cases = append(cases, one)
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	if cases == nil {
		return nil, fmt.Errorf("there are no cases: a case is %s or %s", filepath.Join(folder, "NAME.txtar"), filepath.Join(folder, "cases", "NAME.txtar"))
	}
	return cases, nil
}

// The files that a case must have.
const (
	requestFile = "request.json"
	expectFile  = "expect.json"
)

func readCase(file string) (testCase, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return testCase{}, err
	}
	c := testCase{about: strings.TrimSpace(string(archive.Comment)), caller: &engine.Caller{Auth: engine.AuthNone}}
	var read []string
	for _, f := range archive.Files {
		if slices.Contains(read, f.Name) {
			return c, fmt.Errorf("%s is there twice", f.Name)
		}
		read = append(read, f.Name)
		if err := c.read(f); err != nil {
			return c, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	for _, name := range []string{requestFile, expectFile} {
		if !slices.Contains(read, name) {
			return c, fmt.Errorf("%s is missing", name)
		}
	}
	return c, nil
}

// read takes over one file of a case. The request is not looked at: that is the server's part.
func (c *testCase) read(f txtar.File) error {
	switch f.Name {
	case requestFile:
		c.request = f.Data
		return nil
	case "caller.json":
		return json.Unmarshal(f.Data, c.caller, json.RejectUnknownMembers(true))
	case "config.json":
		return readObject(f.Data, &c.config)
	case "statement.json":
		return readObject(f.Data, &c.statement)
	case "clients.json":
		return c.readClients(f.Data)
	case expectFile:
		if err := json.Unmarshal(f.Data, &c.expect, json.RejectUnknownMembers(true)); err != nil {
			return err
		}
		return c.expect.check()
	}
	return fmt.Errorf("a case has no such file: it has %s, %s, caller.json, config.json, clients.json and statement.json", requestFile, expectFile)
}

func (c *testCase) readClients(b []byte) error {
	var ids []string
	if err := json.Unmarshal(b, &ids); err != nil {
		return err
	}
	c.taken = map[string]bool{}
	for i, id := range ids {
		if err := engine.CheckClientID(id); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		c.taken[id] = true
	}
	return nil
}

// readObject takes over a JSON object.
func readObject(b []byte, v *jsontext.Value) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	if v.Kind() != '{' {
		return errors.New("it must be a JSON object")
	}
	return nil
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
