package token_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/engine"
	"registrar/internal/token"
)

// A memory is an AdminStore that counts its reads and keeps the writes of uses. Real databases hold no fake clock.
type memory struct {
	mu     sync.Mutex
	list   []token.Admin
	reads  int
	uses   []time.Time
	during func() // called in each read, after the tokens were copied; nil means none
	err    error  // of each write of a use
}

func (m *memory) AddAdminToken(_ context.Context, t token.Admin) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, t)
	return true, nil
}

func (m *memory) AdminTokens(context.Context) ([]token.Admin, error) {
	m.mu.Lock()
	m.reads++
	list, during := slices.Clone(m.list), m.during
	m.mu.Unlock()
	if during != nil {
		during()
	}
	return list, nil
}

func (m *memory) DeleteAdminToken(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = slices.DeleteFunc(m.list, func(t token.Admin) bool { return t.ID == id })
	return nil
}

func (m *memory) DeleteAdminTokenButLast(context.Context, string, time.Time) error {
	return token.ErrLast
}

func (m *memory) UseAdminToken(_ context.Context, _ string, at time.Time, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.uses = append(m.uses, at)
	return m.err
}

// holding returns a store with one token, secret.
func holding(secret string, t token.Admin) *memory {
	t.ID, t.Label, t.Hash = "id", "label", t.HashOf(secret)
	return &memory{list: []token.Admin{t}}
}

func find(t *testing.T, a *token.Administrators, presented string, want bool) {
	t.Helper()
	admin, err := a.Find(t.Context(), presented)
	if want && err != nil || !want && !errors.Is(err, engine.ErrNotFound) || (admin != nil) != want {
		t.Errorf("%s: got %+v and %v, want a valid token: %t", presented, admin, err, want)
	}
}

// Another server's revocation counts within a second, its own at once, and a token ends with its last moment.
func TestTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := holding("a", token.Admin{Roles: []token.Role{token.RoleRead}, ExpiresAt: time.Now().Add(time.Minute)})
		store.AddAdminToken(t.Context(), token.Admin{ID: "b", Hash: token.Hash("b"),
			Roles: []token.Role{token.RoleAdmin}})
		here := token.NewAdministrators(token.AdministratorsConfig{Tokens: store})
		there := token.NewAdministrators(token.AdministratorsConfig{Tokens: store, Configured: "c"})
		for _, a := range []*token.Administrators{here, there} {
			find(t, a, "a", true)
			find(t, a, "b", true)
		}
		if err := there.Revoke(t.Context(), "b"); err != nil { // one is configured
			t.Fatal(err)
		}
		find(t, there, "b", false)
		time.Sleep(time.Second - time.Nanosecond)
		find(t, here, "b", true)
		time.Sleep(time.Nanosecond)
		find(t, here, "b", false)
		find(t, here, "c", false)
		find(t, there, "c", true)
		if err := here.Revoke(t.Context(), "a"); !errors.Is(err, token.ErrLast) {
			t.Errorf("got %v, want %v", err, token.ErrLast)
		}
		time.Sleep(time.Minute - time.Second - time.Nanosecond)
		find(t, here, "a", true)
		time.Sleep(time.Nanosecond)
		find(t, here, "a", false)
	})
}

// However many requests a second has, the tokens are read once.
func TestTokensAreReadOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := holding("a", token.Admin{Roles: []token.Role{token.RoleAdmin}})
		a := token.NewAdministrators(token.AdministratorsConfig{Tokens: store})
		for second := range 3 {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { find(t, a, "a", true) })
				wg.Go(func() { find(t, a, "unknown", false) })
			}
			wg.Wait()
			if store.reads != second+1 {
				t.Errorf("in second %d: got %d reads", second, store.reads)
			}
			time.Sleep(time.Second)
		}
	})
}

// A token that is revoked while the tokens are read is not taken from that read.
func TestRevocationDuringARead(t *testing.T) {
	store := holding("a", token.Admin{Roles: []token.Role{token.RoleAdmin}})
	a := token.NewAdministrators(token.AdministratorsConfig{Tokens: store})
	store.during = func() {
		store.mu.Lock()
		store.during = nil
		store.mu.Unlock()
		if err := a.RevokeLast(t.Context(), "id"); err != nil {
			t.Error(err)
		}
	}
	find(t, a, "a", false)
	find(t, a, "a", false)
}

