package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A statementSite is an engine whose time and whose trust in a board tests change.
type statementSite struct {
	*Engine
	store *memory
	board issuer
	now   time.Time
	keys  func() ([]jose.JSONWebKey, error) // of the board
	patch string                            // of the client, after validate_software_statement; "" means none
	token Plaintext
	id    string
}

// newStatementSite returns a site with a client that has a statement, which is good for an hour.
func newStatementSite(t *testing.T, patch string) (*statementSite, string) {
	t.Helper()
	s := &statementSite{store: &memory{}, board: newIssuer("board"), now: arrival, patch: patch}
	s.keys = func() ([]jose.JSONWebKey, error) { return []jose.JSONWebKey{{Key: s.board.key.Public()}}, nil }
	s.Engine = newEngine(t, Config{Store: s.store, Options: Options{RegistrationEndpoint: endpoint},
		Now: func() time.Time { return s.now },
		StatementKeys: func(context.Context, string, string, jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
			return s.keys()
		},
		Overrides: override(func(_ *Registration, steps *Steps) {
			if s.patch == "" {
				return
			}
			steps.ValidateSoftwareStatement = func(_ context.Context, r *Registration) error {
				const step = "validate_software_statement"
				r.Client.Provenance.Acts = []Act{{Step: step, Changed: []string{"software_statement"}}}
				return r.PatchMetadata(Patcher{Step: step}, []byte(s.patch))
			}
		})})
	statement := s.board.sign(t, fmt.Sprintf(`{"iss":"board","client_name":"Claim","exp":%d}`,
		arrival.Add(time.Hour).Unix()), nil)
	request, err := ParseRequest([]byte(withStatement(statement)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Register(t.Context(), request, &Caller{Auth: AuthNone})
	if err != nil {
		t.Fatal(err)
	}
	s.token, s.id = r.Token, r.Client.ID
	return s, statement
}

// update sends a PUT with a statement and another client_name than the statement claims.
func (s *statementSite) update(t *testing.T, statement string) (*Registration, error) {
	t.Helper()
	current := s.store.clients[s.id]
	return s.Update(t.Context(), current, s.token, updateOf(t,
		`"redirect_uris":["https://app.example/cb"],"client_name":"Body","software_statement":"`+statement+`"`,
		current))
}

// An update with the registered statement works after the statement has expired, whatever its keys are now.
func TestRegisteredStatementStaysGood(t *testing.T) {
	s, statement := newStatementSite(t, "")
	s.now = arrival.Add(48 * time.Hour)
	for name, keys := range map[string]func() ([]jose.JSONWebKey, error){
		"the same keys": s.keys,
		"no key":        func() ([]jose.JSONWebKey, error) { return nil, nil },
		"another key": func() ([]jose.JSONWebKey, error) {
			return []jose.JSONWebKey{{Key: newIssuer("x").key.Public()}}, nil
		},
		"unavailable": func() ([]jose.JSONWebKey, error) { return nil, ErrUnavailable },
	} {
		s.keys = keys
		for range 2 { // an update of an update too
			r, err := s.update(t, statement)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if m := r.Client.Metadata; m.ClientName != "Claim" || m.SoftwareStatement != statement ||
				r.Statement == nil {
				t.Errorf("%s: got %q and %q, want the claims and the statement", name, m.ClientName,
					m.SoftwareStatement)
			}
		}
	}
	s.keys = func() ([]jose.JSONWebKey, error) { return nil, ErrUntrusted }
	_, err := s.update(t, statement)
	wantRefusal(t, err, UnapprovedSoftwareStatement, "'board' is not trusted")
}

// Only the registered statement is not verified again.
func TestOtherStatementsAreVerified(t *testing.T) {
	s, statement := newStatementSite(t, "")
	s.now = arrival.Add(48 * time.Hour)
	expired := fmt.Sprintf(`{"iss":"board","client_name":"Claim","exp":%d}`, arrival.Add(time.Hour).Unix()+1)
	_, err := s.update(t, s.board.sign(t, expired, nil))
	wantRefusal(t, err, InvalidSoftwareStatement, "has expired")
	_, err = s.update(t, newIssuer("other").sign(t, `{"iss":"board"}`, nil))
	wantRefusal(t, err, InvalidSoftwareStatement, "not signed by a key")
	swapped := strings.NewReplacer("A", "B", "B", "A").Replace(statement[strings.LastIndex(statement, "."):])
	_, err = s.update(t, strings.Replace(statement, statement[strings.LastIndex(statement, "."):], swapped, 1))
	wantRefusal(t, err, InvalidSoftwareStatement, "not signed by a key")

	// A new client cannot use the statement of another.
	request, err := ParseRequest([]byte(withStatement(statement)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Register(t.Context(), request, &Caller{Auth: AuthNone})
	wantRefusal(t, err, InvalidSoftwareStatement, "has expired")

	// After an update without it, the statement is not the registered one.
	current := s.store.clients[s.id]
	if _, err := s.Update(t.Context(), current, s.token,
		updateOf(t, `"redirect_uris":["https://app.example/cb"]`, current)); err != nil {
		t.Fatal(err)
	}
	_, err = s.update(t, statement)
	wantRefusal(t, err, InvalidSoftwareStatement, "has expired")
}

// A statement that a script set was not verified.
func TestStatementOfAScriptIsVerified(t *testing.T) {
	forged := newIssuer("other").sign(t, `{"iss":"board","client_name":"Forged"}`, nil)
	patch := `{"software_statement":"` + forged + `"}`
	s, _ := newStatementSite(t, patch)
	update := func() error { _, err := s.update(t, forged); return err }
	s.patch = ""
	wantRefusal(t, update(), InvalidSoftwareStatement, "not signed by a key")
	s.patch = patch
	if err := update(); err != nil {
		t.Fatal(err)
	}
	s.patch = ""
	wantRefusal(t, update(), InvalidSoftwareStatement, "not signed by a key")
}
