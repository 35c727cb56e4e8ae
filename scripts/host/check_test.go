package host_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
)

// A deployment, a dry run and a replay beyond the bounds are rejected before a module is read, and nothing is stored.
func TestDeploymentBounds(t *testing.T) {
	b := newBench(t, engine.Options{})
	script := b.script("accept-all")
	many := func(n int, config string) (list []scripts.Script) {
		for i := range n {
			s := script
			s.Name = fmt.Sprint("script-", i)
			s.Config = jsontext.Value(config)
			list = append(list, s)
		}
		return list
	}
	largeConfig := `{"a":"` + strings.Repeat("x", 60<<10) + `"}`
	request, err := engine.ParseRequest([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	for want, d := range map[string]scripts.Deployment{
		"scripts has 65 elements: at most 64 are allowed":      {Scripts: many(scripts.MaxScripts+1, "{}")},
		"of JSON: at most 1048576 are allowed":                 {Scripts: many(20, largeConfig)},
		"comment holds the control character U+000A at byte 3": {Comment: "one\ntwo"},
		"comment holds U+202E at byte 0":                       {Comment: "\u202eone"},
		"comment shows nothing":                                {Comment: " "},
		"comment has 1025 bytes: at most 1024 are allowed":     {Comment: strings.Repeat("c", scripts.MaxComment+1)},
		"scripts has 66 elements: at most 64 are allowed; sc":  {Scripts: many(66, largeConfig)},
	} {
		rejected := func(what string, err error) {
			t.Helper()
			if _, ok := errors.AsType[*scripts.RejectedError](err); !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want a rejection with %q", what, err, want)
			}
		}
		_, err := b.host.Deploy(t.Context(), d, nil)
		rejected("deploying", err)
		if d.Comment == "" {
			_, err = b.host.DryRun(t.Context(), b.engine, request, &engine.Caller{}, d.Scripts)
			rejected("dry run", err)
			_, err = b.host.Replay(t.Context(), b.engine, b.store, d.Scripts, 1, func(int, int) {})
			rejected("replay", err)
		}
	}
	if n, err := b.store.CurrentDeploymentNumber(t.Context()); n != 0 || err != nil {
		t.Errorf("deployment %d is in force, %v", n, err)
	}
	d := scripts.Deployment{Scripts: many(scripts.MaxScripts, "{}"), Comment: strings.Repeat("c", scripts.MaxComment)}
	if _, err := b.host.Deploy(t.Context(), d, nil); err != nil {
		t.Errorf("at the bounds: %v", err)
	}
}
