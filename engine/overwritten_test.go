package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A scriptedPatch is what a script of a test does in a step: it patches the client before and after its base, if these
// are not empty.
type scriptedPatch struct{ step, before, after string }

func scripted(t *testing.T, patches ...scriptedPatch) Overrides {
	t.Helper()
	return override(func(r *Registration, s *Steps) {
		for n, p := range patches {
			field := StepTable()[stepNumber(p.step)].Field(s)
			base := *field
			patch := func(r *Registration, patch string) {
				by := Patcher{Step: p.step, Script: fmt.Sprint("script ", n)}
				if err := r.PatchMetadata(by, []byte(patch)); patch != "" && err != nil {
					t.Error(err)
				}
			}
			*field = func(ctx context.Context, r *Registration) error {
				patch(r, p.before)
				err := base(ctx, r)
				if err == nil {
					patch(r, p.after)
				}
				return err
			}
		}
	})
}

func TestOverwritten(t *testing.T) {
	const sent = `{"redirect_uris":["https://app.example/cb"],"client_name":"Sent","client_name#ja":"Sent","scope":"a"}`
	for _, tt := range []struct {
		name    string
		body    string
		scripts []scriptedPatch
		want    []string // member, patched in, by script, overwritten by
	}{
		{"no patch", sent, nil, nil},
		{"a patch that a later step overwrites", sent, []scriptedPatch{{"set_grant_types", "", `{"client_name":"B"}`}},
			[]string{"client_name set_grant_types script 0 set_client_name"}},
		{"a patch before the base", sent, []scriptedPatch{{"set_client_name", `{"client_name":"B"}`, ""}},
			[]string{"client_name set_client_name script 0 set_client_name"}},
		{"a patch after the base", sent, []scriptedPatch{{"set_client_name", "", `{"client_name":"B"}`}}, nil},
		{"a patch of a member that was not sent", sent, []scriptedPatch{{"set_grant_types", "", `{"contacts":["x"]}`}},
			[]string{"contacts set_grant_types script 0 set_client_name"}},
		{"a removal", sent, []scriptedPatch{{"set_grant_types", "", `{"client_name":null}`}},
			[]string{"client_name set_grant_types script 0 set_client_name"}},
		{"the same value", sent, []scriptedPatch{{"set_grant_types", "", `{"client_name":"Sent"}`}}, nil},
		{"a language tag that was sent", sent, []scriptedPatch{{"set_grant_types", "", `{"client_name#ja":"B"}`}},
			[]string{"client_name#ja set_grant_types script 0 set_client_name"}},
		{"one that was not sent", sent, []scriptedPatch{{"set_grant_types", "", `{"client_name#de":"B"}`}}, nil},
		{"twice", sent, []scriptedPatch{{"set_grant_types", `{"client_name":"B"}`, `{"client_name":"C"}`},
			{"set_scopes", "", `{"client_name":"D"}`}},
			[]string{"client_name set_scopes script 1 set_client_name"}},
		{"again after it was overwritten", sent, []scriptedPatch{{"set_client_name", `{"client_name":"B"}`,
			`{"client_name":"C"}`}}, []string{"client_name set_client_name script 0 set_client_name"}},
		{"several members", sent, []scriptedPatch{{"set_grant_types", "",
			`{"scope":"x","client_name":"B","logo_uri":"https://app.example/"}`}}, []string{
			"scope set_grant_types script 0 set_scopes",
			"client_name set_grant_types script 0 set_client_name",
			"logo_uri set_grant_types script 0 set_user_interface_properties"}},
		{"scopes before a nested step", minimal, []scriptedPatch{{"set_grant_types", "", `{"scope":"x"}`}},
			[]string{"scope set_grant_types script 0 set_scopes"}},
		{"a patch in a nested step", minimal, []scriptedPatch{{"set_default_scopes", "", `{"scope":"x"}`}}, nil},
		{"default scopes are added", minimal, []scriptedPatch{{"set_default_scopes", `{"scope":"x"}`, ""}}, nil},
		{"a patch in both", minimal, []scriptedPatch{{"set_scopes", `{"scope":"x"}`, ""},
			{"set_default_scopes", "", `{"scope":"y"}`}}, []string{"scope set_scopes script 0 set_scopes"}},
		{"after the last step that sets it", sent, []scriptedPatch{{"add_client_id", "", `{"client_name":"B"}`}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request, err := ParseRequest([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			e := newEngine(t, Config{Overrides: scripted(t, tt.scripts...),
				Options: Options{DefaultScopes: []string{"d"}}})
			r, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range r.Overwritten() {
				got = append(got, strings.Join([]string{o.Member, o.Step, o.Script, o.By}, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Changes that are discarded overwrote nothing.
func TestDiscardedChangesOverwriteNothing(t *testing.T) {
	early := scripted(t, scriptedPatch{"set_grant_types", "", `{"client_name":"B"}`})
	var r *Registration
	e := newEngine(t, Config{Overrides: func(is *Registration, s Steps) (Steps, func()) {
		r = is
		s, release := early(is, s)
		base := s.SetClientName
		s.SetClientName = func(ctx context.Context, r *Registration) error {
			entry := r.Snapshot()
			if err := base(ctx, r); err != nil {
				return err
			}
			if n := len(r.Overwritten()); n != 1 {
				t.Errorf("after the base, %d members are overwritten, want 1", n)
			}
			r.Restore(&entry)
			return nil
		}
		return s, release
	}})
	request, err := ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"Sent"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone}); err != nil {
		t.Fatal(err)
	}
	if got := r.Overwritten(); got != nil || r.Client.Metadata.ClientName != "B" {
		t.Errorf("got %+v and the name %q, want none and B", got, r.Client.Metadata.ClientName)
	}
}

// A script cannot make the list of watched members grow without end.
func TestWatchedMembersAreBounded(t *testing.T) {
	r := &Registration{Client: &Client{}, engine: newEngine(t, Config{})}
	for _, letters := range []string{"ab", "cd"} {
		var patch strings.Builder
		for i := range 26 * 26 {
			fmt.Fprintf(&patch, `,"client_name#%s-%c%c":null`, letters, 'a'+i/26, 'a'+i%26)
		}
		if err := r.PatchMetadata(Patcher{Step: "set_scopes"}, []byte("{"+patch.String()[1:]+"}")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.watched); n != maxWatched || n <= len(memberNames()) {
		t.Errorf("%d members are watched, want %d, more than the %d with a field", n, maxWatched, len(memberNames()))
	}
}
