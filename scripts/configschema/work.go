package configschema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
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
	for _, keyword := range object {
		weight += size(keyword)
	}
	return evaluation{b, weight}, nil
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

// An evaluation charges the budget for one schema object and one value, without those inside of them.
type evaluation struct {
	budget *budget
	weight int
}

// Validate implements [jsonschema.SchemaExt].
func (e evaluation) Validate(_ *jsonschema.ValidatorContext, v any) {
	e.budget.charge(e.weight + size(v))
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
