package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A renewing is a client whose secret expires, at a clock that a test sets.
type renewing struct {
	t      *testing.T
	engine *Engine
	store  *memory
	now    time.Time
	id     string
	token  Plaintext
	secret Plaintext // the first
}

// renew registers a client of an engine with options and overrides at arrival.
func renew(t *testing.T, options Options, o Overrides) *renewing {
	t.Helper()
	c := &renewing{t: t, store: &memory{}, now: arrival}
	options.RegistrationEndpoint = endpoint
	c.engine = newEngine(t, Config{Store: c.store, Options: options, Overrides: o,
		Now: func() time.Time { return c.now }})
	request, err := ParseRequest([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.engine.Register(t.Context(), request, &Caller{Auth: AuthNone, Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	c.id, c.token, c.secret = r.Client.ID, r.Token, r.Secret
	return c
}

// at sets the time since the whole second of arrival.
func (c *renewing) at(since time.Duration) { c.now = arrival.Truncate(time.Second).Add(since) }

func (c *renewing) stored() *Client {
	stored := *c.store.clients[c.id]
	return &stored
}

// put sends an update with a client_secret, "" for none, and returns the new secret, "" if there is none.
func (c *renewing) put(secret Plaintext) (Plaintext, error) {
	c.t.Helper()
	members := `"redirect_uris":["https://app.example/cb"]`
	if secret != "" {
		members += fmt.Sprintf(`,"client_secret":%q`, secret.Reveal())
	}
	r, err := c.engine.Update(c.t.Context(), c.stored(), c.token, updateOf(c.t, members, c.stored()))
	if err != nil {
		return "", err
	}
	if shown := strings.Contains(string(r.Response), `"client_secret":`); shown != (r.Secret != "") {
		c.t.Errorf("the response is %s", r.Response)
	}
	return r.Secret, nil
}

// renewed sends an update that must renew the secret.
func (c *renewing) renewed(sent Plaintext) Plaintext {
	c.t.Helper()
	made, err := c.put(sent)
	if err != nil || made == "" || made == sent {
		c.t.Fatalf("at %v: got no new secret, %v", c.now.Sub(arrival), err)
	}
	return made
}

// kept sends an update that must keep the secret.
func (c *renewing) kept(sent Plaintext) {
	c.t.Helper()
	if made, err := c.put(sent); err != nil || made != "" {
		c.t.Errorf("at %v: got a new secret: %t, %v, want none", c.now.Sub(arrival), made != "", err)
	}
}

// verify checks which secrets are valid.
func (c *renewing) verify(valid []Plaintext, invalid ...Plaintext) {
	c.t.Helper()
	for i, p := range append(slices.Clone(valid), invalid...) {
		if got, want := c.engine.VerifySecret(c.stored(), p), i < len(valid); got != want {
			c.t.Errorf("at %v secret %d verifies: got %t, want %t", c.now.Sub(arrival), i, got, want)
		}
	}
}

const lifetime = 40 * 24 * time.Hour // its last quarter is ten days

func TestRenewalInTheLastQuarter(t *testing.T) {
	c := renew(t, Options{SecretLifetime: lifetime}, nil)
	c.at(30*24*time.Hour - 1)
	c.kept("")
	c.kept(c.secret)
	c.at(30 * 24 * time.Hour)
	second := c.renewed("")
	if got, want := c.stored().Secret.ExpiresAt, c.now.Add(lifetime); !got.Equal(want) {
		t.Errorf("the new secret expires at %v, want %v", got, want)
	}
	c.verify([]Plaintext{c.secret, second})
	c.kept("")
	c.kept(second)
	c.verify([]Plaintext{c.secret, second})
	c.at(31 * 24 * time.Hour) // the grace time of the first secret ends
	c.verify([]Plaintext{second}, c.secret)
	// The lifetime of the second secret counts from its own beginning, whatever updates came between.
	c.at(60*24*time.Hour - 1)
	c.kept(second)
	c.at(60 * 24 * time.Hour)
	third := c.renewed(second)
	c.verify([]Plaintext{second, third}, c.secret)
}

func TestRenewalAfterExpiry(t *testing.T) {
	for _, sent := range []bool{false, true} {
		c := renew(t, Options{SecretLifetime: lifetime}, nil)
		c.at(lifetime + 1000*time.Hour)
		c.verify(nil, c.secret)
		var with Plaintext
		if sent {
			with = c.secret
		}
		second := c.renewed(with)
		c.verify([]Plaintext{second}, c.secret)
	}
}

// A lost answer locks no client out, and does not make the old secret valid for longer.
func TestLostRenewal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		at    time.Duration // of the renewal
		valid time.Duration // for how long from then on the first secret is valid
	}{
		{"at the beginning of the last quarter", 30 * 24 * time.Hour, DefaultGrace},
		{"an hour before expiry", lifetime - time.Hour, time.Hour},
		{"at expiry", lifetime, 0},
		{"long after expiry", lifetime + 1000*time.Hour, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := renew(t, Options{SecretLifetime: lifetime}, nil)
			c.at(tt.at)
			lost := c.renewed("")
			c.kept(lost)
			c.kept("") // an update that does not tell which secret the client has
			c.at(tt.at + DefaultGrace/2)
			again := c.renewed(c.secret)
			c.verify([]Plaintext{again}, lost)
			if _, err := c.put(lost); err == nil {
				t.Error("an update with the secret that was lost succeeds")
			}
			// The second answer is lost too.
			c.at(tt.at + DefaultGrace - 1)
			last := c.renewed(c.secret)
			c.verify([]Plaintext{last}, lost, again)
			if tt.valid > 0 {
				c.at(tt.at + tt.valid - 1)
				c.verify([]Plaintext{c.secret, last})
			}
			c.at(tt.at + tt.valid)
			c.verify([]Plaintext{last}, c.secret)
			c.at(tt.at + DefaultGrace)
			if _, err := c.put(c.secret); err == nil {
				t.Error("after the grace time, an update with the old secret succeeds")
			}
			c.kept(last)
			if got := c.stored(); got.PreviousSecret != nil || !got.RetryUntil.IsZero() {
				t.Errorf("the old secret is kept after its grace time: %+v", got)
			}
		})
	}
}

// The lifetime is that with which the secret was issued: that of a script, or of the operator at that time.
func TestRenewalCountsTheSecretsOwnLifetime(t *testing.T) {
	const own = time.Hour
	scripted := override(func(_ *Registration, s *Steps) {
		s.GenerateSecret = func(_ context.Context, r *Registration) error {
			p := Plaintext(fmt.Sprintf("acme-%032d", r.Now.UnixNano()))
			return r.SetSecret(p, r.Now.Truncate(time.Second).Add(own))
		}
	})
	c := renew(t, Options{SecretLifetime: lifetime}, scripted)
	last := c.secret
	for at := own * 3 / 4; at < 4*own; at += own * 3 / 4 {
		c.at(at - 1)
		c.kept(last)
		c.at(at)
		last = c.renewed(last)
		if !strings.HasPrefix(last.Reveal(), "acme-") {
			t.Error("the renewed secret is not the script's")
		}
	}
	// The operator changes the lifetime.
	c = renew(t, Options{SecretLifetime: lifetime}, nil)
	c.engine.options.SecretLifetime = time.Hour
	c.at(lifetime*3/4 - 1)
	c.kept("")
	c.at(lifetime * 3 / 4)
	second := c.renewed("")
	if got, want := c.stored().Secret.ExpiresAt, c.now.Add(time.Hour); !got.Equal(want) {
		t.Errorf("the new secret expires at %v, want %v", got, want)
	}
	// Without a lifetime, the new secret never expires; a lost answer still locks no client out.
	c.engine.options.SecretLifetime = 0
	c.at(lifetime*3/4 + 50*time.Minute)
	third := c.renewed(second)
	fourth := c.renewed(second)
	c.verify([]Plaintext{second, fourth}, third)
	if !c.stored().Secret.ExpiresAt.IsZero() {
		t.Error("the secret expires")
	}
}

// A secret that never expires is not renewed, not even for a client that sends the one before a rotation.
func TestNoRenewalWithoutExpiry(t *testing.T) {
	c := renew(t, Options{}, nil)
	c.at(10 * 365 * 24 * time.Hour)
	c.kept("")
	second, err := c.engine.RotateSecret(t.Context(), c.stored(), time.Hour, "", &AdminCall{})
	if err != nil {
		t.Fatal(err)
	}
	c.kept(c.secret)
	c.kept(second)
	c.verify([]Plaintext{c.secret, second})
	c.now = c.now.Add(time.Hour)
	if _, err := c.put(c.secret); err == nil {
		t.Error("an update with the old secret succeeds after its grace time")
	}
}

// A client that becomes public loses its secrets. One that comes to need a secret begins a new lifetime.
func TestRenewalAndMethods(t *testing.T) {
	c := renew(t, Options{SecretLifetime: lifetime}, nil)
	put := func(method string) Plaintext {
		t.Helper()
		r, err := c.engine.Update(t.Context(), c.stored(), c.token, updateOf(t,
			`"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"`+method+`"`, c.stored()))
		if err != nil {
			t.Fatal(err)
		}
		return r.Secret
	}
	c.at(lifetime)
	c.renewed("")
	if made, got := put("none"), c.stored(); made != "" || got.Secret != nil || got.PreviousSecret != nil ||
		!got.RetryUntil.IsZero() || !got.SecretIssuedAt.IsZero() {
		t.Errorf("a public client has %+v", got)
	}
	c.at(100 * lifetime)
	put("none")
	if made := put("client_secret_post"); made == "" {
		t.Fatal("got no secret")
	}
	c.at(100*lifetime + lifetime*3/4 - 1)
	if made := put("client_secret_post"); made != "" {
		t.Error("the lifetime of the later secret counts from the registration")
	}
}

// A refused or failed renewal changes nothing, and a step that makes no secret fails.
func TestRefusedRenewal(t *testing.T) {
	boom := errors.New("boom")
	var outcome error
	c := renew(t, Options{SecretLifetime: lifetime}, override(func(r *Registration, s *Steps) {
		if r.Operation != OperationRegister {
			s.GenerateSecret = func(context.Context, *Registration) error { return outcome }
		}
	}))
	c.at(lifetime)
	before := c.stored()
	for _, want := range []error{Refuse("no more secrets"), boom, nil} {
		outcome = want
		_, put := c.put(c.secret)
		current := c.stored()
		_, rotated := c.engine.RotateSecret(t.Context(), current, time.Hour, "", &AdminCall{})
		for door, err := range map[string]error{"update": put, "rotation": rotated} {
			_, breach := errors.AsType[*InvariantError](err)
			if want != nil && !errors.Is(err, want) || want == nil && !breach {
				t.Errorf("%s: got %v, want %v", door, err, want)
			}
		}
		if diff := cmp.Diff(before, c.stored(), cmp.AllowUnexported(Client{}),
			cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("stored (-before +after):\n%s", diff)
		}
		if current.Version != before.Version || current.Secret != before.Secret {
			t.Error("the caller's client was changed")
		}
	}
}

// A rerun of a renewal, or of a rotation, is one.
func TestRerunOfARenewal(t *testing.T) {
	var ended []*Registration
	c := renew(t, Options{SecretLifetime: lifetime}, func(r *Registration, s Steps) (Steps, func()) {
		return s, func() { ended = append(ended, r) }
	})
	c.at(lifetime * 3 / 4)
	c.renewed("")
	c.renewed(c.secret) // a retry; only the stored client shows that it is one
	if _, err := c.engine.RotateSecret(t.Context(), c.stored(), 0, "", &AdminCall{}); err != nil {
		t.Fatal(err)
	}
	version := c.stored().Version
	for i, want := range []Operation{OperationRegister, OperationUpdate, OperationUpdate, OperationRotateSecret} {
		again, err := ended[i].Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
		if err != nil || again.Operation != want || again.Secret == "" || again.Secret == ended[i].Secret {
			t.Errorf("rerun %d: got %+v and %v", i, again, err)
		}
	}
	if c.stored().Version != version {
		t.Error("a rerun was stored")
	}
}

// FuzzRenewal lets a client that always sends its secret lose any answers. Within the grace time of the first lost
// answer it gets another secret, and a secret verifies exactly until its expiry or its grace has ended.
func FuzzRenewal(f *testing.F) {
	const wait, put, lose = 0, 1, 2 // the lower two bits of a byte; the others count the hours of a wait, six each
	f.Add([]byte{put, 60<<2 | wait, 60<<2 | wait, put, put})
	f.Add([]byte{60<<2 | wait, 60<<2 | wait, lose, 3<<2 | wait, lose, put, put})
	f.Add([]byte{60<<2 | wait, 60<<2 | wait, 60<<2 | wait, lose, 2<<2 | wait, put, 2<<2 | wait, put})
	f.Add([]byte{60<<2 | wait, 60<<2 | wait, lose, 4<<2 | wait, put})
	f.Fuzz(func(t *testing.T, moves []byte) {
		c := renew(t, Options{SecretLifetime: lifetime}, nil)
		c.at(0)
		known, ends := c.secret, c.now.Add(lifetime)
		var lost time.Time // when the first answer was lost that had a new secret; zero if none was
		for _, move := range moves[:min(len(moves), 100)] {
			expired := !lost.IsZero() && !c.now.Before(lost.Add(DefaultGrace))
			valid := c.now.Before(ends) && !expired
			if got := c.engine.VerifySecret(c.stored(), known); got != valid {
				t.Fatalf("at %v the secret verifies: got %t, want %t", c.now, got, valid)
			}
			if move&3 != put && move&3 != lose {
				c.now = c.now.Add(time.Duration(move>>2) * 6 * time.Hour)
				continue
			}
			made, err := c.put(known)
			if (err != nil) != expired {
				t.Fatalf("at %v an update: got %v; the grace time is over: %t", c.now, err, expired)
			}
			if expired {
				return // the client is locked out
			}
			due := !lost.IsZero() || !c.now.Before(ends.Add(-lifetime/4))
			if (made != "") != due {
				t.Fatalf("at %v an update: got a new secret: %t, want %t", c.now, made != "", due)
			}
			switch {
			case due && move&3 == put:
				known, ends, lost = made, c.now.Add(lifetime), time.Time{}
			case due && lost.IsZero():
				lost = c.now
			}
		}
	})
}
