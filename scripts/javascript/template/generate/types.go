package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"text/template"

	_ "embed"

	"registrar/engine"
)

//go:embed registrar.d.ts.tmpl
var typesTemplate string

// declarations returns registrar.d.ts.
func declarations(root string) (string, error) {
	metadata, err := metadataMembers(root)
	if err != nil {
		return "", err
	}
	var steps []string
	for _, s := range engine.StepTable() {
		steps = append(steps, s.Name)
	}
	t, err := template.New("registrar.d.ts").Funcs(template.FuncMap{"comment": comment}).Parse(typesTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{"Header": generated, "Steps": steps, "Members": members, "Metadata": metadata})
	return b.String(), err
}

// A metadataMember is a member of a client's metadata.
type metadataMember struct {
	Name string
	Type string // in TypeScript
	Doc  string
}

// metadataMembers returns the members of engine.Metadata in its order. The comment of a group of fields has their
// specification, docs/metadata.md their step and rule.
func metadataMembers(root string) ([]metadataMember, error) {
	rules, err := metadataRules(filepath.Join(root, "docs", "metadata.md"))
	if err != nil {
		return nil, err
	}
	specifications, err := fieldSpecifications(filepath.Join(root, "engine", "metadata.go"))
	if err != nil {
		return nil, err
	}
	var list []metadataMember
	for f := range reflect.TypeFor[engine.Metadata]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue // the members without a field
		}
		rule, ok := rules[name]
		if !ok {
			return nil, fmt.Errorf("docs/metadata.md has no row of %s", name)
		}
		typed, err := typeOf(f)
		if err != nil {
			return nil, err
		}
		list = append(list, metadataMember{name, typed, specifications[f.Name] + " " + rule})
	}
	return list, nil
}

// typeOf returns the type in TypeScript of a field of engine.Metadata.
func typeOf(f reflect.StructField) (string, error) {
	if f.Name == "JWKS" {
		return "{ readonly keys: readonly JSONObject[] }", nil
	}
	switch f.Type {
	case reflect.TypeFor[string]():
		return "string", nil
	case reflect.TypeFor[[]string]():
		return "readonly string[]", nil
	case reflect.TypeFor[*int64]():
		return "number", nil
	case reflect.TypeFor[*bool]():
		return "boolean", nil
	}
	return "", fmt.Errorf("engine.Metadata.%s has the type %v: give it a type in TypeScript", f.Name, f.Type)
}

// metadataRow matches a row of the table of docs/metadata.md: member, step, rule.
var metadataRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `([a-z_]+)` \\| (.*) \\|$")

// metadataRules returns the step and the rule of each member.
func metadataRules(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rules := map[string]string{}
	previous := ""
	for _, row := range metadataRow.FindAllStringSubmatch(string(b), -1) {
		rule, _, _ := strings.Cut(row[3], "; see ")
		if rule == "the same" {
			rule = previous
		}
		previous = rule
		rules[row[1]] = fmt.Sprintf("(%s). %s.", row[2], strings.ToUpper(rule[:1])+rule[1:])
	}
	if len(rules) == 0 {
		return nil, errors.New("docs/metadata.md has no table of members")
	}
	return rules, nil
}

// fieldSpecifications returns the specification of each field of Metadata: the first sentence of its group's comment.
func fieldSpecifications(path string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	declared, ok := file.Scope.Lookup("Metadata").Decl.(*ast.TypeSpec)
	if !ok {
		return nil, errors.New("engine.Metadata is not a type")
	}
	specifications := map[string]string{}
	group := ""
	for _, f := range declared.Type.(*ast.StructType).Fields.List {
		if f.Doc != nil {
			group = firstSentence(strings.Join(strings.Fields(f.Doc.Text()), " "))
		}
		for _, name := range f.Names {
			specifications[name.Name] = group
		}
	}
	return specifications, nil
}

// firstSentence returns the text before the first full stop that a space follows, or before the one at its end.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// commentWidth is the width of the lines of a comment.
const commentWidth = 120

// comment returns a text as a JSDoc comment that is indented by two spaces.
func comment(text string) string {
	text = strings.ReplaceAll(text, "*/", "* /")
	if line := "  /** " + text + " */"; len(line) <= commentWidth {
		return line
	}
	var b strings.Builder
	b.WriteString("  /**")
	width := commentWidth
	for word := range strings.FieldsSeq(text) {
		if width+1+len(word) > commentWidth {
			b.WriteString("\n   *")
			width = len("   *")
		}
		b.WriteString(" " + word)
		width += 1 + len(word)
	}
	return b.String() + "\n   */"
}
