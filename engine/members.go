package engine

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Reserved reports whether only the server sets the member of that name (RFC 7591 §3.2.1, RFC 7592 §3). Requests,
// patches and EchoExtensions cannot set it.
func Reserved(name string) bool {
	switch name {
	case "client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at",
		"registration_access_token", "registration_client_uri":
		return true
	}
	return false
}

// KnownMember reports whether name is a member with a field in Metadata, or a language-tagged form of one. Other
// members are extensions.
func KnownMember(name string) bool {
	if _, _, ok := localized(name); ok {
		return true
	}
	return slices.Contains(memberNames(), name)
}

// memberNames returns the names of the members that have a field in Metadata, in the order of the fields. Callers must
// not modify the slice.
var memberNames = sync.OnceValue(func() []string {
	t := reflect.TypeFor[Metadata]()
	names := make([]string, 0, t.NumField()-1)
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
})
