package claims

import (
	"testing"

	"github.com/go-json-experiment/json"
)

func TestNotStatement(t *testing.T) {
	for _, tt := range []struct{ claims, want string }{
		{`{"software_id":"7"}`, ""},
		{`{"software_id":7}`, ""},
		{`{"software_id":"7","client_id":null,"azp":""}`, ""},
		{`{}`, "has no software_id, which it needs"},
		{`{"software_id":null}`, "has no software_id, which it needs"},
		{`{"software_id":""}`, "has no software_id, which it needs"},
		{`{"software_id":"7","client_id":"c"}`, "must not have a client_id"},
		{`{"software_id":"7","client_id":{}}`, "must not have a client_id"},
		{`{"software_id":"7","azp":"c"}`, "must not have an azp"},
	} {
		var p Purpose
		if err := json.Unmarshal([]byte(tt.claims), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.NotStatement(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.claims, got, tt.want)
		}
	}
}
