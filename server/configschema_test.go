package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
)

const brandSchema = `{"required":["brands"],"additionalProperties":false,"properties":{"brands":{"type":"array"}}}`

// Each way to name a configuration over HTTP checks it against the schema that the module carries.
func TestConfigSchemaOverHTTP(t *testing.T) {
	s := newSite(t, setup{})
	m, err := s.api().Upload(t.Context(), "prefix-id", wasmtest.WithConfigSchema(t, "prefix-id", brandSchema), "")
	if err != nil || string(m.ConfigSchema) != brandSchema {
		t.Fatalf("got %s, %v", m.ConfigSchema, err)
	}
	if shown, err := s.api().Module(t.Context(), m.Digest); err != nil || string(shown.ConfigSchema) != brandSchema {
		t.Errorf("the module: got %s, %v", shown.ConfigSchema, err)
	}
	if list, err := s.api().Modules(t.Context()); err != nil || len(list) != 1 || list[0].ConfigSchema != nil {
		t.Errorf("the list of modules: got %+v, %v", list, err)
	}
	script := func(config string) string {
		return `[{"name":"ids","module":"` + m.Digest + `","config":` + config + `}]`
	}
	bodies := map[string]func(config string) string{
		adminapi.PathDeployments: func(config string) string { return `{"scripts":` + script(config) + `}` },
		adminapi.PathDryRun: func(config string) string {
			return `{"request":{` + web + `},"scripts":` + script(config) + `}`
		},
		adminapi.PathReplay: func(config string) string { return `{"scripts":` + script(config) + `}` },
	}
	for path, body := range bodies {
		e := s.call("POST", path, body(`{"brand":["hush"]}`)).want(http.StatusUnprocessableEntity)
		reasons, _ := e.json()["reasons"].([]any)
		want := []any{"script ids: config: /brand: unknown member: did you mean brands?",
			"script ids: config: /brands: required"}
		if !slices.Equal(reasons, want) || strings.Contains(e.body, "hush") {
			t.Errorf("%s: got %s, want the reasons %q and no value", path, e.body, want)
		}
		s.call("POST", path, body(`null`)).want(http.StatusUnprocessableEntity)
		if e := s.call("POST", path, body(`{"brands":[]}`)); e.status >= http.StatusBadRequest {
			t.Errorf("%s with a good config: got %s", path, e.body)
		}
	}
	if n := len(s.call("GET", adminapi.PathDeployments, "").json()["deployments"].([]any)); n != 1 {
		t.Errorf("%d deployments are stored, want the good one", n)
	}
	if strings.Contains(s.log.String(), "hush") {
		t.Error("the log shows a value of a configuration")
	}
}
