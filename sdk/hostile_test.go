package sdk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts/host"
	"registrar/scripts/javascript"
)

// A hostileScript is a file of testdata/javascript/hostile. The comments that it begins with say what must come of its
// step set_max_age: each has a word and texts that are separated by "|", of which the outcome contains one.
//
//	unpacked: it is not packed, for a reason that contains the text
//	refused:  the registration is refused, with a description that contains it
//	failure:  the script fails, for a reason that contains it
//	done:     the client is registered
//	done or failure: either of the two
//	log:      the script's log has a line that contains it
type hostileScript struct {
	name, path string
	want       [][2]string // word and texts
}

func hostileScripts(t *testing.T) []hostileScript {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(wasmtest.Root(), "testdata", "javascript", "hostile", "*.js"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no hostile scripts, %v", err)
	}
	var list []hostileScript
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := hostileScript{name: strings.TrimSuffix(filepath.Base(path), ".js"), path: path}
		for line := range strings.Lines(string(b)) {
			comment, ok := strings.CutPrefix(line, "// ")
			if !ok {
				break
			}
			word, texts, _ := strings.Cut(strings.TrimSpace(comment), ": ")
			s.want = append(s.want, [2]string{word, texts})
		}
		if len(s.want) == 0 {
			t.Fatalf("%s does not say what must come of it", path)
		}
		list = append(list, s)
	}
	return list
}

// containsOne reports whether text contains one of the texts that "|" separates.
func containsOne(text, texts string) bool {
	return slices.ContainsFunc(strings.Split(texts, "|"), func(s string) bool { return strings.Contains(text, s) })
}

// Scripts that cannot work are not packed.
func TestHostileJavaScriptIsNotPacked(t *testing.T) {
	t.Parallel()
	for _, s := range hostileScripts(t) {
		if s.want[0][0] != "unpacked" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			_, err := javascript.PackFile(t.Context(), s.path)
			if _, ok := errors.AsType[*javascript.Error](err); !ok || !containsOne(err.Error(), s.want[0][1]) {
				t.Errorf("got %v, want an error with %q", err, s.want[0][1])
			}
		})
	}
}

// Hostile scripts end as they say, by fuel and memory and never by the clock, which is a minute here, and the same way
// when they run again. All of them are in one module, of which the request chooses one.
func TestHostileJavaScript(t *testing.T) {
	t.Parallel()
	var scripts []hostileScript
	var entry, cases strings.Builder
	folder := t.TempDir()
	for _, s := range hostileScripts(t) {
		if s.want[0][0] == "unpacked" {
			continue
		}
		b, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, s.name+".js"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&entry, "import * as m%d from './%s.js';\n", len(scripts), s.name)
		fmt.Fprintf(&cases, "  %q: m%d,\n", s.name, len(scripts))
		scripts = append(scripts, s)
	}
	fmt.Fprintf(&entry, "const cases = {\n%s};\nexport function set_max_age(registrar) {\n"+
		"  return cases[registrar.request.case].set_max_age(registrar);\n}\n", &cases)
	module := filepath.Join(folder, "entry.js")
	if err := os.WriteFile(module, []byte(entry.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	wasm, err := javascript.PackFile(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	k := newKit(t, wasm)
	k.deploy(jsontext.Value("{}"))
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			body := fmt.Sprintf(`{"redirect_uris":["https://app.example/cb"],"client_name":"Kit","case":%q}`, s.name)
			first := k.registerDeployed(body)
			for _, want := range s.want {
				first.is(t, want[0], want[1])
			}
			again := k.registerDeployed(body)
			if fmt.Sprint(first.err) != fmt.Sprint(again.err) || !slices.Equal(first.lines, again.lines) {
				t.Errorf("got %v, %q the second time; want %v, %q", again.err, again.lines, first.err, first.lines)
			}
		})
	}
}

// is checks the outcome of a hostile script.
func (o outcome) is(t *testing.T, word, texts string) {
	t.Helper()
	failure, failed := errors.AsType[*host.ScriptError](o.err)
	refusal, refused := errors.AsType[*engine.Error](o.err)
	switch {
	case word == "refused" && refused && containsOne(refusal.Description, texts):
	case word == "failure" && failed && containsOne(failure.Reason, texts):
	case word == "done" && o.err == nil:
	case word == "done or failure" && (o.err == nil || failed && containsOne(failure.Reason, texts)):
	case word == "log" && slices.ContainsFunc(o.texts(), func(s string) bool { return containsOne(s, texts) }):
	default:
		t.Errorf("got %v, the log %q; want %s: %s", o.err, o.texts(), word, texts)
	}
}

// A registration finds nothing of another one, whatever a script keeps.
func TestJavaScriptForgets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(wasmtest.Root(), "testdata", "javascript", "remembers.js")
	wasm, err := javascript.PackFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	k := newKit(t, wasm)
	k.deploy(jsontext.Value("{}"))
	for i := range 20 {
		got := k.registerDeployed(fmt.Sprintf(`{"redirect_uris":["https://app.example/cb"],"client_name":"client %d"}`,
			i))
		got.done(t)
		if want := []string{fmt.Sprintf("met client %d", i)}; !slices.Equal(got.texts(), want) {
			t.Errorf("got the log %q, want %q", got.texts(), want)
		}
	}
}

// A script reads the request as another one patched it, although it has read it before.
func TestJavaScriptReadsPatchedRequests(t *testing.T) {
	t.Parallel()
	path := filepath.Join(wasmtest.Root(), "testdata", "javascript", "patches-request.js")
	wasm, err := javascript.PackFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	k := newKit(t, wasm)
	k.deploy(jsontext.Value("{}"), jsontext.Value(`{"name":"patched"}`))
	got := k.registerDeployed(`{"redirect_uris":["https://app.example/cb"],"client_name":"sent"}`)
	got.done(t)
	if want := []string{"sent", "patched", "patched"}; !slices.Equal(got.texts(), want) {
		t.Errorf("got the log %q, want %q", got.texts(), want)
	}
	if name := got.registration.Client.Metadata.ClientName; name != "patched" {
		t.Errorf("the client is registered as %q, want patched", name)
	}
}
