package engine

import (
	"context"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// The built-in steps set the members that stepMembers and the table in docs/abi.md list, also where the request has
// none of them.
func TestStepsSetTheListedMembers(t *testing.T) {
	set := map[string]map[string]bool{}
	for _, body := range append([]string{minimal}, everyMember...) {
		o := override(func(_ *Registration, s *Steps) {
			for _, step := range StepTable() {
				base := *step.Field(s)
				*step.Field(s) = func(ctx context.Context, r *Registration) error {
					for _, member := range setMembers(ctx, t, r, base) {
						if set[step.Name] == nil {
							set[step.Name] = map[string]bool{}
						}
						set[step.Name][member] = true
					}
					return base(ctx, r)
				}
			}
		})
		options := Options{DefaultScopes: []string{"default"}}
		if _, err := register(t, Config{Overrides: o, Options: options}, body); err != nil {
			t.Fatalf("%v for %s", err, body)
		}
	}
	got, listed := map[string][]string{}, map[string][]string{}
	for step, members := range set {
		got[step] = slices.Sorted(maps.Keys(members))
	}
	for _, row := range stepMembers {
		listed[row.step] = slices.Sorted(slices.Values(row.members))
	}
	if diff := cmp.Diff(listed, got); diff != "" {
		t.Errorf("the members of each step (-stepMembers +steps):\n%s", diff)
	}
	if diff := cmp.Diff(documentedSetters(t), got); diff != "" {
		t.Errorf("the members of each step (-docs/abi.md +steps):\n%s", diff)
	}
}

// setMembers returns the members that a step sets, whatever they were before. It undoes the changes of the step.
func setMembers(ctx context.Context, t *testing.T, r *Registration, step StepFunc) (names []string) {
	t.Helper()
	entry := r.Snapshot()
	defer r.Restore(&entry)
	m := reflect.ValueOf(&r.Client.Metadata).Elem()
	var marked []int
	for i := range memberNames() {
		if m.Field(i).IsZero() || memberNames()[i] == "scope" {
			mark(m.Field(i))
			marked = append(marked, i)
		}
	}
	before := r.Client.Metadata
	if err := step(ctx, r); err != nil {
		t.Fatal(err)
	}
	for _, i := range marked {
		if !reflect.DeepEqual(reflect.ValueOf(before).Field(i).Interface(), m.Field(i).Interface()) {
			names = append(names, memberNames()[i])
		}
	}
	return names
}

// mark gives a field a value that no request of the test has.
func mark(field reflect.Value) {
	switch field.Addr().Interface().(type) {
	case *string:
		field.SetString("marked")
	case *[]string:
		field.Set(reflect.ValueOf([]string{"marked"}))
	case **int64:
		field.Set(reflect.ValueOf(new(int64(12345))))
	case **bool: // a request has one of the two, and another request none
		field.Set(reflect.ValueOf(new(true)))
	case *jsontext.Value:
		field.Set(reflect.ValueOf(jsontext.Value(`"marked"`)))
	}
}

// documentedSetters reads the table "| built-in step | sets |".
func documentedSetters(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "| built-in step | sets |\n|---|---|\n")
	if !found {
		t.Fatal("docs/abi.md has no table of what the built-in steps set")
	}
	steps := map[string][]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			break
		}
		names := regexp.MustCompile("[a-z_]+").FindAllString(cells[2], -1)
		steps[strings.Trim(cells[1], " `")] = slices.Sorted(slices.Values(names))
	}
	return steps
}
