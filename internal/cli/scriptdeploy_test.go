package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/servertest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// The help of script deploy names every member of a deployment and of its scripts.
func TestDeployHelpNamesEveryMember(t *testing.T) {
	for _, of := range []any{scripts.Script{}, adminapi.NewDeployment{}, scripts.Deployment{}} {
		for field := range reflect.TypeOf(of).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(deployHelp, name) {
				t.Errorf("the help does not name %s", name)
			}
		}
	}
}

// What commands print can be deployed, but for a list.
func TestReadDeployment(t *testing.T) {
	list := []scripts.Script{{Name: "ids", Module: "sha256:00", Config: []byte(`{"a":1}`), Mode: scripts.ModeShadow}}
	printed, err := json.Marshal(scripts.Deployment{Number: 3, Scripts: list, Comment: "why", CopyOf: 1,
		CreatedBy: "admin", CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readDeployment(servertest.File(t, "printed.json", string(printed)))
	if diff := cmp.Diff(adminapi.NewDeployment{Scripts: list, Comment: "why"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, tt := range []struct{ file, says string }{
		{`{"deployments":[]}`, "registrar script export N"},
		{`{"comment":"x"}`, "scripts is missing"},
		{`{"scripts":[],"scirpts":[]}`, "scirpts"},
	} {
		_, err := readDeployment(servertest.File(t, "wrong.json", tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q in it", tt.file, err, tt.says)
		}
	}
}

func TestEscaped(t *testing.T) {
	const text = "{\n  \"a\": \"é \u202e\U000e0001\"\n}"
	got := escaped(text)
	if want := "{\n  \"a\": \"é \\u202e\\udb40\\udc01\"\n}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDiffScripts(t *testing.T) {
	before := []scripts.Script{
		{Name: "ids", Module: "sha256:00"},
		{Name: "policy", Module: "sha256:01", Config: []byte(`{"hosts":["a"],"n":1}`)},
	}
	same := []scripts.Script{
		{Name: "ids", Module: "sha256:00", Mode: scripts.ModeEnforce, OnFailure: scripts.OnFailureRefuse},
		{Name: "policy", Module: "sha256:01", Config: []byte(`{"n": 1, "hosts": ["a"]}`)},
	}
	if got, err := diffScripts(before, same); err != nil || len(got) != 0 {
		t.Errorf("of the same scripts: %v, %v", got, err)
	}
	after := []scripts.Script{
		{Name: "policy", Module: "sha256:02", Config: []byte(`{"hosts":["b"]}`), Canary: "5%"},
		{Name: "ids", Module: "sha256:00"},
	}
	got, err := diffScripts(before, after)
	want := []string{
		`- /order: "ids, policy"`, `+ /order: "policy, ids"`,
		`+ /scripts/policy/canary: "5%"`,
		`- /scripts/policy/config/hosts/0: "a"`, `+ /scripts/policy/config/hosts/0: "b"`,
		`- /scripts/policy/config/n: 1`,
		`- /scripts/policy/mode: "enforce"`, `+ /scripts/policy/mode: "canary"`,
		`- /scripts/policy/module: "sha256:01"`, `+ /scripts/policy/module: "sha256:02"`,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestDeploymentRows(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	digest := "sha256:" + strings.Repeat("0123456789", 6) + "0123"
	enforced := scripts.Script{Name: "ids", Module: digest, Config: []byte(`{"b":1,"a":2}`)}
	canary := scripts.Script{Name: "new", Module: digest, Canary: "5%"}
	got := deploymentRows([]scripts.Deployment{
		{Number: 3, CreatedAt: at, Scripts: []scripts.Script{enforced, canary}, Comment: "try"},
		{Number: 2, CreatedAt: at, Scripts: []scripts.Script{enforced}, CopyOf: 1},
		{Number: 1, CreatedAt: at},
	})
	config := configDigest([]byte(`{"a": 2, "b": 1.0}`)) // the same config
	const when, module = "2026-01-02 03:04:05", "012345678901"
	want := [][]string{
		got[0],
		{"3", "for 5%", when, "ids", "enforce", "", module, config, "try"},
		{"", "", "", "new", "canary", "5%", module, "none", ""},
		{"2", "for the others", when, "ids", "enforce", "", module, config, "copy of 1"},
		{"1", "", when, "no scripts", "", "", "", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	newest := []scripts.Deployment{{Number: 2, Scripts: []scripts.Script{enforced}}, {Number: 1}}
	if inForce(newest, 0) != "yes" || inForce(newest, 1) != "" {
		t.Errorf("in force without a canary: %q, %q", inForce(newest, 0), inForce(newest, 1))
	}
}
