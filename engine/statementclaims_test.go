package engine

import (
	"strings"
	"testing"
)

// A claim that is null or "" replaces nothing, also a tagged one.
func TestEmptyClaimsAreLeftOut(t *testing.T) {
	board := newIssuer("board")
	for _, empty := range []string{"null", `""`} {
		statement := board.sign(t, strings.ReplaceAll(`{"iss":"board","client_name":~,"client_name#fr":~,"logo_uri":~,
			"software_id":~,"software_version":~,"tier":~,"redirect_uris":~,"jwks":~,"default_max_age":~}`, "~", empty), nil)
		got, err := register(t, board.trusting(Options{EchoExtensions: []string{"tier"}}), withStatement(statement))
		if err != nil {
			t.Errorf("%s: %v", empty, err)
			continue
		}
		checkMembers(t, got, `{"client_name":"Body","client_name#fr":"Corps","logo_uri":"https://app.example/logo",
			"software_id":"body","software_version":null,"tier":"body","redirect_uris":["https://app.example/cb"],
			"jwks":null,"default_max_age":null}`)
	}
}

// The software_version of a statement may be a number, whose text is registered as it was signed.
func TestSoftwareVersionOfANumber(t *testing.T) {
	board := newIssuer("board")
	for written, want := range map[string]string{`1.5`: "1.5", `1.50`: "1.50", `2`: "2", `-0`: "-0", `1E400`: "1E400",
		`12345678901234567890`: "12345678901234567890", `"1.5"`: "1.5"} {
		got, err := register(t, board.trusting(Options{}),
			withStatement(board.sign(t, `{"iss":"board","software_version": `+written+` }`, nil)))
		if err != nil || got["software_version"] != want {
			t.Errorf("%s: got %v and %v, want %q", written, got["software_version"], err, want)
		}
	}
	for _, wrong := range []string{`true`, `[1.5]`, `{}`} {
		_, err := register(t, board.trusting(Options{}),
			withStatement(board.sign(t, `{"iss":"board","software_version":`+wrong+`}`, nil)))
		wantRefusal(t, err, InvalidSoftwareStatement, "software_version must be a string")
	}
	_, err := register(t, Config{}, `{"redirect_uris":["https://app.example/cb"],"software_version":1.5}`)
	wantRefusal(t, err, InvalidClientMetadata, "software_version must be a string")
}
