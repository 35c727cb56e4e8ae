package engine

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Reserved reports whether name is a member that only the server sets (RFC 7591 §3.2.1, RFC 7592 §3): no request and no
// patch of a script can, whatever else may be echoed.
func Reserved(name string) bool {
	switch name {
	case "client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at",
		"registration_access_token", "registration_client_uri":
		return true
	}
	return false
}

// KnownMember reports whether Metadata has a field of that name, or it is a language-tagged form of one. Other members are
// extensions.
func KnownMember(name string) bool {
	if _, _, ok := localized(name); ok {
		return true
	}
	return slices.Contains(memberNames(), name)
}

// memberNames returns the names of the members that have a field in Metadata, in the order of the fields. Nobody may change
// them.
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
