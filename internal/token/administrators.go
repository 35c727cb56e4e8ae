package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"registrar/engine"
)

const (
	// kept is how long the tokens that were read are used: so long does a token work that another server has revoked.
	kept = time.Second
	// useInterval is the time between two writes of a token's last use.
	useInterval = time.Minute
	// flushTimeout bounds the writes of last uses at the end.
	flushTimeout = 2 * time.Second
)

// Administrators knows the admin tokens: those in the database, as they were at most a second ago, and the configured
// one. It notes their use. It is safe for concurrent use.
type Administrators struct {
	tokens     AdminStore
	elsewhere  bool              // see AdministratorsConfig
	configured *Administrator    // nil means none
	hash       [sha256.Size]byte // of the configured token
	now        func() time.Time

	reading chan struct{} // holds an element while the tokens are read

	mu         sync.Mutex
	generation int                         // how often the tokens were changed here
	known      map[[sha256.Size]byte]Admin // by hash; nil means that they must be read
	readAt     time.Time                   // when the read of known began

	uses uses
}

// AdministratorsConfig says who administers a server.
type AdministratorsConfig struct {
	Tokens     AdminStore
	Configured string           // a token with the role admin that is not in the database; "" means none
	Elsewhere  bool             // whether others than tokens have the role admin
	Now        func() time.Time // nil means time.Now
}

// NewAdministrators returns the administrators that c describes.
func NewAdministrators(c AdministratorsConfig) *Administrators {
	a := &Administrators{tokens: c.Tokens, elsewhere: c.Elsewhere, now: c.Now, reading: make(chan struct{}, 1),
		uses: newUses(c.Tokens)}
	if a.now == nil {
		a.now = time.Now
	}
	if c.Configured != "" {
		a.hash = Hash(c.Configured)
		a.configured = &Administrator{Name: "admin token " + hex.EncodeToString(a.hash[:4]), Roles: []Role{RoleAdmin}}
	}
	return a
}

// Find returns who presents a token, or [engine.ErrNotFound] if the token is unknown, has expired or was revoked.
func (a *Administrators) Find(ctx context.Context, presented string) (*Administrator, error) {
	sent := Hash(presented)
	if a.configured != nil && subtle.ConstantTimeCompare(sent[:], a.hash[:]) == 1 {
		return a.configured, nil
	}
	known, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	// A look-up by hash tells by its time nothing of the token: who sends one does not choose its hash.
	t, found := known[sent]
	if !found || !t.Unlimited() {
		t, found = known[limitedHash(sent)]
	}
	now := a.now()
	if !found || t.Expired(now) {
		return nil, engine.ErrNotFound
	}
	a.uses.note(t.ID, now)
	return &Administrator{Name: t.Label, Roles: t.Roles}, nil
}

// read returns the tokens by hash, which are at most kept old. One caller reads them, and the others wait for it.
func (a *Administrators) read(ctx context.Context) (map[[sha256.Size]byte]Admin, error) {
	if known := a.fresh(); known != nil {
		return known, nil
	}
	select {
	case a.reading <- struct{}{}:
		defer func() { <-a.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		if known := a.fresh(); known != nil {
			return known, nil
		}
		a.mu.Lock()
		generation, began := a.generation, a.now()
		a.mu.Unlock()
		list, err := a.tokens.AdminTokens(ctx)
		if err != nil {
			return nil, err
		}
		known := make(map[[sha256.Size]byte]Admin, len(list))
		for _, t := range list {
			known[t.Hash] = t
		}
		a.mu.Lock()
		current := generation == a.generation
		if current {
			a.known, a.readAt = known, began
		}
		a.mu.Unlock()
		if current {
			return known, nil
		} // else a token was revoked here while they were read
	}
}

// fresh returns what was read less than kept ago, else nil.
func (a *Administrators) fresh() map[[sha256.Size]byte]Admin {
	a.mu.Lock()
	defer a.mu.Unlock()
	if age := a.now().Sub(a.readAt); age < 0 || age >= kept {
		return nil
	}
	return a.known
}

// forget has the next call of Find read the tokens again.
func (a *Administrators) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.generation++
	a.known = nil
}

// Add stores a token; see [AdminStore]. It is valid here at once, and at other servers within a second.
func (a *Administrators) Add(ctx context.Context, t Admin) (bool, error) {
	defer a.forget()
	return a.tokens.AddAdminToken(ctx, t)
}

// List returns the tokens in the database, the oldest first, with the uses that this server has not written yet.
func (a *Administrators) List(ctx context.Context) ([]Admin, error) {
	list, err := a.tokens.AdminTokens(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if at := a.uses.last(list[i].ID); at.After(list[i].UsedAt) {
			list[i].UsedAt = at
		}
	}
	return list, nil
}

// Revoke removes a token. Here it is invalid as soon as Revoke returns, and at other servers within a second. It
// returns [engine.ErrNotFound] if there is none with the ID, and [ErrLast] if it is the last token with the role admin,
// none is configured, and no issuer or certificate gives that role.
func (a *Administrators) Revoke(ctx context.Context, id string) error {
	if a.configured != nil || a.elsewhere {
		return a.RevokeLast(ctx, id)
	}
	defer a.forget()
	return a.tokens.DeleteAdminTokenButLast(ctx, id, a.now())
}

// RevokeLast is Revoke, but also removes the last token with the role admin.
func (a *Administrators) RevokeLast(ctx context.Context, id string) error {
	defer a.forget()
	return a.tokens.DeleteAdminToken(ctx, id)
}

// Follow writes when tokens were last used, at most once a minute for each, until ctx is done; then it writes what is
// left.
func (a *Administrators) Follow(ctx context.Context, log *slog.Logger) { a.uses.follow(ctx, log) }
