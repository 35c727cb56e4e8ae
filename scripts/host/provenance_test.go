package host_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
)

// What a script changed before its base ran stays if the base refuses and the script overrules it. It is not the
// script's change if the base changed it again.
func TestChangesBeforeTheBase(t *testing.T) {
	t.Parallel()
	const early = `patch({ redirect_uris: ["https://app.example/early"] }); setItem("k", "v"); `
	for _, tt := range []struct {
		name, script, sent string
		uri, item          string
		changed            []string
	}{
		{name: "the base refuses", script: early + `tryBase();`, sent: "https://app.example/#f",
			uri: "https://app.example/early", item: "v", changed: []string{"redirect_uris"}},
		{name: "the base overwrites", script: early + `base();`, sent: "https://app.example/sent",
			uri: "https://app.example/sent", item: "v"},
		{name: "only an item, and the base refuses", sent: "https://app.example/#f",
			script: `setItem("k", "v"); tryBase(); patch({ redirect_uris: ["https://app.example/late"] });`,
			uri:    "https://app.example/late", item: "v", changed: []string{"redirect_uris"}},
		{name: "the base runs first", script: `base(); ` + early, sent: "https://app.example/sent",
			uri: "https://app.example/early", item: "v", changed: []string{"redirect_uris"}},
		{name: "the client is read again after the base", sent: "https://app.example/sent",
			script: `const before = registrar.client.redirect_uris; base();
  setItem("k", JSON.stringify([before, registrar.client.redirect_uris]));`,
			uri: "https://app.example/sent", item: `[[],["https://app.example/sent"]]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Options{})
			script := b.packed("early", `export function set_redirect_uris(registrar) {
  const { patch, setItem, base, tryBase } = registrar;
  `+tt.script+`
}`)
			b.deploy(script)
			r, err := b.register(`{"redirect_uris":["` + tt.sent + `"]}`)
			if err != nil {
				t.Fatal(err)
			}
			want := []engine.Act{{Step: "set_redirect_uris", Script: "early", Module: script.Module,
				Changed: tt.changed}}
			if diff := cmp.Diff(want, r.Client.Provenance.Acts); diff != "" {
				t.Errorf("acts, want (-) and got (+):\n%s", diff)
			}
			if uris := r.Client.Metadata.RedirectURIs; len(uris) != 1 || uris[0] != tt.uri || r.Items["k"] != tt.item {
				t.Errorf("got the redirect URIs %q and the item %q, want %q and %q", uris, r.Items["k"], tt.uri,
					tt.item)
			}
		})
	}
}
