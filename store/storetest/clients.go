package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"registrar/engine"
	"registrar/store"
)

func mustAdd(t testing.TB, s *store.Store, clients ...*engine.Client) {
	t.Helper()
	for _, c := range clients {
		if err := s.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func mustGet(t testing.TB, s *store.Store, id string) *engine.Client {
	t.Helper()
	c, err := s.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compare fails the test unless got equals want in every field. Nil lists and empty lists differ.
func compare(t testing.TB, want, got *engine.Client) {
	t.Helper()
	diff := cmp.Diff(want, got, cmpopts.EquateComparable(want.Caller.IP), cmpopts.IgnoreUnexported(engine.Client{}))
	if diff != "" {
		t.Errorf("client %q, want (-) and got (+):\n%s", want.ID, diff)
	}
}

func testEverything(t *testing.T, database string) {
	s := open(t, database)
	want := fullClient(t, "everything")
	mustAdd(t, s, want)
	compare(t, want, mustGet(t, s, want.ID))
	list, err := s.Clients(t.Context(), engine.ClientFilter{}, 0, 0)
	if err != nil || len(list.Clients) != 1 {
		t.Fatalf("listing: got %d clients and %v, want one", len(list.Clients), err)
	}
	compare(t, want, list.Clients[0])
}

func testNullAgainstEmpty(t *testing.T, database string) {
	s := open(t, database)
	bare := &engine.Client{ID: "bare", IssuedAt: time.Now().UTC().Truncate(time.Microsecond),
		Caller: engine.Caller{Auth: engine.AuthNone}}
	empty := newClient("empty")
	empty.Metadata = engine.Metadata{RedirectURIs: []string{}, GrantTypes: []string{}, DefaultMaxAge: new(int64(0)),
		RequireAuthTime: new(false)}
	empty.Caller.Scopes = []string{}
	empty.Secret = &engine.Secret{}
	mustAdd(t, s, bare, empty)
	compare(t, bare, mustGet(t, s, "bare"))
	compare(t, empty, mustGet(t, s, "empty"))

	var name, hash, salt, expires, previous bool
	err := raw(t, database).QueryRow(`SELECT client_name IS NULL, secret_hash IS NULL, secret_salt IS NULL,
		secret_expires_at IS NULL, previous IS NULL FROM clients WHERE client_id = 'bare'`).
		Scan(&name, &hash, &salt, &expires, &previous)
	if err != nil {
		t.Fatal(err)
	}
	if !name || !hash || !salt || !expires || !previous {
		t.Errorf("NULL in client_name, secret_hash, secret_salt, secret_expires_at, previous of a bare client: "+
			"got %t %t %t %t %t, want true", name, hash, salt, expires, previous)
	}
}

func testUTF8(t *testing.T, database string) {
	s := open(t, database)
	want := newClient("utf8")
	want.Metadata.ClientName = "🦀 𝄞 \u200d e\u0301 é \U0010FFFF"
	want.Metadata.Contacts = []string{"🔑@example.com", "\u2028"}
	mustAdd(t, s, want)
	compare(t, want, mustGet(t, s, "utf8"))
}

func testLookalikes(t *testing.T, database string) {
	s := open(t, database)
	for _, text := range []string{
		"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678Z", "1e3", "0x10", "007", "NULL", "true", "'; DROP",
	} {
		want := newClient(strings.ReplaceAll(text, " ", ""))
		want.Metadata.ClientName = text
		mustAdd(t, s, want)
		compare(t, want, mustGet(t, s, want.ID))
	}
}

func testTimes(t *testing.T, database string) {
	s := open(t, database)
	tokyo := time.FixedZone("Tokyo", 9*3600)
	for i, issued := range []time.Time{
		time.Date(2026, 1, 1, 0, 30, 0, 999_999_999, tokyo), // the day before in UTC; must not be rounded up
		time.Date(2026, 6, 30, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 29, 2, 30, 0, 1000, time.UTC), // does not exist in places with summer time
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		c := newClient(fmt.Sprint("time-", i))
		c.IssuedAt = issued
		c.Secret = &engine.Secret{ExpiresAt: issued.Truncate(time.Second)}
		mustAdd(t, s, c)
		got := mustGet(t, s, c.ID)
		want := issued.UTC().Truncate(time.Microsecond)
		if got.IssuedAt != want {
			t.Errorf("issued at %v: got %v, want %v", issued, got.IssuedAt, want)
		}
		if want := issued.UTC().Truncate(time.Second); got.Secret.ExpiresAt != want {
			t.Errorf("expires at %v: got %v, want %v", issued, got.Secret.ExpiresAt, want)
		}
	}
	c := newClient("no-time")
	c.IssuedAt = time.Time{}
	if err := s.AddClient(t.Context(), c); err == nil {
		t.Error("a client without a time: got no error, want one")
	}
}

func testOneWinner(t *testing.T, database string) {
	s := open(t, database)
	for round := range 10 {
		id := fmt.Sprint("wanted-", round)
		creators := make([]*engine.Client, 8)
		errs := make([]error, len(creators))
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range creators {
			creators[i] = newClient(id)
			done.Go(func() {
				start.Wait()
				errs[i] = s.AddClient(t.Context(), creators[i])
			})
		}
		start.Done()
		done.Wait()
		winner := uuid.Nil
		for i, err := range errs {
			switch {
			case err == nil && winner == uuid.Nil:
				winner = creators[i].RegistrationID
			case !errors.Is(err, engine.ErrExists):
				t.Errorf("creator %d: got %v, want %v", i, err, engine.ErrExists)
			}
		}
		if got := mustGet(t, s, id).RegistrationID; got != winner {
			t.Errorf("client %s: registration %s is stored, but %s succeeded", id, got, winner)
		}
	}
}

func testAddAgain(t *testing.T, database string) {
	s := open(t, database)
	c := newClient("again")
	mustAdd(t, s, c, c) // the same registration, sent twice
	other := newClient("again")
	if err := s.AddClient(t.Context(), other); !errors.Is(err, engine.ErrExists) ||
		errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("another registration of the ID: got %v, want %v", err, engine.ErrExists)
	}
	compare(t, c, mustGet(t, s, "again"))
}

func testSequence(t *testing.T, database string) {
	s, other := open(t, database), open(t, database)
	mustAdd(t, s, newClient("a"), newClient("b"))
	mustAdd(t, other, newClient("c"), newClient("d"))
	rows, err := raw(t, database).Query("SELECT writer, sequence, event FROM clients ORDER BY client_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	var writers [][]byte
	for rows.Next() {
		var writer []byte
		var sequence int
		var event string
		if err := rows.Scan(&writer, &sequence, &event); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, writer)
		got = append(got, fmt.Sprint(len(writer), " ", sequence, " ", event))
	}
	want := []string{"16 1 registered", "16 2 registered", "16 1 registered", "16 2 registered"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("length of the writer, sequence and event, want (-) and got (+):\n%s", diff)
	}
	if len(writers) == 4 && (string(writers[0]) != string(writers[1]) || string(writers[1]) == string(writers[2])) {
		t.Errorf("writers: got %x, want one for each store", writers)
	}
}

func testCancelled(t *testing.T, database string) {
	s := open(t, database)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.AddClient(ctx, newClient("late"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("adding: got %v, want %v", err, context.Canceled)
	}
	wantExists(t, s, "late", false)
	calls := map[string]func() error{
		"Client": func() error { _, err := s.Client(ctx, "late"); return err },
		"Clients": func() error {
			_, err := s.Clients(ctx, engine.ClientFilter{Query: "late"}, 0,
				0)
			return err
		},
		"DeleteClient":      func() error { return s.DeleteClient(ctx, "late") },
		"Modules":           func() error { _, err := s.Modules(ctx); return err },
		"DeleteModule":      func() error { return s.DeleteModule(ctx, "late") },
		"AddDeployment":     func() error { _, err := s.AddDeployment(ctx, newDeployment(), nil); return err },
		"CurrentDeployment": func() error { _, err := s.CurrentDeployment(ctx); return err },
		"AddAdminToken":     func() error { _, err := s.AddAdminToken(ctx, newToken("late", 1)); return err },
		"Ping":              func() error { return s.Ping(ctx) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := s.AddClient(late, newClient("late")); !errors.Is(err, engine.ErrUnavailable) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("adding after the deadline: got %v, want %v and %v", err, engine.ErrUnavailable,
			context.DeadlineExceeded)
	}
	wantExists(t, s, "late", false)
}

func testCancelledLater(t *testing.T, database string) {
	s := open(t, database)
	var stored, not atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 25 {
				id := fmt.Sprintf("%d-%d", worker, i)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration(rand.IntN(1500))*time.Microsecond, cancel)
				err := s.AddClient(ctx, newClient(id))
				switch {
				case err == nil:
					stored.Add(1)
				case errors.Is(err, context.Canceled) && !errors.Is(err, engine.ErrUnavailable):
					not.Add(1)
				default:
					t.Errorf("adding: got %v, want success or %v", err, context.Canceled)
				}
				wantExists(t, s, id, err == nil)
				cancel()
			}
		})
	}
	wg.Wait()
	t.Logf("%d stored, %d cancelled", stored.Load(), not.Load())
}

