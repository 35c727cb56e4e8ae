package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
)

// pause has a private server do nothing until resume.
func pause(t testing.TB, s *storetest.Server) {
	t.Helper()
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
}

func resume(t testing.TB, s *storetest.Server) {
	t.Helper()
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
}

// inTime returns what f returns, and fails the test if that takes a quarter of a minute.
func inTime(t testing.TB, what string, f func() error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(15 * time.Second):
		t.Fatalf("%s still waits for the database", what)
		return nil
	}
}

// While the server is stopped, every call returns by its deadline. An INSERT that the server runs later has its row
// removed, and until then its ID is neither free nor taken.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	s := open(t, store.Config{Database: "mysql:" + server.Database(t)})
	stored := newClient("stored")
	if err := s.AddClient(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	pause(t, server)
	within := func(timeout time.Duration, f func(ctx context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			return f(ctx)
		}
	}
	add := func(c *engine.Client) func() error { // in time for its statement to be sent
		return within(2*time.Second, func(ctx context.Context) error { return s.AddClient(ctx, c) })
	}
	if err := inTime(t, "AddClient", add(newClient("doubtful"))); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
	if s.InDoubt() != 1 {
		t.Fatalf("%d clients are in doubt, want 1", s.InDoubt())
	}
	if err := inTime(t, "AddClient", add(newClient("doubtful"))); !errors.Is(err, engine.ErrUnavailable) ||
		errors.Is(err, engine.ErrExists) {
		t.Errorf("the same ID: got %v, want %v", err, engine.ErrUnavailable)
	}
	for name, call := range map[string]func(ctx context.Context) error{
		"Client": func(ctx context.Context) error { _, err := s.Client(ctx, "stored"); return err },
		"Clients": func(ctx context.Context) error {
			_, err := s.Clients(ctx, engine.ClientFilter{Query: "x"}, 0, 0)
			return err
		},
		"DeleteClient": func(ctx context.Context) error { return s.DeleteClient(ctx, "stored") },
		"UpdateClient": func(ctx context.Context) error { return s.UpdateClient(ctx, stored) },
		"Ping":         s.Ping,
	} {
		if err := inTime(t, name, within(300*time.Millisecond, call)); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, engine.ErrUnavailable)
		}
	}
	resume(t, server)
	await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })
	if exists(t, s, "doubtful") {
		t.Error("the client that was not acknowledged is stored")
	}
	if err := s.AddClient(t.Context(), newClient("doubtful")); err != nil {
		t.Errorf("the same ID afterwards: %v", err)
	}
}

// A load of registrations goes on while the server is stopped, some of them with a token of limited uses, and some of
// the connections are killed. Afterwards exactly the acknowledged clients are stored, and the token has lost exactly
// their uses.
func TestStoppedServerUnderLoad(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	database := "mysql:" + server.Database(t)
	s := open(t, store.Config{Database: database, Connections: 12})
	const uses = 1_000_000
	token := &engine.InitialAccessToken{ID: "token", MaxUses: uses, CreatedAt: time.Now()}
	if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acknowledged, refused := map[string]bool{}, 0
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for worker := range 48 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c := newClient(fmt.Sprintf("%d-%d", worker, i))
				if worker%3 == 0 {
					c.Caller = token.Caller()
				}
				call, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				err := s.AddClient(call, c)
				cancel()
				mu.Lock()
				if err == nil {
					acknowledged[c.ID] = true
				} else {
					refused++
				}
				mu.Unlock()
				if err != nil && !errors.Is(err, engine.ErrUnavailable) {
					t.Errorf("got %v, want success or %v", err, engine.ErrUnavailable)
				}
			}
		})
	}
	count := func() (int, int) { mu.Lock(); defer mu.Unlock(); return len(acknowledged), refused }
	root, err := sql.Open("mysql", server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for round := range 4 {
		good, bad := count()
		await(t, "acknowledged clients", func() bool { now, _ := count(); return now >= good+50 })
		if round%2 == 1 {
			killConnections(t, root)
		}
		pause(t, server)
		await(t, "refused clients", func() bool { _, now := count(); return now >= bad+60 })
		resume(t, server)
	}
	good, _ := count()
	await(t, "acknowledged clients", func() bool { now, _ := count(); return now >= good+50 })
	stop()
	wg.Wait()
	await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })

	stored := allIDs(t, s)
	limited := 0
	for id, c := range stored {
		if !acknowledged[id] {
			t.Errorf("client %s is stored, but was not acknowledged", id)
		}
		if c.Caller.TokenID != "" {
			limited++
		}
	}
	for id := range acknowledged {
		if stored[id] == nil {
			t.Errorf("client %s was acknowledged, but is not stored", id)
		}
	}
	got, err := s.InitialAccessToken(t.Context(), token.Hash)
	if err != nil || got.UsesLeft != int64(uses-limited) {
		t.Errorf("%d uses are left, %v; want %d", got.UsesLeft, err, uses-limited)
	}
	removed, absent := s.Settled()
	if removed+absent == 0 {
		t.Error("no client was in doubt")
	}
	t.Logf("%d acknowledged, %d with the token; %d refused, of which %d were removed and %d absent",
		len(acknowledged), limited, refused, removed, absent)
}

// killConnections ends half of the other connections to a server.
func killConnections(t testing.TB, root *sql.DB) {
	t.Helper()
	rows, err := root.Query("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = " +
		"'root'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if rand.N(2) == 0 {
			_, _ = root.Exec(fmt.Sprintf("KILL CONNECTION %d", id)) // it may have ended
		}
	}
}

