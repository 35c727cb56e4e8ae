package configschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxWork bounds the work of one check, in units of at most some microseconds. A check of a common configuration takes
// some hundred. Without a bound, a few lines of schema could double the work again and again.
const maxWork = 1_000_000

// errWork reports that a check took more than maxWork.
var errWork = errors.New("takes too much work to check: make the schema simpler, or the configuration smaller")

// A budget is what is left of the work of a check. The library cannot be interrupted, so a charge that exceeds the
// budget panics with errWork; bounded recovers.
type budget struct{ left int }

func (b *budget) charge(units int) {
	if b.left -= units; b.left < 0 {
		panic(errWork)
	}
}

// bounded returns what f returns, or errWork if f exceeded the budget.
func (b *budget) bounded(f func() error) (err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case errWork:
			err = errWork
		default:
			panic(r)
		}
	}()
	return f()
}

// meter returns an extension of one schema object, which the library calls at each of its evaluations.
func (b *budget) meter(_ *jsonschema.CompilerContext, object map[string]any) (jsonschema.SchemaExt, error) {
	weight := 1
	for name, keyword := range object {
		if name == "enum" || name == "const" { // compared in depth
			weight += total(keyword)
		} else {
			weight += size(keyword)
		}
	}
	return &evaluation{budget: b, weight: weight}, nil
}

// total returns what it costs to compare a value in depth: 1 for each value in it, more for a number, since the library
// computes its exact value each time.
func total(v any) int {
	n := 1
	switch v := v.(type) {
	case json.Number:
		n = 4
	case map[string]any:
		for _, member := range v {
			n += total(member)
		}
	case []any:
		for _, element := range v {
			n += total(element)
		}
	}
	return n
}

// size returns the number of elements of a value, 1 for one that has none.
func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return 1 + len(v)
	case []any:
		return 1 + len(v)
	}
	return 1
}

// An evaluation charges the budget for one schema object and one value, without those inside of them. It has the values
// of enum and const, since the library would compare them before the charge, and not call the extension if they differ.
type evaluation struct {
	budget   *budget
	weight   int
	enum     []any // nil means none
	constant *any  // nil means none
}

// Validate implements [jsonschema.SchemaExt].
func (e *evaluation) Validate(c *jsonschema.ValidatorContext, v any) {
	e.budget.charge(e.weight + size(v))
	equal := func(to any) bool {
		same, err := c.Equals(v, to)
		return same && err == nil
	}
	if e.constant != nil && !equal(*e.constant) {
		c.AddError(&kind.Const{Want: *e.constant})
	}
	if e.enum != nil && !slices.ContainsFunc(e.enum, equal) {
		c.AddError(&kind.Enum{Want: e.enum})
	}
}

// take moves enum and const of all compiled schemas in v to their evaluations.
func take(v reflect.Value, seen map[*jsonschema.Schema]bool) {
	switch v.Kind() {
	case reflect.Interface:
		take(v.Elem(), seen)
	case reflect.Slice:
		for i := range v.Len() {
			take(v.Index(i), seen)
		}
	case reflect.Map:
		for _, member := range v.Seq2() {
			take(member, seen)
		}
	case reflect.Pointer:
		switch s := v.Interface().(type) {
		case *jsonschema.DynamicRef:
			if s != nil {
				take(reflect.ValueOf(s.Ref), seen)
			}
		case *jsonschema.Schema:
			if s == nil || seen[s] {
				return
			}
			seen[s] = true
			takeOf(s)
			for field, value := range v.Elem().Fields() {
				if field.IsExported() {
					take(value, seen)
				}
			}
		}
	}
}

func takeOf(s *jsonschema.Schema) {
	for _, extension := range s.Extensions {
		if e, ok := extension.(*evaluation); ok {
			if e.constant = s.Const; s.Enum != nil {
				e.enum = s.Enum.Values
			}
			s.Const, s.Enum = nil, nil
		}
	}
}

// A pattern is a regular expression of a schema. Package regexp matches in time linear in the text.
type pattern struct {
	*regexp.Regexp
	size   int // in instructions
	budget *budget
}

// pattern compiles a regular expression. It implements [jsonschema.RegexpEngine].
func (b *budget) pattern(text string) (jsonschema.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, errors.New("it is not in the syntax of RE2")
	}
	n := instructions(parsed)
	if n > MaxPattern {
		return nil, fmt.Errorf("it has about %d instructions, its repetitions multiplied out: at most %d are allowed",
			n, MaxPattern)
	}
	b.charge(n)
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, errors.New("it is not in the syntax of RE2")
	}
	return pattern{compiled, n, b}, nil
}

// MatchString implements [jsonschema.Regexp].
func (p pattern) MatchString(s string) bool {
	p.budget.charge(1 + len(s)*p.size/16)
	return p.Regexp.MatchString(s)
}

// instructions estimates the size of a compiled expression, before memory is spent on it. Where it is over MaxPattern,
// it may be any number above.
func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1 + len(re.Rune)/16
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 1<<30)
}
