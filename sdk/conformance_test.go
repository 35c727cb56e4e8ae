package sdk_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts/javascript"
)

func TestMain(m *testing.M) { wasmtest.Main(m) }

// languages are the languages that must have a conformance module. Additional modules are tested too. A script in
// JavaScript is packed by the program, so its module is made here.
const languages = "assemblyscript assemblyscript-0.27 c emscripten go rust"

var javaScript = sync.OnceValues(func() ([]byte, error) {
	return javascript.PackFile(context.Background(), "javascript/conformance/script.ts")
})

// kits has a kit for each language. The tests use it one after the other, so that its module is loaded once. Their
// hosts end with the process.
var kits sync.Map

// kitOf returns a language's kit for a test.
func kitOf(t *testing.T, language string, wasm []byte) *kit {
	k := &kit{}
	if known, loaded := kits.Load(language); loaded {
		k = known.(*kit)
	} else {
		k.start(context.Background(), t, wasm)
		kits.Store(language, k)
	}
	k.t = t
	k.reset()
	k.doubles = language == "javascript"
	return k
}

// forEach runs a test with the conformance module of each SDK, some languages at a time. The test that calls it must
// not be parallel itself.
func forEach(t *testing.T, test func(t *testing.T, k *kit)) {
	paths, err := filepath.Glob("conformance/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string][]byte{}
	for _, path := range paths {
		if modules[strings.TrimSuffix(filepath.Base(path), ".wasm")], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, language := range strings.Fields(languages) {
		if modules[language] == nil {
			t.Errorf("conformance/%s.wasm is missing: make conformance builds it", language)
		}
	}
	if modules["javascript"], err = javaScript(); err != nil {
		t.Fatal(err)
	}
	for _, language := range slices.Sorted(maps.Keys(modules)) {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			test(t, kitOf(t, language, modules[language]))
		})
	}
}

func stepNames() []string {
	var names []string
	for _, step := range engine.StepTable() {
		names = append(names, step.Name)
	}
	return names
}

// eachStep runs a test in every step. Most tests use only some steps, since the modules do the same in all of them.
func eachStep(t *testing.T, test func(t *testing.T, step string)) { inSteps(t, stepNames(), test) }

func inSteps(t *testing.T, steps []string, test func(t *testing.T, step string)) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) { test(t, step) })
	}
}

// at reports whether a step is one of names.
func at(step string, names ...string) bool { return slices.Contains(names, step) }

func TestModulesReplaceEveryStep(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		if diff := cmp.Diff(stepNames(), k.module.Steps); diff != "" {
			t.Error(diff)
		}
		if len(k.module.Warnings) > 0 {
			t.Errorf("warnings: %v", k.module.Warnings)
		}
	})
}

func TestStepsWithoutAnActionRunTheirBase(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		got := k.register(script{})
		got.done(t)
		if len(got.lines) > 0 {
			t.Errorf("lines: %v", got.lines)
		}
		refused := k.registerBody(`{"redirect_uris":["https://app.example/cb#fragment"]}`, script{})
		refused.refused(t, engine.InvalidRedirectURI, "fragment")
	})
}

// A refusal of the base stands if the script returns its result.
func TestRefusalsOfTheBaseStand(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		for _, action := range []string{"", "remember", "patch"} {
			const step = "set_client_name"
			k.register(do(step, action), refuse(step)).refused(t, engine.InvalidRedirectURI, "because of kit")
		}
	})
}

