// Package scriptcase runs one script without a server, with a single request or with test cases. A case is a txtar
// archive of a request and its expected result.
package scriptcase

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
	"golang.org/x/tools/txtar"

	"registrar/engine"
)

// A Case is a request, its surroundings, and its expected result.
type Case struct {
	Name  string // path in the folder, without .txtar
	About string // the comment at the beginning

	request   []byte
	caller    *engine.Caller
	config    jsontext.Value // nil for none
	statement jsontext.Value // verified claims; nil for none
	taken     map[string]bool
	expect    expectation
}

// Read reads the cases folder/*.txtar and folder/cases/*.txtar. It is an error if there are none. The error lists the
// problems of all cases.
func Read(folder string) ([]Case, error) {
	var cases []Case
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
			one.Name = path.Join(below, name)
			cases = append(cases, one)
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	if cases == nil {
		return nil, fmt.Errorf("no cases: a case is %s or %s", filepath.Join(folder, "NAME.txtar"),
			filepath.Join(folder, "cases", "NAME.txtar"))
	}
	return cases, nil
}

// The files that a case must have.
const (
	requestFile = "request.json"
	expectFile  = "expect.json"
)

func readCase(file string) (Case, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return Case{}, err
	}
	c := Case{About: strings.TrimSpace(string(archive.Comment)), caller: &engine.Caller{Auth: engine.AuthNone}}
	var read []string
	for _, f := range archive.Files {
		if slices.Contains(read, f.Name) {
			return c, fmt.Errorf("%s is given twice", f.Name)
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

// read stores one file of a case. It does not check the request, which the engine does.
func (c *Case) read(f txtar.File) error {
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
	return fmt.Errorf("unknown file; a case has %s, %s, caller.json, config.json, clients.json and statement.json",
		requestFile, expectFile)
}

func (c *Case) readClients(b []byte) error {
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

// readObject stores a JSON object in v.
func readObject(b []byte, v *jsontext.Value) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	if v.Kind() != '{' {
		return errors.New("must be a JSON object")
	}
	return nil
}
