package cli

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/server/adminapi"
)

func TestActsOfAClient(t *testing.T) {
	for _, tt := range []struct {
		acts string
		want [][]string
	}{
		{`[]`, nil},
		{`[{"step":"add_client_id","script":"ids","module":"sha256:00","changed":["client_id","scope"]},` +
			`{"step":"set_scopes","script":"policy","module":"sha256:01"}]`,
			[][]string{{"script", "ids in add_client_id changed client_id, scope (sha256:00)"},
				{"script", "policy in set_scopes changed nothing (sha256:01)"}}},
		{`[{"step":"set_scopes","script":"policy","module":"sha256:01","request":["scope","client_name"]}]`,
			[][]string{{"script",
				"policy in set_scopes changed nothing, and in the request scope, client_name (sha256:01)"}}},
		{`"other"`, [][]string{{"scripts", `"other"`}}},
	} {
		if diff := cmp.Diff(tt.want, actsOf(adminapi.Client{Acts: jsontext.Value(tt.acts)})); diff != "" {
			t.Errorf("%s, want (-) and got (+):\n%s", tt.acts, diff)
		}
	}
}
