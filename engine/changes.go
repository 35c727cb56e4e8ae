package engine

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Current reports whether no script has changed r since s was taken. No built-in step may have run in between.
func (s *Snapshot) Current(r *Registration) bool {
	return s.patches == r.patches && s.sets == r.sets && s.request == r.Request && s.client.ID == r.Client.ID &&
		s.client.Secret == r.Client.Secret
}

// Touched returns the names of the members that a script changed between s and later, in the order of a response; never
// their values. No built-in step may have run in between, since Touched compares metadata only if a patch was applied.
func (s *Snapshot) Touched(later *Snapshot) []string {
	names := s.credentials(&later.client)
	if s.patches != later.patches {
		a, b := s.client.Metadata, later.client.Metadata // reflection would put the snapshots on the heap
		names = append(names, changedMembers(&a, &b)...)
	}
	return names
}

// TouchedRequest returns the names of the members of the request that a script changed between s and later, as Touched
// does for those of the client.
func (s *Snapshot) TouchedRequest(later *Snapshot) []string {
	if s.request == later.request {
		return nil
	}
	return changedMembers(&s.request.Metadata, &later.request.Metadata)
}

// TouchedRequestSince is TouchedRequest between s and r as it is.
func (s *Snapshot) TouchedRequestSince(r *Registration) []string {
	if s.request == r.Request {
		return nil
	}
	return changedMembers(&s.request.Metadata, &r.Request.Metadata)
}

// TouchedSince is Touched between s and r as it is, without another snapshot.
func (s *Snapshot) TouchedSince(r *Registration) []string {
	names := s.credentials(r.Client)
	if s.patches != r.patches {
		a := s.client.Metadata // reflection would put the snapshot on the heap
		names = append(names, changedMembers(&a, &r.Client.Metadata)...)
	}
	return names
}

// Changed is like Touched, but reports the changes of built-in steps too.
func (s *Snapshot) Changed(later *Snapshot) []string {
	a, b := s.client.Metadata, later.client.Metadata
	return append(s.credentials(&later.client), changedMembers(&a, &b)...)
}

// credentials returns which of client_id and client_secret differ. A secret that is set again counts as different.
func (s *Snapshot) credentials(later *Client) []string {
	var names []string
	if s.client.ID != later.ID {
		names = append(names, "client_id")
	}
	if s.client.Secret != later.Secret {
		names = append(names, "client_secret")
	}
	return names
}

// changedMembers returns the names of the members whose values differ, in the order of the fields.
func changedMembers(before, after *Metadata) []string {
	var names []string
	a, b := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	for i := range a.NumField() {
		if sameMember(a.Field(i).Addr().Interface(), b.Field(i).Addr().Interface()) {
			continue
		}
		if name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return append(names, changedOthers(before.Other, after.Other)...)
}

func changedOthers(before, after map[string]jsontext.Value) []string {
	var names []string
	for name, value := range after {
		if old, there := before[name]; !there || !sameValue(old, value) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sameMember reports whether two metadata fields are equal, given pointers to them.
func sameMember(before, after any) bool {
	switch a := before.(type) {
	case *string:
		return *a == *after.(*string)
	case *[]string:
		return slices.Equal(*a, *after.(*[]string))
	case **int64:
		return samePointer(*a, *after.(**int64))
	case **bool:
		return samePointer(*a, *after.(**bool))
	case *jsontext.Value:
		return sameValue(*a, *after.(*jsontext.Value))
	case *map[string]jsontext.Value:
		return true // changedOthers compares these
	}
	return reflect.DeepEqual(before, after)
}

func samePointer[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// sameValue reports whether two JSON values are equal except for white space, the order of members and the escaping of
// strings, which a patch changes in values that it does not touch.
func sameValue(a, b jsontext.Value) bool {
	if bytes.Equal(a, b) {
		return true
	}
	a, b = a.Clone(), b.Clone()
	errA, errB := a.Format(jsontext.ReorderRawObjects(true)), b.Format(jsontext.ReorderRawObjects(true))
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
