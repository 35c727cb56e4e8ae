package engine

import (
	"reflect"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// changedMembers detects a change of every field, and reports its name.
func TestEveryMemberIsCompared(t *testing.T) {
	one, yes := int64(1), true
	for i, name := range memberNames() {
		var before, after Metadata
		switch p := reflect.ValueOf(&after).Elem().Field(i).Addr().Interface().(type) {
		case *string:
			*p = "x"
		case *[]string:
			*p = []string{"x"}
		case **int64:
			*p = &one
		case **bool:
			*p = &yes
		case *jsontext.Value:
			*p = jsontext.Value(`{}`)
		default:
			t.Fatalf("%s has the unexpected type %T", name, p)
		}
		if got := changedMembers(&before, &after); !slices.Equal(got, []string{name}) {
			t.Errorf("%s: got %q, want only %[1]s", name, got)
		}
		copied := after
		if got := changedMembers(&after, &copied); got != nil {
			t.Errorf("%s unchanged: got %q, want none", name, got)
		}
	}
}

func TestChangedMembers(t *testing.T) {
	one, other := int64(1), int64(1)
	before := Metadata{
		RedirectURIs: nil, DefaultMaxAge: &one, JWKS: jsontext.Value(`{"keys":[],"x":"\u0061"}`),
		Other: map[string]jsontext.Value{"same": jsontext.Value(`[1, 2]`), "gone": jsontext.Value(`1`),
			"big": jsontext.Value(`9007199254740993`)},
	}
	after := Metadata{
		RedirectURIs: []string{}, DefaultMaxAge: &other, JWKS: jsontext.Value(`{"x": "a", "keys": []}`),
		Other: map[string]jsontext.Value{"same": jsontext.Value(`[1,2]`), "new": jsontext.Value(`1`),
			"big": jsontext.Value(`9007199254740992`)},
	}
	if diff := cmp.Diff([]string{"big", "gone", "new"}, changedMembers(&before, &after)); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

func TestTouchedAndChanged(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.newRegistration(&Request{}, &Caller{}, ModeEnforce)
	if err != nil {
		t.Fatal(err)
	}
	entry := r.Snapshot()
	r.Client.Metadata.Scope = "built in" // as a built-in step does
	r.Client.ID = "an-id"
	later := r.Snapshot()
	if got := entry.Touched(&later); !slices.Equal(got, []string{"client_id"}) {
		t.Errorf("touched: got %q, want only the ID", got)
	}
	if got := entry.Changed(&later); !slices.Equal(got, []string{"client_id", "scope"}) {
		t.Errorf("changed: got %q, want both", got)
	}
	by := Patcher{Step: "set_client_name"}
	if err := r.PatchMetadata(by, []byte(`{"client_name":"x","scope":"built in"}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.SetSecret("0123456789012345678901234567890123456789", later.client.IssuedAt); err != nil {
		t.Fatal(err)
	}
	last := r.Snapshot()
	if got := later.Touched(&last); !slices.Equal(got, []string{"client_secret", "client_name"}) {
		t.Errorf("touched: got %q, want the secret and the name", got)
	}
	if got := later.TouchedSince(r); !slices.Equal(got, []string{"client_secret", "client_name"}) {
		t.Errorf("touched since: got %q, want the secret and the name", got)
	}
}

func BenchmarkTouched(b *testing.B) {
	e, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := e.newRegistration(&Request{}, &Caller{}, ModeEnforce)
	if err != nil {
		b.Fatal(err)
	}
	entry := r.Snapshot()
	untouched := r.Snapshot()
	if err := r.PatchMetadata(Patcher{Step: "set_client_name"}, []byte(`{"client_name":"x"}`)); err != nil {
		b.Fatal(err)
	}
	patched := r.Snapshot()
	b.Run("untouched", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			entry.Touched(&untouched)
		}
	})
	b.Run("patched", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			entry.Touched(&patched)
		}
	})
}