// allIDs returns all stored clients by their IDs.
func allIDs(t testing.TB, s *store.Store) map[string]*engine.Client {
	t.Helper()
	stored := map[string]*engine.Client{}
	for before := int64(0); ; {
		page, err := s.Clients(t.Context(), engine.ClientFilter{}, before, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Clients {
			stored[c.ID] = c
		}
		if before = page.Next; before == 0 {
			return stored
		}
	}
}

// While another process holds the lock of a SQLite file, calls return by their deadlines. What a batch stores of them
// afterwards is removed.
func TestLockedFile(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s := open(t, store.Config{Database: database})
	if err := s.AddClient(t.Context(), newClient("stored")); err != nil {
		t.Fatal(err)
	}
	_, path, _ := strings.Cut(database, ":")
	other, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	lock := func() {
		t.Helper()
		if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
	}
	unlock := func() {
		t.Helper()
		if _, err := other.Exec("ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	add := func(timeout time.Duration, id string) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return s.AddClient(ctx, newClient(id))
	}

	lock()
	// It writes itself, and SQLite gives up when its deadline passes.
	if err := inTime(t, "AddClient", func() error { return add(300*time.Millisecond, "alone") }); !errors.Is(err,
		engine.ErrUnavailable) || s.InDoubt() != 0 {
		t.Errorf("got %v and %d in doubt, want %v and 0", err, s.InDoubt(), engine.ErrUnavailable)
	}
	// The first writes itself, and the others share a batch when it gives up.
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			err := add(time.Duration(min(1+i, 2))*time.Second, fmt.Sprint("late-", i))
			if !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("late-%d: got %v, want %v", i, err, engine.ErrUnavailable)
			}
		})
		time.Sleep(5 * time.Millisecond)
	}
	if err := inTime(t, "AddClient", func() error { wg.Wait(); return nil }); err != nil {
		t.Error(err)
	}
	doubtful := s.InDoubt()
	if doubtful == 0 {
		t.Error("no client is in doubt, although a batch goes on")
	}
	if err := add(time.Second, "late-3"); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("the same ID: got %v, want %v", err, engine.ErrUnavailable)
	}
	unlock()
	await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })
	if stored := allIDs(t, s); len(stored) != 1 || stored["stored"] == nil {
		t.Errorf("stored are %d clients, want one", len(stored))
	}
	if removed, absent := s.Settled(); removed == 0 || int(removed+absent) != doubtful {
		t.Errorf("%d rows were removed and %d absent, want %d together", removed, absent, doubtful)
	}
	if err := add(time.Minute, "late-3"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A server that has not yet read a statement runs it after the connection has ended on this side. A row is settled only
// when the server has ended the connection too, so that its INSERT cannot follow the DELETE.
func TestStatementArrivesLate(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 4})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil { // prepares the statement
		t.Fatal(err)
	}
	b.arm(delayed, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // in time for the statement to be sent
	defer cancel()
	err := s.AddClient(ctx, newClient("late"))
	if !errors.Is(err, engine.ErrUnavailable) || s.InDoubt() != 1 {
		t.Errorf("got %v and %d in doubt, want %v and 1", err, s.InDoubt(), engine.ErrUnavailable)
	}
	await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })
	close(b.release)
	await(t, "the end of the connection", func() bool {
		n, err := s.ReadValue("SELECT COUNT(*) FROM information_schema.processlist " +
			"WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command <> 'Sleep'")
		return err == nil && n == "0"
	})
	if exists(t, s, "late") {
		t.Error("the client was stored after it was settled")
	}
	if removed, absent := s.Settled(); removed != 0 || absent != 1 {
		t.Errorf("%d rows were removed and %d absent, want 0 and 1", removed, absent)
	}
}

// A COMMIT that is not answered ends by the deadline too. If it takes effect later, the client is removed and the token
// gets its use back.
func TestCommitIsNotAnswered(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 4})
	// A message of another connection may take the place of COMMIT. Then another round holds it.
	for round := range 3 {
		holdEach(t, b, s, fmt.Sprint("token ", round))
		if removed, absent := s.Settled(); removed+absent > 0 {
			return
		}
	}
	t.Error("no client was in doubt, although COMMIT was held")
}

// holdEach stores a client with a use of a new token, again and again, and each time holds up one message more.
func holdEach(t *testing.T, b *breaker, s *store.Store, name string) {
	t.Helper()
	token := &engine.InitialAccessToken{ID: name, MaxUses: 3, Hash: engine.HashToken(engine.Plaintext(name)),
		CreatedAt: time.Now()}
	if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	add := func(id string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // enough for a call that is not held up
		defer cancel()
		c := newClient(id)
		c.Caller = token.Caller()
		return s.AddClient(ctx, c)
	}
	if err := add("first " + name); err != nil { // prepares the look-up of the token
		t.Fatal(err)
	}
	// Messages: the look-up, two for BEGIN, four for the statements, COMMIT, and perhaps others between them.
	for after := range int32(16) {
		b.release = make(chan struct{})
		b.arm(delayed, after)
		err := inTime(t, "AddClient", func() error { return add("late " + name) })
		held := b.armed.Swap(never) == never
		if !errors.Is(err, engine.ErrUnavailable) != !held {
			t.Errorf("held after %d messages %t: got %v", after, held, err)
		}
		close(b.release)
		await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })
		got, readErr := s.InitialAccessToken(t.Context(), token.Hash)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if left := map[bool]int64{true: 2, false: 1}[held]; got.UsesLeft != left || exists(t, s, "late "+name) == held {
			t.Errorf("held after %d messages %t: %d uses are left, want %d; stored %t", after, held, got.UsesLeft, left,
				exists(t, s, "late "+name))
		}
		if !held {
			break
		}
	}
}
