package host

import (
	"slices"

	"registrar/engine"
)

// An interlude records the registration before and after the base ran within a script's step. It separates the changes
// of the base from those of the script.
type interlude struct{ before, after engine.Snapshot }

// changed returns the names of the members that a script itself changed in a step that began at entry. A change made
// before the base ran does not count if the base then changed the same member.
func (s *session) changed(entry *engine.Snapshot, base *interlude) []string {
	if base == nil {
		return entry.TouchedSince(s.r)
	}
	names := base.after.TouchedSince(s.r)
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

// patchedRequest returns the names of the members of the request that a script itself changed in a step that began at
// entry.
func (s *session) patchedRequest(entry *engine.Snapshot, base *interlude) []string {
	if base == nil {
		return entry.TouchedRequestSince(s.r)
	}
	names := entry.TouchedRequest(&base.before)
	for _, name := range base.after.TouchedRequestSince(s.r) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
