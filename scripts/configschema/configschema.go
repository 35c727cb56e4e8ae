// Package configschema checks the configuration of scripts against the JSON Schema that their module carries in a
// custom section. A schema refers to nothing outside of itself, and the work of a check is bounded. Refusals name the
// member by its JSON Pointer (RFC 6901) and never quote a value, since configurations may hold secrets.
package configschema

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"registrar/scripts"
)

// Section is the name of the custom section that holds the schema of a module's configuration.
const Section = "registrar.config-schema"

// The bounds of a schema.
const (
	MaxSize    = 64 << 10 // in bytes
	MaxDepth   = 64       // of nested objects and arrays
	MaxValues  = 5_000    // JSON values in it
	MaxPattern = 2_000    // instructions of a regular expression, about its characters times its repetitions
)

// base is where references of a schema would lead that have a path only, and location is the URI of the schema itself.
const (
	base     = "registrar:///"
	location = base + "config-schema"
)

// A Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	compiled *jsonschema.Schema
	document any // as the library decodes it

	mu      sync.Mutex // one check at a time, since they share what follows
	spend   budget
	guesses int // how many more names are suggested in place of unknown ones
}

// Parse compiles a schema: an object, by the draft that its member $schema names, else 2020-12. Formats are asserted.
// It returns a *[scripts.RejectedError] if the schema is invalid, exceeds a bound or refers to anything outside.
func Parse(text []byte) (*Schema, error) {
	if len(text) > MaxSize {
		return nil, reject("it has %d bytes: at most %d are allowed", len(text), MaxSize)
	}
	if problem := (bounds{depth: MaxDepth, values: MaxValues}).check(text); problem != "" {
		return nil, reject("%s", problem)
	}
	if jsontext.Value(text).Kind() != '{' {
		return nil, reject("it must be a JSON object, a schema of an object")
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, reject("it is not valid JSON")
	}
	s := &Schema{document: document}
	s.spend.left = maxWork
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(s.spend.pattern)
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: "urn:registrar:work", Compile: s.spend.meter})
	c.AssertVocabs()
	if err := c.AddResource(location, document); err != nil {
		return nil, reject("%v", err)
	}
	if err := s.spend.bounded(func() error {
		s.compiled, err = c.Compile(location)
		return err
	}); err != nil {
		return nil, &scripts.RejectedError{Reasons: prefixed("config schema", s.compileProblems(err))}
	}
	take(reflect.ValueOf(s.compiled), map[*jsonschema.Schema]bool{})
	return s, nil
}

// Check returns nil if config, a JSON object, fits the schema; nil and null are read as {}. Otherwise it returns a
// *[scripts.RejectedError], whose reasons have the form "config: /brands: required".
func (s *Schema) Check(config jsontext.Value) error {
	if len(config) == 0 || config.Kind() == 'n' {
		config = jsontext.Value("{}")
	}
	if problem := (bounds{}).check(config); problem != "" {
		return scripts.Reject("config: %s", problem)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return scripts.Reject("config: it is not valid JSON")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spend.left = maxWork
	err = s.spend.bounded(func() error { return s.compiled.Validate(value) })
	if err == nil {
		return nil
	}
	return &scripts.RejectedError{Reasons: prefixed("config", s.problems(err))}
}

func reject(format string, args ...any) error {
	return scripts.Reject("config schema: %s", fmt.Sprintf(format, args...))
}

func prefixed(what string, problems []string) []string {
	for i, p := range problems {
		problems[i] = what + ": " + p
	}
	return problems
}

// errOutside is why noLoader loads nothing.
var errOutside = errors.New("a schema may only refer to itself")

// A noLoader refuses to read any document, so that no schema makes the server read a file or send a request.
type noLoader struct{}

// Load implements [jsonschema.URLLoader].
func (noLoader) Load(string) (any, error) { return nil, errOutside }
