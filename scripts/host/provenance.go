package host

import (
	"slices"

	"registrar/engine"
)

// changed returns the names of the members that a script itself changed in the step of f. A change made before the base
// ran does not count if the base then changed the same member.
func (f *frame) changed(r *engine.Registration) []string {
	if !f.baseRan {
		return f.entry.TouchedSince(r)
	}
	names := f.after.TouchedSince(r)
	if !f.early {
		return names
	}
	early := f.entry.Touched(&f.before)
	if len(early) == 0 {
		return names
	}
	byBase := f.before.Changed(&f.after)
	for _, name := range early {
		if !slices.Contains(byBase, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// patchedRequest returns the names of the members of the request that a script itself changed in the step of f.
func (f *frame) patchedRequest(r *engine.Registration) []string {
	if !f.baseRan {
		return f.entry.TouchedRequestSince(r)
	}
	var names []string
	if f.early {
		names = f.entry.TouchedRequest(&f.before)
	}
	for _, name := range f.after.TouchedRequestSince(r) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