// A program before roles accepts each token whose SHA-256 is stored. It must not find one that is limited.
func TestHashesOfLimitedTokens(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for name, tt := range map[string]struct {
		token token.Admin
		plain bool
	}{
		"admin":            {token.Admin{Roles: []token.Role{token.RoleAdmin}}, true},
		"admin and more":   {token.Admin{Roles: []token.Role{token.RoleRead, token.RoleAdmin}}, true},
		"admin that ends":  {token.Admin{Roles: []token.Role{token.RoleAdmin}, ExpiresAt: later}, false},
		"another role":     {token.Admin{Roles: []token.Role{token.RoleRead}}, false},
		"no role":          {token.Admin{}, false},
		"another, and end": {token.Admin{Roles: []token.Role{token.RoleClients}, ExpiresAt: later}, false},
	} {
		if got := tt.token.HashOf("a") == token.Hash("a"); got != tt.plain {
			t.Errorf("%s: the SHA-256 is stored: %t, want %t", name, got, tt.plain)
		}
		a := token.NewAdministrators(token.AdministratorsConfig{Tokens: holding("a", tt.token)})
		find(t, a, "a", true)
		hash := tt.token.HashOf("a")
		find(t, a, string(hash[:]), false)
	}
}

// Uses are written at most once a minute, and at the end.
func TestLastUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := holding("a", token.Admin{Roles: []token.Role{token.RoleAdmin}})
		a := token.NewAdministrators(token.AdministratorsConfig{Tokens: store})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.Follow(ctx, slog.New(slog.DiscardHandler)); close(ended) }()
		began := time.Now()
		wantUses := func(want ...time.Duration) {
			t.Helper()
			synctest.Wait()
			var got []time.Duration
			for _, at := range store.uses {
				got = append(got, at.Sub(began))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got the uses %v, want %v", got, want)
			}
		}
		find(t, a, "a", true)
		wantUses(0)
		for range 59 {
			time.Sleep(time.Second)
			find(t, a, "a", true)
		}
		wantUses(0)
		if list, err := a.List(t.Context()); err != nil || list[0].UsedAt.Sub(began) != 59*time.Second {
			t.Errorf("got %+v and %v, want a use after 59 s", list, err)
		}
		time.Sleep(time.Second)
		wantUses(0, 59*time.Second)
		time.Sleep(time.Hour) // without a use, nothing is written
		wantUses(0, 59*time.Second)
		find(t, a, "a", true)
		wantUses(0, 59*time.Second, time.Hour+time.Minute)
		time.Sleep(time.Second)
		find(t, a, "a", true)
		stop()
		<-ended
		wantUses(0, 59*time.Second, time.Hour+time.Minute, time.Hour+time.Minute+time.Second)
	})
}

// A use that the database does not take is logged, and tried again a minute later.
func TestUsesThatAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := holding("a", token.Admin{Roles: []token.Role{token.RoleAdmin}})
		store.err = engine.ErrUnavailable
		a := token.NewAdministrators(token.AdministratorsConfig{Tokens: store})
		ctx, stop := context.WithCancel(t.Context())
		var log bytes.Buffer
		ended := make(chan struct{})
		go func() { a.Follow(ctx, slog.New(slog.NewTextHandler(&log, nil))); close(ended) }()
		find(t, a, "a", true)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if len(store.uses) != 1 || bytes.Count(log.Bytes(), []byte("level=WARN")) != 1 {
			t.Errorf("got %d writes and the log %s, want one of each", len(store.uses), &log)
		}
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		time.Sleep(time.Hour)
		stop()
		<-ended
		if len(store.uses) != 2 {
			t.Errorf("got %d writes, want 2", len(store.uses))
		}
	})
}

func TestRoles(t *testing.T) {
	all := token.EncodeRoles(token.Roles())
	if want := "admin scripts clients tokens lookup read"; all != want || len(all) > 55 { // of a column of 64
		t.Errorf("got %q, want %q", all, want)
	}
	for text, want := range map[string][]token.Role{
		"":                    nil,
		"read admin read":     {token.RoleRead, token.RoleAdmin},
		"owner Admin lookup ": {token.RoleLookup},
	} {
		if got := token.DecodeRoles(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, tt := range []struct {
		held, needed []token.Role
		may          bool
	}{
		{nil, nil, false},
		{nil, token.Roles(), false},
		{[]token.Role{token.RoleAdmin}, nil, true},
		{[]token.Role{token.RoleRead}, nil, false},
		{[]token.Role{token.RoleRead}, []token.Role{token.RoleClients, token.RoleRead}, true},
		{[]token.Role{token.RoleRead, token.RoleTokens}, []token.Role{token.RoleClients}, false},
	} {
		if got := (&token.Administrator{Roles: tt.held}).May(tt.needed...); got != tt.may {
			t.Errorf("%q, needed %q: got %t", tt.held, tt.needed, got)
		}
	}
}