func TestObserve(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		eachStep(t, func(t *testing.T, step string) {
			got := k.register(do(step, "observe"))
			got.done(t)
			id := "none"
			if at(step, "add_client_secret", "generate_secret", "build_response") {
				id = got.registration.Client.ID
			}
			want := facts(step, id)
			if diff := cmp.Diff(want, got.texts()); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// facts returns the lines that observe logs for the kit's usual registration.
func facts(step, id string) []string {
	return []string{
		"operation=register", "step=" + step, "mode=enforce",
		"client_name=Kit \"é\" 😀\\", "client_id=" + id,
		"auth=jwt", "subject=ci", "scopes=read write", "note=a \"note\"/é",
		"software_id=none", "exists=false", "item=none", "now=" + strconv.FormatInt(now.UnixMilli(), 10), "random=true",
	}
}

func TestObserveVariations(t *testing.T) {
	const step = "set_client_name"
	tests := []struct {
		name   string
		change func(*kit)
		body   string
		script script
		want   map[string]string
	}{
		{name: "a statement", change: func(k *kit) { k.statement = `{"iss":"x","software_id":"sw-1"}` },
			want: map[string]string{"software_id": "sw-1"}},
		{name: "a statement without software_id",
			change: func(k *kit) { k.statement = `{"software":{"software_id":"x"}}` },
			want:   map[string]string{"software_id": "none"}},
		{name: "an anonymous caller", change: func(k *kit) { k.caller = &engine.Caller{Auth: engine.AuthNone} },
			want: map[string]string{"auth": "none", "subject": "", "scopes": ""}},
		{name: "a taken ID", change: func(k *kit) { k.taken = true }, want: map[string]string{"exists": "true"}},
		{name: "a dry run", change: func(k *kit) { k.mode = engine.ModeDryRun },
			want: map[string]string{"mode": "dry_run"}},
		{name: "no name", body: `{"redirect_uris":["https://app.example/cb"],"x":{"client_name":"inner"}}`,
			want: map[string]string{"client_name": ""}},
		{name: "null for a name", body: `{"redirect_uris":["https://app.example/cb"],"client_name":null}`,
			want: map[string]string{"client_name": ""}},
		{name: "a large request", body: `{"redirect_uris":["https://app.example/cb"],"x":"` + strings.Repeat("x",
			40_000) + `","client_name":"large"}`,
			want: map[string]string{"client_name": "large"}},
		{name: "an item", script: script{"validate_software_statement": "remember"},
			want: map[string]string{"item": "v"}},
		{name: "no note", script: script{"note": ""}, want: map[string]string{"note": ""}},
	}
	forEach(t, func(t *testing.T, k *kit) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				k.reset()
				if tt.change != nil {
					tt.change(k)
				}
				s := do(step, "observe")
				maps.Copy(s, tt.script)
				body := tt.body
				if body == "" {
					body = usual
				}
				got := k.registerBody(body, s)
				got.done(t)
				var want []string
				for _, fact := range facts(step, "none") {
					name, value, _ := strings.Cut(fact, "=")
					if changed, ok := tt.want[name]; ok {
						value = changed
					} else if name == "client_name" && tt.body != "" {
						continue
					}
					want = append(want, name+"="+value)
				}
				lines := got.texts()
				if diff := cmp.Diff(want, lines); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// A script reads its operation, and the registered metadata, where an operator rotates a secret.
func TestObserveRotation(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		const step = "generate_secret"
		registered := k.register(do(step, "observe"))
		registered.done(t)
		got := k.rotate(registered.registration.Client)
		got.done(t)
		want := facts(step, registered.registration.Client.ID)
		want[0] = "operation=rotate_secret"
		if diff := cmp.Diff(want, got.texts()); diff != "" {
			t.Error(diff)
		}
	})
}

// The module detects a random source of zeros.
func TestObserveDetectsZeros(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		k.random.zero.Store(true)
		got := k.register(do("set_scopes", "observe")).texts()
		if len(got) != 14 || got[13] != "random=false" {
			t.Errorf("got %v", got)
		}
	})
}

func TestPatch(t *testing.T) {
	names := stepNames()
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"set_grant_types", "set_client_name", "set_default_scopes", "generate_secret",
			"build_response"}, func(t *testing.T, step string) {
			got := k.registerBody(`{"redirect_uris":["https://app.example/cb"]}`, do(step, "patch"))
			got.done(t)
			// In build_response the metadata is final.
			accepted, name := "true", "kit"
			if step == "build_response" {
				accepted, name = "false", ""
			}
			// The built-in step copies the name from the request.
			if slices.Index(names, step) < slices.Index(names, "set_client_name") {
				name = ""
			}
			lines := slices.DeleteFunc(got.texts(),
				func(line string) bool { return strings.HasPrefix(line, "patch_client: ") })
			if diff := cmp.Diff([]string{"patch=" + accepted, "forbidden=false"}, lines); diff != "" {
				t.Error(diff)
			}
			if got.registration.Client.Metadata.ClientName != name {
				t.Errorf("client_name is %q, want %q", got.registration.Client.Metadata.ClientName, name)
			}
		})
	})
}

