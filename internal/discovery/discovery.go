// Package discovery provides the authorization server's metadata (RFC 8414, OpenID Connect Discovery 1.0) that this
// server publishes: the operator's document, the document at an upstream URL, or both merged, with this server's own
// members set. While the upstream is unavailable, its last document stays in force. See [New].
package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// ErrInvalid reports metadata that cannot be published.
var ErrInvalid = errors.New("the discovery document is not valid")

// Config configures a Source.
type Config struct {
	Issuer               string // must equal the issuer in the metadata, byte for byte (RFC 8414 §3.3)
	RegistrationEndpoint string
	MetadataDocuments    bool   // publish client_id_metadata_document_supported
	Document             []byte // the operator's, a JSON object; nil means none
	Upstream             string // URL of the document into which Document is merged; "" means none

	Fetch    func(ctx context.Context, url string) ([]byte, error) // of Upstream
	Interval time.Duration                                         // between two fetches; 0 means 5 min
	Retry    time.Duration                                         // after a failed fetch; 0 means 15 s
	Logger   *slog.Logger                                          // nil means slog.Default
}

// A Source provides the metadata. It is safe for concurrent use.
type Source struct {
	config Config
	own    map[string]jsontext.Value

	mu      sync.Mutex
	current *metadata // never modified, only replaced; nil until upstream was read
}

// metadata is a document to publish.
type metadata struct {
	document   []byte
	advertised engine.Advertised
	warnings   []string
}

// New returns a Source. If there is an upstream, the metadata is unavailable until [Source.Load]. Errors are
// [ErrInvalid].
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
		// Report a wrong issuer before upstream is read.
		err = s.checkIssuer(s.own)
	}
	return s, err
}

func parse(document []byte) (map[string]jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(document, &members); err != nil || members == nil {
		return nil, fmt.Errorf("%w: it must be a JSON object without duplicate members", ErrInvalid)
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

// build sets this server's own members, and removes those that lead clients elsewhere to register.
func (s *Source) build(members map[string]jsontext.Value) (*metadata, error) {
	if err := s.checkIssuer(members); err != nil {
		return nil, err
	}
	advertised, err := engine.ReadAdvertised(members)
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		return nil, fmt.Errorf("%w: %s", ErrInvalid, refusal.Description)
	}
	published := make(map[string]jsontext.Value, len(members)+1)
	for name, value := range members {
		if leadsElsewhere(name) {
			continue
		}
		if published[name], err = withoutElsewhere(value); err != nil {
			return nil, err
		}
	}
	endpoint, err := json.Marshal(s.config.RegistrationEndpoint)
	if err != nil {
		return nil, fmt.Errorf("encoding the registration endpoint: %w", err)
	}
	published["registration_endpoint"] = endpoint
	if s.config.MetadataDocuments {
		published["client_id_metadata_document_supported"] = jsontext.Value("true")
	}
	document, err := json.Marshal(published, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding the discovery document: %w", err)
	}
	return &metadata{document, advertised, warningsOf(members)}, nil
}

// Load reads upstream and publishes the merged metadata. After an error the previous metadata stays in force. The error
// is [ErrInvalid] if upstream's document cannot be published.
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
	// The operator's members replace upstream's, and null removes one (RFC 7396, but only at the outermost level).
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

// Follow reads upstream periodically until ctx is done. It logs the warnings when they change.
func (s *Source) Follow(ctx context.Context) {
	if s.config.Upstream == "" {
		return
	}
	wait, known := s.config.Interval, s.Warnings()
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
			s.config.Logger.WarnContext(ctx, "reading the discovery document; the last one stays in force", "error",
				err)
		}
		if now := s.Warnings(); !slices.Equal(now, known) {
			known = now
			s.LogWarnings(ctx)
		}
	}
}

// Warnings returns what in the published metadata turns clients away that would register here, in words for the
// operator. It returns nil if nothing does, and until upstream was read.
func (s *Source) Warnings() []string {
	m, err := s.get()
	if err != nil {
		return nil
	}
	return m.warnings
}

// LogWarnings logs the warnings.
func (s *Source) LogWarnings(ctx context.Context) {
	for _, warning := range s.Warnings() {
		s.config.Logger.WarnContext(ctx, "the discovery document turns clients away", "why", warning)
	}
}

func (s *Source) get() (*metadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil, fmt.Errorf("the discovery document of %s has not been read: %w", s.config.Upstream,
			engine.ErrUnavailable)
	}
	return s.current, nil
}

// Document returns the metadata to publish. The error is [engine.ErrUnavailable] until upstream was read.
func (s *Source) Document() ([]byte, error) {
	m, err := s.get()
	if err != nil {
		return nil, err
	}
	return m.document, nil
}

// Advertised implements the Advertised of [engine.Config]. The error is [engine.ErrUnavailable] until upstream was
// read, since the bounds are unknown before.
func (s *Source) Advertised() (engine.Advertised, error) {
	m, err := s.get()
	if err != nil {
		return nil, err
	}
	return m.advertised, nil
}