func testDeleteClient(t *testing.T, database string) {
	s := open(t, database)
	mustAdd(t, s, newClient("x"), newClient("X"))
	if err := s.DeleteClient(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteClient(t.Context(), "x"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleting again: got %v, want %v", err, engine.ErrNotFound)
	}
	wantExists(t, s, "X", true)
	mustAdd(t, s, newClient("x")) // the ID is free again
}

func testNoPlaintext(t *testing.T, database string) {
	s := open(t, database)
	plain := []engine.Plaintext{"random-XJ3kfnw83mfkekrmtkdleorptkmd", "chosen-by-a-person-who-reuses-passwords"}
	a, b := fullClient(t, "a"), fullClient(t, "b")
	a.Secret = engine.HashSecret(plain[0])
	var err error
	if b.Secret, err = engine.SaltSecret(plain[1], rand.NewChaCha8([32]byte{1})); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, a, b)
	mustAddModule(t, s, "wasm")
	names := 0
	EachValue(t, database, func(table, column string, value []byte) {
		if strings.Contains(string(value), a.Metadata.ClientName) {
			names++ // shows that this test would find a secret
		}
		for _, p := range plain {
			if strings.Contains(string(value), p.Reveal()) {
				t.Errorf("%s.%s holds a secret: %q", table, column, value)
			}
		}
	})
	if names != 2 {
		t.Errorf("names of the two clients: got %d, want 2", names)
	}
	for i, id := range []string{"a", "b"} {
		if !mustGet(t, s, id).Secret.Verify(plain[i], a.IssuedAt) {
			t.Errorf("the stored secret of client %s does not verify", id)
		}
	}
}
