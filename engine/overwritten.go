package engine

import (
	"cmp"
	"context"
	"slices"
)

// An Overwritten is a member that a script patched in the client, and that a later built-in step set to another value.
// So the patch had no effect; see [Registration.PatchRequest].
type Overwritten struct {
	Member string
	Patcher
	By string // name of the built-in step
}

// maxWatched bounds the patched members that a registration watches. It is above the number of members with a field;
// further ones, language-tagged or extension members, are not watched.
const maxWatched = 128

// A watchedMember is a member that a script patched.
type watchedMember struct {
	Overwritten        // By is empty until a built-in step overwrites the member
	setters     uint32 // the built-in steps that set the member, as bits, by their numbers
	depth       int    // number of built-in steps that were running when the script patched
}

// Overwritten returns the members that scripts patched in vain, in the order of the steps that overwrote them. Changes
// that were discarded do not count. It returns nil if there are none.
func (r *Registration) Overwritten() []Overwritten {
	var list []Overwritten
	for i := range r.watched {
		if r.watched[i].By != "" {
			list = append(list, r.watched[i].Overwritten)
		}
	}
	slices.SortFunc(list, func(a, b Overwritten) int {
		return cmp.Or(cmp.Compare(stepNumber(a.By), stepNumber(b.By)), cmp.Compare(a.Member, b.Member))
	})
	return list
}

// watch notes that by patched members of the client. Snapshots share r.watched, so it is replaced, not modified.
func (r *Registration) watch(by Patcher, members []string) {
	shared := true
	for _, name := range members {
		w := watchedMember{Overwritten{Member: name, Patcher: by}, settersOf(name), r.depth}
		i := slices.IndexFunc(r.watched, func(old watchedMember) bool { return old.Member == name && old.By == "" })
		if w.setters == 0 || i >= 0 && r.watched[i] == w || i < 0 && len(r.watched) >= maxWatched {
			continue
		}
		if shared {
			r.watched = append(make([]watchedMember, 0, min(len(r.watched)+len(members), maxWatched)), r.watched...)
			shared = false
		}
		if i >= 0 {
			r.watched[i] = w
		} else {
			r.watched = append(r.watched, w)
		}
	}
}

// runBuiltin runs the built-in step of a number in StepTable. It notes that the step has begun, and which patches of
// scripts the step overwrites.
func (r *Registration) runBuiltin(ctx context.Context, number int, step StepFunc) error {
	r.reached = max(r.reached, number+1)
	watched := r.watched
	if !slices.ContainsFunc(watched, func(w watchedMember) bool { return r.watches(&w, number) }) {
		r.depth++
		err := step(ctx, r)
		r.depth--
		return err
	}
	before := r.Client.Metadata
	r.depth++
	err := step(ctx, r)
	r.depth--
	if err != nil {
		return err // it has no effect
	}
	after := r.Client.Metadata
	changed := changedMembers(&before, &after)
	if stepNames()[number] == stepSetDefaultScopes && wordsIn(before.Scope, after.Scope) {
		return nil // it added to the scopes
	}
	for _, w := range watched {
		if r.watches(&w, number) && slices.Contains(changed, w.Member) {
			r.noteOverwritten(w, stepNames()[number])
		}
	}
	return nil
}

// watches reports whether the step that begins now may overwrite a patch. A nested step does not overwrite what was
// patched before the step that runs it began: that step does.
func (r *Registration) watches(w *watchedMember, number int) bool {
	return w.By == "" && w.setters&(1<<number) != 0 && w.depth >= r.depth
}

// noteOverwritten notes that a built-in step has overwritten a patch. A script that the step ran may have patched the
// member again meanwhile.
func (r *Registration) noteOverwritten(w watchedMember, by string) {
	i := slices.Index(r.watched, w)
	r.watched = slices.Clone(r.watched)
	w.By = by
	if i < 0 {
		r.watched = append(r.watched, w)
		return
	}
	r.watched[i] = w
}
