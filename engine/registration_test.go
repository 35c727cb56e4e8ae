package engine

import "testing"

// A store may keep the acts of a registration whose ID was taken. Those of the next attempt are others.
func TestRestoreKeepsEarlierActs(t *testing.T) {
	r := &Registration{Client: &Client{Provenance: Provenance{Acts: make([]Act, 0, 4)}}}
	s := r.Snapshot()
	r.Client.Provenance.Acts = append(r.Client.Provenance.Acts, Act{Step: "first"})
	kept := r.Client.Provenance.Acts
	r.Restore(s)
	r.Client.Provenance.Acts = append(r.Client.Provenance.Acts, Act{Step: "second"})
	if kept[0].Step != "first" {
		t.Errorf("the act kept from the first attempt is that of %q now", kept[0].Step)
	}
}
