package configschema

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"registrar/internal/suggest"
)

// The bounds of a refusal.
const (
	maxProblems = 10  // further ones are not listed
	maxText     = 200 // of a pointer, and of what a schema quotes, in bytes
)

// compileProblems says why a schema does not compile. What is in a schema is no secret.
func (s *Schema) compileProblems(err error) []string {
	if loading, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return []string{fmt.Sprintf("it refers to %s: %v, and nothing is fetched; put what it needs under $defs",
			short(strings.TrimPrefix(loading.URL, base)), errOutside)}
	}
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return s.problems(invalid.Err)
	}
	if wrong, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		return []string{fmt.Sprintf("the pattern %s: %v", short(wrong.Regex), wrong.Err)}
	}
	return []string{strings.ReplaceAll(short(err.Error()), location, "")}
}

// problems says what does not fit a schema: each member, and what would be right, sorted.
func (s *Schema) problems(err error) []string {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []string{"it " + err.Error()}
	}
	s.guesses = maxProblems
	list := s.explain(invalid)
	slices.Sort(list)
	list = slices.Compact(list)
	if n := len(list) - maxProblems; n > 0 {
		list = append(list[:maxProblems], fmt.Sprintf("%d more", n))
	}
	return list
}

// explain returns a problem for each leaf of an error.
func (s *Schema) explain(e *jsonschema.ValidationError) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		return s.explainAll(e.Causes)
	case *kind.Required:
		return members(e, k.Missing, "required")
	case *kind.DependentRequired:
		return members(e, k.Missing, "required, since "+short(k.Prop)+" is there")
	case *kind.Dependency:
		return members(e, k.Missing, "required, since "+short(k.Prop)+" is there")
	case *kind.AdditionalProperties:
		var list []string
		slices.Sort(k.Properties)
		for _, name := range k.Properties {
			list = append(list, members(e, []string{name}, "unknown member"+s.guess(e, name))...)
		}
		return list
	case *kind.PropertyNames:
		return members(e, []string{k.Property}, "its name "+strings.Join(s.explainAll(e.Causes), ", and "))
	case *kind.AnyOf, *kind.OneOf:
		return []string{at(e, nil) + s.alternatives(e)}
	}
	return []string{at(e, nil) + expectation(e.ErrorKind)}
}

// guess suggests a name in place of an unknown one. It takes as long as there are names, so few are suggested.
func (s *Schema) guess(e *jsonschema.ValidationError, name string) string {
	if s.guesses == 0 {
		return ""
	}
	s.guesses--
	return suggest.DidYouMean(short(name), s.known(e.SchemaURL))
}

func (s *Schema) explainAll(causes []*jsonschema.ValidationError) []string {
	var list []string
	for _, cause := range causes {
		list = append(list, s.explain(cause)...)
	}
	return list
}

// alternatives says that a value fits none, or more than one, of several schemas.
func (s *Schema) alternatives(e *jsonschema.ValidationError) string {
	if one, ok := e.ErrorKind.(*kind.OneOf); ok && one.Subschemas != nil {
		return "must fit exactly one of the schemas of oneOf, and fits several"
	}
	list := s.explainAll(e.Causes)
	slices.Sort(list)
	list = slices.Compact(list)
	const shown = 4
	if len(list) > shown {
		list = append(list[:shown], "…")
	}
	for i, one := range list {
		list[i] = strings.TrimPrefix(one, at(e, nil))
	}
	return "fits none of the allowed schemas (" + strings.Join(list, "; or ") + ")"
}

// members returns one problem for each of the members of the object that the error is about.
func members(e *jsonschema.ValidationError, names []string, problem string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = at(e, []string{name}) + problem
	}
	return list
}

// at returns the JSON Pointer of an error's value, or of something in it, with a colon; "" for the whole document.
func at(e *jsonschema.ValidationError, inside []string) string {
	var p jsontext.Pointer
	for _, token := range slices.Concat(e.InstanceLocation, inside) {
		p = p.AppendToken(token)
	}
	if p == "" {
		return ""
	}
	return pointer(string(p)) + ": "
}

func pointer(p string) string { return short(p) }

// short cuts a text that is too long for a message.
func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// known returns the members that the schema object at a URL names under properties, nil if it cannot be found.
func (s *Schema) known(url string) []string {
	fragment, ok := strings.CutPrefix(url, location+"#")
	if !ok {
		return nil
	}
	value := s.document
	for token := range jsontext.Pointer(fragment).Tokens() {
		object, _ := value.(map[string]any)
		value = object[token]
	}
	object, _ := value.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// expectation says what would be right, by the schema and without the value.
func expectation(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("must be %s, not %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Enum:
		return "must be one of " + quoted(k.Want)
	case *kind.Const:
		return "must be " + quoted([]any{k.Want})
	case *kind.Format:
		if k.Want == "regex" {
			return fmt.Sprintf("must be a regular expression: %v", k.Err) // the error is that of budget.pattern
		}
		return "must have the format " + short(k.Want)
	case *kind.Pattern:
		return "must match the pattern " + short(k.Want)
	case *kind.FalseSchema:
		return "not allowed"
	case *kind.Not:
		return "must not fit the schema of not"
	case *kind.UniqueItems:
		return fmt.Sprintf("must have different items: %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.Contains, *kind.MinContains, *kind.MaxContains:
		return "has too few or too many items that fit the schema of contains"
	case *kind.RefCycle:
		return "the schema refers to itself without end"
	}
	return limit(k)
}

// limit says what size or number would be right.
func limit(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d members", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d members", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items", k.Want)
	case *kind.AdditionalItems:
		return fmt.Sprintf("has %d items more than allowed", k.Count)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be above " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be below " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	}
	return "does not fit the schema"
}

// number prints a number of a schema, shortly.
func number(n *big.Rat) string {
	f, _ := n.Float64()
	return fmt.Sprint(f)
}

// quoted prints values of a schema as JSON, no more of them than a message shows.
func quoted(values []any) string {
	var text strings.Builder
	for i, v := range values {
		b, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return "the values of the schema"
		}
		if i > 0 {
			text.WriteString(", ")
		}
		text.Write(b)
		if text.Len() > maxText {
			break
		}
	}
	return short(text.String())
}