// The base reads the patched request, until the step that sets the member has begun.
func TestPatchRequest(t *testing.T) {
	names := stepNames()
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"validate_software_statement", "set_client_name", "set_logout_parameters",
			"build_response"},
			func(t *testing.T, step string) {
				got := k.registerBody(`{"redirect_uris":["https://app.example/cb"],"client_name":"sent"}`,
					do(step, "patch_request"))
				got.done(t)
				accepted, name := "true", "kit"
				if slices.Index(names, step) > slices.Index(names, "set_client_name") {
					accepted, name = "false", "sent"
				}
				lines := slices.DeleteFunc(got.texts(),
					func(line string) bool { return strings.HasPrefix(line, "patch_request: ") })
				if diff := cmp.Diff([]string{"patch_request=" + accepted, "forbidden=false"}, lines); diff != "" {
					t.Error(diff)
				}
				if got.registration.Client.Metadata.ClientName != name {
					t.Errorf("client_name is %q, want %q", got.registration.Client.Metadata.ClientName, name)
				}
			})
	})
}

func TestID(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"add_client_id", "set_scopes"}, func(t *testing.T, step string) {
			got := k.register(do(step, "id"))
			if step != "add_client_id" {
				got.failed(t, step, "set_client_id")
				return
			}
			got.done(t)
			again := k.register(do(step, "id"))
			again.done(t)
			for _, id := range []string{got.registration.Client.ID, again.registration.Client.ID} {
				if !regexp.MustCompile(`^kit-[0-9a-f]{16}$`).MatchString(id) {
					t.Errorf("client_id %q", id)
				}
			}
			if got.registration.Client.ID == again.registration.Client.ID {
				t.Error("two clients have one ID")
			}
		})
	})
}

func TestSecret(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"add_client_secret", "generate_secret", "set_secrets"}, func(t *testing.T, step string) {
			got := k.register(do(step, "secret"))
			if !at(step, "generate_secret", "add_client_secret") {
				got.failed(t, step, "set_client_secret")
				return
			}
			got.done(t)
			if secret := got.registration.Secret.Reveal(); !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(secret) {
				t.Errorf("a secret of %d bytes", len(secret))
			}
			response := string(got.registration.Response)
			if want := fmt.Sprintf(`"client_secret_expires_at":%d`, now.Unix()+3600); !strings.Contains(response,
				want) {
				t.Errorf("the response lacks %s", want)
			}
		})
	})
}

func TestRemember(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"validate_software_statement", "generate_secret", "build_response"},
			func(t *testing.T, step string) {
				got := k.register(do(step, "remember"))
				got.done(t)
				if got.registration.Items["k"] != "v" {
					t.Errorf("items: %v", got.registration.Items)
				}
			})
	})
}

func TestRefuse(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		eachStep(t, func(t *testing.T, step string) {
			k.register(refuse(step)).refused(t, engine.InvalidRedirectURI, "because of kit")
		})
		token := refuse("set_scopes")
		token["code"] = string(engine.InvalidToken)
		k.register(token).refused(t, engine.InvalidToken, "because of kit")
		s := refuse("set_scopes")
		s["code"] = string(engine.InsufficientScope)
		s["description"] = strings.Repeat("long ", 100)
		k.register(s).refused(t, engine.InsufficientScope, strings.TrimSpace(s["description"]))
	})
}

// A script can overrule a refusal. If no ID was made, an invariant is broken.
func TestOverrule(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		k.register(do("set_client_name", "overrule"), refuse("set_client_name")).done(t)
		k.register(do("set_client_name", "overrule")).done(t)
		k.register(do("add_client_id", "overrule"), refuse("add_client_id")).breached(t)
	})
}

// A script's own failure, and a panic or exception, name their reason.
func TestFail(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"set_user_interface_properties", "generate_secret", "build_response"},
			func(t *testing.T, step string) {
				k.register(do(step, "fail")).failed(t, step, "as the configuration says")
				k.register(do(step, "panic")).failed(t, step, "as the configuration says")
			})
	})
}

func TestLevels(t *testing.T) {
	forEach(t, func(t *testing.T, k *kit) {
		inSteps(t, []string{"set_max_age", "build_response"}, func(t *testing.T, step string) {
			got := k.register(do(step, "levels"))
			got.done(t)
			want := []line{{"DEBUG", step, "debug"}, {"INFO", step, "info"}, {"WARN", step, "warn"},
				{"ERROR", step, "error"}}
			if diff := cmp.Diff(want, got.lines, cmp.AllowUnexported(line{})); diff != "" {
				t.Error(diff)
			}
		})
	})
}
