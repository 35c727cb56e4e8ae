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

// An Ending is the result of a registration: a client or an error.
type Ending struct {
	Client *engine.Client // ignored if Err is not nil
	Err    error          // an *[engine.Error] if the registration was refused
}

// Compare compares a registration with a rerun of it. Log lines and items are not compared. The result holds no value
// that may be secret.
func Compare(was, is Ending) (scripts.Comparison, error) {
	c := scripts.Comparison{Was: was.outcome(), Is: is.outcome(), Differences: []scripts.Difference{}}
	if is.Err != nil {
		c.Error = explain(is.Err)
	}
	if c.Was != c.Is {
		return c, nil
	}
	if c.Is != scripts.OutcomeRegistered {
		// The client does not learn the reason of a failure.
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

// explain describes to the operator why nothing was registered.
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

// members returns the client's metadata by name, in a canonical form.
func (e Ending) members() (map[string]jsontext.Value, error) {
	document, err := json.Marshal(&e.Client.Metadata)
	if err != nil {
		return nil, fmt.Errorf("writing client %s: %w", e.Client.ID, err)
	}
	// Unlike RFC 8785 this keeps numbers as written, so that large numbers that differ stay different.
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

// differences returns the first MaxDifferences members that differ, and the number of further ones.
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

// softwareStatement is the member whose value is withheld, because anyone who reads a software statement can use it.
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

// bounded returns v, or a string with the beginning of it if v is longer than MaxValue.
func bounded(v jsontext.Value) (kept jsontext.Value, isCut bool) {
	if len(v) <= scripts.MaxValue {
		return v.Clone(), false
	}
	quoted, err := jsontext.AppendQuote(nil, cut(string(v)))
	if err != nil {
		return nil, true // unreachable: cut returns valid UTF-8
	}
	return quoted, true
}

// cut returns at most the first MaxValue bytes of s, without splitting a character.
func cut(s string) string {
	if len(s) <= scripts.MaxValue {
		return s
	}
	return strings.ToValidUTF8(s[:scripts.MaxValue], "")
}
