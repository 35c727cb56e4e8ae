package discovery

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// warningsOf returns what in a document turns clients away that would register here, in words for the operator; nil
// means nothing.
func warningsOf(members map[string]jsontext.Value) []string {
	var warnings []string
	// RFC 8414 §2: left out, it means that the server has no PKCE. The Model Context Protocol's rules for authorization
	// have clients refuse such a server, and ask for S256.
	if list, there := listed(members, "code_challenge_methods_supported"); !slices.Contains(list, "S256") {
		warnings = append(warnings, "code_challenge_methods_supported "+fault(there, "S256")+
			": MCP clients refuse an authorization server without PKCE")
	}
	// RFC 8414 §2: left out, it means client_secret_basic.
	if list, there := listed(members, "token_endpoint_auth_methods_supported"); !slices.Contains(list, "none") {
		warnings = append(warnings, "token_endpoint_auth_methods_supported "+fault(there, "none")+
			": MCP clients, and other clients that cannot keep a secret, refuse an authorization server without none")
	}
	return warnings
}

// listed returns a list of strings, and whether the document has a member of that name.
func listed(members map[string]jsontext.Value, name string) (list []string, there bool) {
	value, there := members[name]
	if !there || value.Kind() == 'n' {
		return nil, false
	}
	if json.Unmarshal(value, &list) != nil {
		return nil, true
	}
	return list, true
}

// fault says that a list lacks a value.
func fault(there bool, value string) string {
	if !there {
		return "is missing"
	}
	return "does not list " + value
}
