package host

import (
	"slices"

	"registrar/engine"
)

// An interlude is what the base did in the middle of a script's step, which is not the script's doing.
type interlude struct{ before, after engine.Snapshot }

// changed names the members that a script changed in a step that began at entry: what it changed where its base did not
// run, or after it, and what it changed before and the base let be. No value is in it.
func (s *session) changed(entry *engine.Snapshot, base *interlude) []string {
	now := s.r.Snapshot()
	if base == nil {
		return entry.Touched(&now)
	}
	names := base.after.Touched(&now)
	early := entry.Touched(&base.before)
	if len(early) == 0 {
		return names
	}
	byBase := base.before.Changed(&base.after)
	for _, name := range early {
		if !slices.Contains(byBase, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
