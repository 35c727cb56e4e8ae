package engine

import (
	"context"
	"testing"
)

// A store may keep the acts of a registration whose ID was taken. Those of the next attempt are others.
func TestRestoreKeepsEarlierActs(t *testing.T) {
	r := &Registration{Client: &Client{Provenance: Provenance{Acts: make([]Act, 0, 4)}}}
	s := r.Snapshot()
	r.Client.Provenance.Acts = append(r.Client.Provenance.Acts, Act{Step: "first"})
	kept := r.Client.Provenance.Acts
	r.Restore(&s)
	r.Client.Provenance.Acts = append(r.Client.Provenance.Acts, Act{Step: "second"})
	if kept[0].Step != "first" {
		t.Errorf("the act kept from the first attempt is that of %q now", kept[0].Step)
	}
}

// ClientDocument returns the client as it is, however it was changed since it was read.
func TestClientDocument(t *testing.T) {
	r, err := newEngine(t, Config{}).newRegistration(&Request{}, &Caller{}, ModeEnforce)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	for _, change := range []struct {
		name, want string
		apply      func() error
	}{
		{"nothing", `{"redirect_uris":[]}`, func() error { return nil }},
		{"a patch", `{"redirect_uris":[],"client_name":"patched"}`, func() error {
			return r.PatchMetadata(Patcher{Step: "set_client_name"}, []byte(`{"client_name":"patched"}`))
		}},
		{"a client ID", `{"client_id":"an-id","redirect_uris":[],"client_name":"patched"}`, func() error {
			r.Client.ID = "an-id"
			return nil
		}},
		{"a step", `{"client_id":"an-id","redirect_uris":[],"client_name":"in a step"}`, func() error {
			r.Client.Metadata.ClientName = "in a step"
			return r.runStep(t.Context(), "set_client_name", func(context.Context, *Registration) error { return nil })
		}},
		{"a snapshot", `{"redirect_uris":[]}`, func() error {
			r.Restore(&s)
			return nil
		}},
	} {
		if err := change.apply(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		first, err := r.ClientDocument()
		if err != nil {
			t.Fatalf("after %s: %v", change.name, err)
		}
		if again, err := r.ClientDocument(); err != nil || &again[0] != &first[0] || string(first) != change.want {
			t.Errorf("after %s: got %s, and then %s and %v; want %s twice", change.name, first, again, err, change.want)
		}
	}
}

// Snapshots share the items with the registration, which therefore changes only copies.
func TestSnapshotsKeepTheirItems(t *testing.T) {
	r := &Registration{Client: &Client{}}
	r.SetItem("k", "1")
	first := r.Snapshot()
	r.SetItem("k", "2")
	second := r.Snapshot()
	r.SetItem("k", "3")
	r.SetItem("l", "3")
	for _, tt := range []struct {
		s    *Snapshot
		want string
	}{{&second, "2"}, {&first, "1"}, {&second, "2"}} {
		r.Restore(tt.s)
		if r.Items["k"] != tt.want || len(r.Items) != 1 {
			t.Errorf("got %v, want k=%s", r.Items, tt.want)
		}
		r.SetItem("k", "other")
	}
}
