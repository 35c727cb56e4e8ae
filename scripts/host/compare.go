package host

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
)

// An Ending is how a registration ended: with a client, or with an error.
type Ending struct {
	Client *engine.Client // only read where Err is nil
	Err    error          // an *[engine.Error] where it was refused
}

// Compare compares the ending of a registration that counted with another one of the same registration. Neither log
// lines nor items are part of it, and no value that may be a secret.
func Compare(was, is Ending) (scripts.Comparison, error) {
	c := scripts.Comparison{Was: was.outcome(), Is: is.outcome(), Differences: []scripts.Difference{}}
	if is.Err != nil {
		c.Error = explain(is.Err)
	}
	if c.Was != c.Is {
		return c, nil
	}
	if c.Is != scripts.OutcomeRegistered {
		// A failure is the same for the client whatever its reason.
		c.OtherError = c.Is == scripts.OutcomeRefused && *explain(was.Err) != *c.Error
		return c, nil
	}
	old, err := was.members()
	if err != nil {
		return c, err
	}
	current, err := is.members()
	if err != nil {
		return c, err
	}
	c.Differences, c.More = differences(old, current)
	return c, nil
}

func (e Ending) outcome() scripts.Outcome {
	if e.Err == nil {
		return scripts.OutcomeRegistered
	}
	return outcome(e.Err)
}

// explain says to the operator why nothing was registered.
func explain(err error) *scripts.DryRunError {
	refusal, refused := errors.AsType[*engine.Error](err)
	switch {
	case refused:
		return &scripts.DryRunError{Code: string(refusal.Code), Description: refusal.Description}
	case errors.Is(err, engine.ErrUnavailable):
		return &scripts.DryRunError{Code: "temporarily_unavailable", Description: err.Error()}
	}
	return &scripts.DryRunError{Code: "server_error", Description: err.Error()}
}

// members returns the client's metadata by name, each value written in one way.
func (e Ending) members() (map[string]jsontext.Value, error) {
	document, err := json.Marshal(&e.Client.Metadata)
	if err != nil {
		return nil, fmt.Errorf("writing client %s: %w", e.Client.ID, err)
	}
	// Other than RFC 8785 would, this leaves numbers as they are: large ones that differ stay different.
	value := jsontext.Value(document)
	if err := value.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return nil, fmt.Errorf("writing client %s: %w", e.Client.ID, err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(value, &members); err != nil {
		return nil, fmt.Errorf("reading client %s: %w", e.Client.ID, err)
	}
	return members, nil
}

// differences lists the members that differ, and counts those that there is no room for.
func differences(old, current map[string]jsontext.Value) (list []scripts.Difference, more int) {
	names := maps.Clone(old)
	maps.Copy(names, current)
	list = []scripts.Difference{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if engine.Reserved(name) || bytes.Equal(old[name], current[name]) {
			continue
		}
		if len(list) == scripts.MaxDifferences {
			more++
			continue
		}
		list = append(list, difference(name, old[name], current[name]))
	}
	return list, more
}

// softwareStatement is withheld: a software statement lets its holder present it.
const softwareStatement = "software_statement"

func difference(name string, old, current jsontext.Value) scripts.Difference {
	if !engine.KnownMember(name) || name == softwareStatement {
		return scripts.Difference{Member: cut(name), Withheld: true}
	}
	d := scripts.Difference{Member: cut(name)}
	var oldCut, newCut bool
	d.Old, oldCut = bounded(old)
	d.New, newCut = bounded(current)
	d.Cut = oldCut || newCut
	return d
}

// bounded returns a value, or the beginning of it as a string.
func bounded(v jsontext.Value) (kept jsontext.Value, isCut bool) {
	if len(v) <= scripts.MaxValue {
		return v.Clone(), false
	}
	quoted, err := jsontext.AppendQuote(nil, cut(string(v)))
	if err != nil {
		return nil, true // it is UTF-8, so this cannot be
	}
	return quoted, true
}

// cut returns at most MaxValue bytes of s, whole characters.
func cut(s string) string {
	if len(s) <= scripts.MaxValue {
		return s
	}
	return strings.ToValidUTF8(s[:scripts.MaxValue], "")
}
