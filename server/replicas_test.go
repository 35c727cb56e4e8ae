package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
	"registrar/server/adminapi"
)

func TestReplicasOverHTTP(t *testing.T) {
	s := newSite(t, setup{})
	s.call("GET", adminapi.PathReplicas, "").want(http.StatusOK).wantMembers(map[string]any{"replicas": []any{}})
	number := int64(3)
	for _, r := range []scripts.Replica{
		{Version: "v1", Address: "a.example:8081", Problem: "deployment 1 is not loaded"},
		{Version: "v1", Address: "a.example:8081", Deployment: &number},
	} {
		if err := s.store.Beat(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		want, err := s.store.Replicas(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.call("GET", adminapi.PathReplicas, "").want(http.StatusOK)
		got, err := (&adminapi.API{Base: s.admin.URL, Token: adminToken}).Replicas(t.Context())
		if diff := cmp.Diff(want, got); err != nil || len(got) != 1 || diff != "" {
			t.Errorf("%v; want (-), got (+):\n%s", err, diff)
		}
	}
}
