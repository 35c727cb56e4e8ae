package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
)

func TestShadowsOverHTTP(t *testing.T) {
	s := newSite(t, setup{})
	var list []string
	for _, name := range []string{"patch-metadata", "refuse-redirect-host"} {
		m, err := s.api().Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf(`{"name":"%s","module":"%s","mode":"shadow"}`, name, m.Digest))
	}
	s.call("POST", adminapi.PathDeployments, `{"scripts":[`+strings.Join(list, ",")+`]}`).want(http.StatusCreated)
	s.registered(`{"redirect_uris":["https://evil.example/cb"],"client_name":"Editor"}`)
	for script, outcome := range map[string]string{"patch-metadata": "changed", "refuse-redirect-host": "refused"} {
		var shadows []any
		// Shadows are stored in intervals.
		for deadline := time.Now().Add(30 * time.Second); len(shadows) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no shadow of %s is stored", script)
			}
			shadows = s.call("GET", adminapi.PathShadows+"?limit=5&script="+script, "").want(http.StatusOK).
				json()["shadows"].([]any)
		}
		shadow := shadows[0].(map[string]any)
		if len(shadows) != 1 || shadow["script"] != script || shadow[outcome] != 1.0 ||
			len(shadow["differences"].([]any)) != 1 {
			t.Errorf("got %v, want one registration %s", shadows, outcome)
		}
	}
	s.call("GET", adminapi.PathShadows+"?limit=x", "").want(http.StatusBadRequest)
}
