// Package discovery keeps the authorization server's metadata (RFC 8414, OpenID Connect Discovery 1.0) that this server
// publishes: the operator's document, what an upstream URL answers, or both, merged, with this server's own members
// set. What was read from upstream stays in force while upstream is away. See [New].
package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// ErrInvalid is metadata that may not be published.
var ErrInvalid = errors.New("the discovery document is not valid")

// Config is what a Source is made of.
type Config struct {
	Issuer               string // that the metadata must name, byte for byte
	RegistrationEndpoint string
	MetadataDocuments    bool   // whether clients may be named by their metadata documents
	Document             []byte // the operator's, a JSON object; nil means that there is none
	Upstream             string // URL of the document that Document is merged into; "" means none

	Fetch    func(ctx context.Context, url string) ([]byte, error) // of Upstream
	Interval time.Duration                                         // between two looks at Upstream; 0 means 5 min
	Retry    time.Duration                                         // after a look that failed; 0 means 15 s
	Logger   *slog.Logger                                          // nil means slog.Default
}

// A Source has the metadata. It is safe for concurrent use.
type Source struct {
	config Config
	own    map[string]jsontext.Value

	mu      sync.Mutex
	current *metadata // replaced, never changed; nil before upstream was read
}

// metadata is a document that may be published.
type metadata struct {
	document   []byte
	advertised engine.Advertised
}

// New returns a Source. Without an upstream it has its metadata, else [Source.Load] reads it. An error is ErrInvalid.
func New(c Config) (*Source, error) {
	c.Interval = cmp.Or(c.Interval, 5*time.Minute)
	c.Retry = cmp.Or(c.Retry, 15*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	s := &Source{config: c}
	var err error
	if c.Document != nil {
		if s.own, err = parse(c.Document); err != nil {
			return nil, err
		}
	}
	if c.Upstream == "" {
		s.current, err = s.build(s.own)
		return s, err
	}
	if _, named := s.own["issuer"]; named {
		// What is wrong already need not wait for upstream.
		err = s.checkIssuer(s.own)
	}
	return s, err
}

func parse(document []byte) (map[string]jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document, &members); err != nil || members == nil {
		return nil, fmt.Errorf("%w: it must be a JSON object, without members that are given twice", ErrInvalid)
	}
	return members, nil
}

func (s *Source) checkIssuer(members map[string]jsontext.Value) error {
	var issuer string
	if value := members["issuer"]; value.Kind() != '"' || json.Unmarshal(value, &issuer) != nil {
		return fmt.Errorf("%w: it has no issuer, which must be %q", ErrInvalid, s.config.Issuer)
	}
	if issuer != s.config.Issuer {
		return fmt.Errorf("%w: its issuer is %q, but this server's is %q", ErrInvalid, issuer, s.config.Issuer)
	}
	return nil
}

// build sets what this server knows of itself. RFC 8414 §2.1: signed_metadata would speak of the members as they were,
// and take precedence.
func (s *Source) build(members map[string]jsontext.Value) (*metadata, error) {
	if err := s.checkIssuer(members); err != nil {
		return nil, err
	}
	advertised, err := engine.ReadAdvertised(members)
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		return nil, fmt.Errorf("%w: %s", ErrInvalid, refusal.Description)
	}
	members = maps.Clone(members)
	delete(members, "signed_metadata")
	endpoint, err := json.Marshal(s.config.RegistrationEndpoint)
	if err != nil {
		return nil, fmt.Errorf("writing the registration endpoint: %w", err)
	}
	members["registration_endpoint"] = endpoint
	if s.config.MetadataDocuments {
		members["client_id_metadata_document_supported"] = jsontext.Value("true")
	}
	document, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing the discovery document: %w", err)
	}
	return &metadata{document, advertised}, nil
}

// Load reads upstream and puts the merged metadata in force. After an error what was in force stays so; the error is
// ErrInvalid where upstream answered what may not be published.
func (s *Source) Load(ctx context.Context) error {
	if s.config.Upstream == "" {
		return nil
	}
	b, err := s.config.Fetch(ctx, s.config.Upstream)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", s.config.Upstream, err)
	}
	members, err := parse(b)
	if err != nil {
		return fmt.Errorf("%s: %w", s.config.Upstream, err)
	}
	// The operator's members replace upstream's, and null removes one (RFC 7396, of the outermost object alone).
	for name, value := range s.own {
		if members[name] = value; value.Kind() == 'n' {
			delete(members, name)
		}
	}
	current, err := s.build(members)
	if err != nil {
		return fmt.Errorf("%s: %w", s.config.Upstream, err)
	}
	s.mu.Lock()
	s.current = current
	s.mu.Unlock()
	return nil
}

// Follow reads upstream again and again, until ctx is done.
func (s *Source) Follow(ctx context.Context) {
	if s.config.Upstream == "" {
		return
	}
	wait := s.config.Interval
	if _, err := s.get(); err != nil {
		wait = s.config.Retry
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = s.config.Interval
		if err := s.Load(ctx); err != nil && ctx.Err() == nil {
			wait = s.config.Retry
			s.config.Logger.WarnContext(ctx, "the discovery document cannot be read: what is known stays", "error", err)
		}
	}
}

func (s *Source) get() (*metadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil, fmt.Errorf("the discovery document of %s was never read: %w", s.config.Upstream, engine.ErrUnavailable)
	}
	return s.current, nil
}

// Document returns the metadata to publish, or an error that is engine.ErrUnavailable while upstream was never read.
func (s *Source) Document() ([]byte, error) {
	m, err := s.get()
	if err != nil {
		return nil, err
	}
	return m.document, nil
}

// Advertised is engine.Config.Advertised. It returns an error before upstream was read, since the bounds are not known
// then.
func (s *Source) Advertised() (engine.Advertised, error) {
	m, err := s.get()
	if err != nil {
		return nil, err
	}
	return m.advertised, nil
}
