// Package keyset provides the public keys of an issuer that the operator trusts (RFC 7517), from a file or an https
// URL. The keys are cached; they are read again when they are old, and, at most once per pause, when a signature names
// an unknown one. If reading fails, the cached keys stay. Sources must be configured by the operator: package fetch is
// for URLs that clients name. See [Set.Verify].
package keyset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"registrar/internal/guard"
)

var (
	// ErrUnknownKey reports that no key of the set fits the signature.
	ErrUnknownKey = errors.New("the issuer has no such key")
	// ErrSignature reports a signature that no key of the set verifies.
	ErrSignature = errors.New("the signature is wrong")
	// ErrUnavailable reports that no cached key fits, and that the set cannot be read.
	ErrUnavailable = errors.New("the issuer's keys cannot be read")
)

// Config configures a Set.
type Config struct {
	Source    string            // of a JWK set: an https URL, an http URL on loopback, or the path of a file
	Transport http.RoundTripper // nil means a copy of http.DefaultTransport
	MaxAge    time.Duration     // after which the keys are read again; 0 means 15 min
	Pause     time.Duration     // between two attempts to read the keys; 0 means 10 s
	Now       func() time.Time  // nil means time.Now
	Logger    *slog.Logger      // nil means slog.Default
	Guard     *guard.Guard      // catches panics; nil means one that counts nothing
	// Observe is called after each attempt to read the keys of a running server, with its outcome, one of the constants
	// below, and its time; nil means that nothing is called.
	Observe func(outcome string, took time.Duration)
}

// A Set is the keys of one issuer. It is safe for concurrent use.
type Set struct {
	config Config
	read   func(context.Context) ([]byte, error)

	mu      sync.Mutex
	keys    []jose.JSONWebKey // never modified, only replaced; nil until they are read
	readAt  time.Time         // when keys was read
	tried   time.Time         // when the last attempt to read began
	failure error             // of the last attempt; nil if it succeeded
	running chan struct{}     // closed when the running attempt ends; nil if there is none
}

// New returns the Set of a source. A file is read at once and must have a usable key. A URL is read when a key is
// needed, since its server may start later than this one.
func New(c Config) (*Set, error) {
	c.MaxAge = cmp.Or(c.MaxAge, 15*time.Minute)
	c.Pause = cmp.Or(c.Pause, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	read, remote, err := reader(c.Source, c.Transport)
	if err != nil {
		return nil, err
	}
	s := &Set{config: c, read: read}
	if !remote {
		b, err := read(context.Background())
		if err == nil {
			s.keys, err = parse(b)
		}
		if err != nil {
			return nil, fmt.Errorf("the keys in %s: %w", c.Source, err)
		}
		s.readAt = c.Now()
	}
	return s, nil
}

// Source returns where the keys come from.
func (s *Set) Source() string { return s.config.Source }

// Load reads the keys now, and returns why that fails. After an error the keys read before stay.
func (s *Set) Load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	b, err := s.read(ctx)
	if err != nil {
		return err
	}
	keys, err := parse(b)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.readAt, s.failure = keys, s.config.Now(), nil
	return nil
}

// Keys returns the keys that may have made a signature by alg: those with the ID kid, or if kid is empty all that fit
// alg. If there is none, Keys reads the source again, at most once per [Config.Pause]. The error is [ErrUnknownKey],
// [ErrUnavailable] if the last attempt to read the keys failed, or that of ctx.
func (s *Set) Keys(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	found, running := s.look(kid, alg)
	if running == nil || len(found) > 0 {
		return s.verdict(found)
	}
	select {
	case <-running:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the issuer's keys: %w", ctx.Err())
	}
	s.mu.Lock()
	found = fitting(s.keys, kid, alg)
	s.mu.Unlock()
	return s.verdict(found)
}

// look returns the keys that fit, and the channel of the running attempt to read the set. It starts an attempt if one
// is due.
func (s *Set) look(kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, found := s.config.Now(), fitting(s.keys, kid, alg)
	wanted := len(found) == 0 || now.Sub(s.readAt) >= s.config.MaxAge
	if wanted && s.running == nil && (s.tried.IsZero() || now.Sub(s.tried) >= s.config.Pause) {
		s.tried, s.running = now, make(chan struct{})
		done := s.running
		s.config.Guard.Go(guard.Keys, func() { s.refresh(done) })
	}
	return found, s.running
}

// verdict returns found, or the error if it is empty.
func (s *Set) verdict(found []jose.JSONWebKey) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(found) > 0:
		return found, nil
	case s.failure != nil || s.keys == nil:
		return nil, ErrUnavailable // the cause was logged
	}
	return nil, ErrUnknownKey
}

// refresh reads the keys. Its context is independent of the callers, since several may wait for the same keys.
func (s *Set) refresh(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	var keys []jose.JSONWebKey
	var err error
	began := time.Now()
	panicked := s.config.Guard.Run(guard.Keys, func() {
		var b []byte
		if b, err = s.read(ctx); err == nil {
			if keys, err = parse(b); err != nil {
				err = fmt.Errorf("%w: %w", errInvalid, err)
			}
		}
	})
	if err = errors.Join(err, panicked); err != nil {
		s.config.Logger.WarnContext(ctx, "reading the keys of an issuer; the cached ones stay in force", "source",
			s.config.Source, "error", err)
	}
	if s.config.Observe != nil {
		s.config.Observe(outcomeOf(err), time.Since(began))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure = err; err == nil {
		s.keys, s.readAt = keys, s.config.Now()
	}
	s.running = nil
	close(done)
}

// Verify returns the payload of a signed object if a key of the set verifies its signature. The object must have been
// parsed with only [engine.TrustedAlgorithms] allowed. Keys in its own header are ignored. Errors are those of
// [Set.Keys] and [ErrSignature].
func (s *Set) Verify(ctx context.Context, signed *jose.JSONWebSignature) ([]byte, error) {
	if len(signed.Signatures) != 1 {
		return nil, fmt.Errorf("%w: there must be exactly one", ErrSignature)
	}
	header := signed.Signatures[0].Protected
	keys, err := s.Keys(ctx, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if payload, err := signed.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, ErrSignature
}
