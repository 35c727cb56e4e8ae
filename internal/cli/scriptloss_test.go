package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A member of a configuration is unknown if only the old module names it, in either encoding of a text.
func TestUnknownMembers(t *testing.T) {
	const config = `{"hosts":[],"limit":3,"inlined":{}}`
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"a new build", "hosts limit", "limit hosts", nil},
		{"a new member", "hosts", "hosts limit", nil},
		{"another script", "hosts limit", "names", []string{"hosts", "limit"}},
		{"a name in UTF-16", "hosts", "h\x00o\x00s\x00t\x00s\x00", nil},
		{"a name in UTF-16 before", "h\x00o\x00s\x00t\x00s\x00", "names", []string{"hosts"}},
		{"names that no module has", "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := unknownMembers([]byte(config), []byte(tt.old), []byte(tt.new))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLostSteps(t *testing.T) {
	got := lostSteps([]string{"set_scopes", "add_client_id", "set_max_age"}, []string{"add_client_id", "set_secrets"})
	if diff := cmp.Diff([]string{"set_scopes", "set_max_age"}, got); diff != "" {
		t.Error(diff)
	}
}
