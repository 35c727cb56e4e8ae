package engine

import (
	"context"
	"fmt"
	"slices"
)

// manyValues is the number of values from which a map is faster than comparing each with the others.
const manyValues = 32

// A distinct list holds strings, each once.
type distinct struct {
	values []string
	known  map[string]bool // of values, once there are many
}

// add appends s unless the list holds it.
func (d *distinct) add(s string) {
	switch {
	case d.known == nil && slices.Contains(d.values, s) || d.known[s]:
		return
	case d.known != nil:
		d.known[s] = true
	case len(d.values) == manyValues-1:
		d.known = make(map[string]bool)
		for _, v := range d.values {
			d.known[v] = true
		}
		d.known[s] = true
	}
	d.values = append(d.values, s)
}

// firstRepeat returns the index of the first value that an earlier one equals, or -1.
func firstRepeat(list []string) int {
	if len(list) <= manyValues {
		for i, s := range list {
			if slices.Contains(list[:i], s) {
				return i
			}
		}
		return -1
	}
	known := make(map[string]bool, len(list))
	for i, s := range list {
		if known[s] {
			return i
		}
		known[s] = true
	}
	return -1
}

// withoutRepeats returns the values of a list, each at its first place: list itself if none repeats.
func withoutRepeats(list []string) []string {
	if firstRepeat(list) < 0 {
		return list
	}
	var d distinct
	for _, s := range list {
		d.add(s)
	}
	return d.values
}

// dropRepeats drops repeated values from lists that no step reads by index.
func (m *Metadata) dropRepeats() {
	for _, l := range listMembers {
		if !l.uris {
			m.dropRepeatsOf(l)
		}
	}
}

// dropAllRepeats drops repeated values from all lists.
func (m *Metadata) dropAllRepeats() {
	for _, l := range listMembers {
		m.dropRepeatsOf(l)
	}
}

func (m *Metadata) dropRepeatsOf(l listMember) {
	if values := l.values(m); len(*values) > 1 {
		*values = withoutRepeats(*values)
	}
}

// dropRepeatedURIs drops the repeated values that are left after validation. It is not a step: it runs after the
// validation steps, which name a wrong URI by its index in the list as sent.
func dropRepeatedURIs(_ context.Context, r *Registration) error {
	r.Client.Metadata.dropAllRepeats()
	return nil
}

// checkRepeats checks that no value is in a list twice.
func checkRepeats(r *Registration) error {
	for _, l := range listMembers {
		values := *l.values(&r.Client.Metadata)
		if i := firstRepeat(values); i >= 0 {
			return fmt.Errorf("%s[%d] repeats '%s'", l.name, i, values[i])
		}
	}
	return nil
}
