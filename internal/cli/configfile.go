package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"registrar/internal/suggest"
)

// A configFile is the path of a YAML file. The file is a mapping; each member is a flag of any command, without the
// leading dashes, and has one value or a list of values as on the command line.
type configFile string

// BeforeResolve reads the file. kong calls it before it resolves flags that are not on the command line.
func (configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	members, err := parseConfig(b, flagNames(k.Model.Node))
	if err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	ctx.AddResolver(&config{path, members})
	return nil
}

// flagNames returns the member names that a configuration may use: the flags of all commands, which share one file.
func flagNames(node *kong.Node) []string {
	names := map[string]bool{}
	for _, f := range node.Flags {
		names[f.Name] = true
	}
	for _, child := range node.Children {
		for _, name := range flagNames(child) {
			names[name] = true
		}
	}
	delete(names, "help")
	delete(names, "config")
	return slices.Sorted(maps.Keys(names))
}

// A config resolves flags from a configuration file.
type config struct {
	path    string
	members map[string]member
}

// A member is the value of one flag in the file.
type member struct {
	values []string
	list   bool
}

// Validate implements [kong.Resolver]. Unknown members were rejected when the file was parsed.
func (*config) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver]. kong calls it for flags that are not on the command line. The environment
// overrides the file.
func (c *config) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	m, ok := c.members[flag.Name]
	if !ok || inEnvironment(flag) {
		return nil, nil
	}
	if flag.IsSlice() && m.list {
		return kong.JoinEscaped(m.values, flag.Tag.Sep), nil
	}
	if m.list {
		return nil, fmt.Errorf("configuration %s: must be one value, not a list", c.path)
	}
	return m.values[0], nil
}

func inEnvironment(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool {
		_, ok := os.LookupEnv(name)
		return ok
	})
}

// parseConfig reads the members of a file and rejects unknown ones. Errors quote no values, which may be passwords.
func parseConfig(b []byte, known []string) (map[string]member, error) {
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	members := map[string]member{}
	for i, document := range file.Docs {
		if document.Body == nil {
			continue // only comments
		}
		mapping, ok := document.Body.(*ast.MappingNode)
		if !ok || i > 0 {
			return nil, errors.New("must be one YAML mapping, such as\nlisten: 127.0.0.1:8080")
		}
		for _, value := range mapping.Values {
			name, line := value.Key.GetToken().Value, value.Key.GetToken().Position.Line
			if !slices.Contains(known, name) {
				return nil, fmt.Errorf("line %d: unknown member %q%s", line, name, suggestion(name, known))
			}
			if members[name], ok = memberOf(value.Value); !ok {
				return nil, fmt.Errorf("line %d: %s must be one value or a list of values", line, name)
			}
		}
	}
	return members, nil
}

// syntaxError returns err without the excerpt of the file that the parser adds.
func syntaxError(err error) error {
	var at interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &at) || at.GetToken() == nil {
		return errors.New("not valid YAML")
	}
	return fmt.Errorf("line %d: not valid YAML: %s", at.GetToken().Position.Line, at.GetMessage())
}

func memberOf(node ast.Node) (member, bool) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		value, ok := scalar(node)
		return member{values: []string{value}}, ok
	}
	m := member{values: []string{}, list: true}
	for _, n := range list.Values {
		value, ok := scalar(n)
		if !ok {
			return member{}, false
		}
		m.values = append(m.values, value)
	}
	return m, true
}

// scalar returns a value as it is written: 1e3 stays 1e3, for the flag to parse.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// suggestion returns ", did you mean …?" if a known name is similar, else "".
func suggestion(name string, known []string) string {
	spelt := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if positive, negated := strings.CutPrefix(spelt, "no-"); negated && slices.Contains(known, positive) {
		return fmt.Sprintf(", did you mean \"%s: false\"?", positive)
	}
	nearest := suggest.Nearest(spelt, known, suggest.Lenient)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", nearest)
}
