package engine

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// A statement of an issuer that makes access tokens too names software and no client.
func TestAccessTokensAreNoStatements(t *testing.T) {
	board := newIssuer("board")
	both := board.trusting(Options{})
	both.TokenIssuer = func(issuer string) bool { return issuer == "board" }
	for claims, want := range map[string]string{
		`{"iss":"board"}`:                                                "has no software_id",
		`{"iss":"board","software_id":null}`:                             "has no software_id",
		`{"iss":"board","software_id":""}`:                               "has no software_id",
		`{"iss":"board","software_id":"a","client_id":"b"}`:              "must not have a client_id",
		`{"iss":"board","software_id":"a","azp":"b"}`:                    "must not have an azp",
		`{"iss":"board","software_id":"a"}`:                              "",
		`{"iss":"board","software_id":"a","client_id":null,"azp":""}`:    "",
		`{"iss":"board","sub":"s","scope":"registration","client_id":1}`: "has no software_id",
	} {
		for _, typ := range []map[jose.HeaderKey]any{nil, {"typ": "JWT"}} {
			body := withStatement(board.sign(t, claims, typ))
			_, err := register(t, both, body)
			if want == "" && err != nil {
				t.Errorf("%s: %v", claims, err)
			} else if want != "" {
				wantRefusal(t, err, InvalidSoftwareStatement, want)
			}
			if _, err := register(t, board.trusting(Options{}), body); err != nil {
				t.Errorf("%s of an issuer of statements only: %v", claims, err)
			}
		}
	}
}
