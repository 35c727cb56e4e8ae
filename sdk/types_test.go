package sdk_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tsc runs the TypeScript compiler in the folder of the types, and returns its errors as "file:line: code".
func tsc(t *testing.T, project string) []string {
	t.Helper()
	compiler, err := filepath.Abs("javascript/node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(compiler); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: make -C sdk/javascript install installs it", err)
		}
		t.Skipf("%v: make -C sdk/javascript install installs it", err)
	}
	cmd := exec.CommandContext(t.Context(), compiler, "--pretty", "false", "-p", project)
	cmd.Dir = "javascript"
	out, err := cmd.CombinedOutput()
	message := regexp.MustCompile(`(?m)^(\S+)\((\d+),\d+\): error (TS\d+): `)
	var problems []string
	for _, m := range message.FindAllStringSubmatch(string(out), -1) {
		problems = append(problems, fmt.Sprintf("%s:%s: %s", m[1], m[2], m[3]))
	}
	if (err == nil) != (problems == nil) {
		t.Fatalf("the compiler: %v\n%s", err, out)
	}
	return problems
}

// The types allow the scripts here: the examples, and one that uses all of the API.
func TestTypesAllow(t *testing.T) {
	t.Parallel()
	if problems := tsc(t, "."); problems != nil {
		t.Errorf("got errors: %q", problems)
	}
}

// The types refuse each line that is wrong, for the right reason, and no other line.
func TestTypesRefuse(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, file := range []string{"types/wrong.ts", "types/wrong.js"} {
		b, err := os.ReadFile("javascript/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			_, codes, _ := strings.Cut(line, "; // TS")
			if codes == "" {
				continue
			}
			for code := range strings.FieldsSeq("TS" + codes) {
				want[fmt.Sprintf("%s:%d: %s", file, i+1, code)] = true
			}
		}
	}
	got := slices.Sorted(slices.Values(tsc(t, "types/tsconfig.wrong.json")))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Error(diff)
	}
}
