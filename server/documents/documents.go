// Package documents resolves clients whose ID is the URL of their metadata document
// (draft-ietf-oauth-client-id-metadata-document-02). What a URL resolves to is stored, so that the servers on a
// database share it, and a document that is fresh costs one look-up. One that is not is fetched and runs through the
// steps, as does one that was stored under another deployment than that in force. See [Resolver.Resolve].
package documents

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"registrar/engine"
	"registrar/internal/fetch"
)

// A Store keeps clients with metadata documents. Package store describes its methods.
type Store interface {
	Client(ctx context.Context, id string) (*engine.Client, error)
	DocumentText(ctx context.Context, c *engine.Client) ([]byte, error)
	DocumentChanges(ctx context.Context, c *engine.Client) ([]engine.DocumentChange, error)
	AddDocument(ctx context.Context, c *engine.Client, first *engine.DocumentChange) error
	UpdateDocument(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error
	UseDocuments(ctx context.Context, urls []string, at time.Time) error
}

// Config holds a Resolver's dependencies.
type Config struct {
	Store  Store
	Engine *engine.Engine
	// Fetch returns the document at a URL, as [fetch.Fetcher.Get].
	Fetch func(ctx context.Context, url string, c fetch.Conditions) (*fetch.Response, error)
	// Deployment returns the number of the deployment that is loaded, and false before one is.
	Deployment func() (int64, bool)
	Stale      time.Duration // how long the last good copy serves beyond its freshness when a fetch fails; 0 means not
	Now        func() time.Time
	Logger     *slog.Logger
}

// A Resolver resolves clients. It is safe for concurrent use.
type Resolver struct {
	config Config
	uses   uses
}

// New returns a Resolver.
func New(c Config) *Resolver {
	return &Resolver{config: c, uses: uses{seen: map[string]time.Time{}}}
}

// A Resolution is an active client with its metadata.
type Resolution struct {
	Client     *engine.Client
	FreshUntil time.Time // when the document is fetched again; zero if it is pinned
	// Failure is why the document was not fetched, so that the last good copy serves; nil means that it is fresh.
	Failure error
}

// attempts bounds how often a call begins again because another one has changed the client meanwhile.
const attempts = 5

// errNotLoaded reports that no deployment is loaded, so that the policy is not known.
var errNotLoaded = fmt.Errorf("%w: no deployment is loaded yet", engine.ErrUnavailable)

// Resolve returns the client whose ID is a URL: as it is stored while its document is fresh, else as it is fetched. It
// returns [engine.ErrNotFound] if the client is disabled, and fetches nothing. It returns an *[engine.Error] if the
// URL, the document or a script refuses, and the error of Config.Fetch if the document cannot be fetched; then the last
// good copy serves as long as Config.Stale allows. A document that is refused is never kept, and ends the copy before
// it.
func (r *Resolver) Resolve(ctx context.Context, url, requestID string) (*Resolution, error) {
	return r.repeat(ctx, url, requestID, (*resolving).resolve)
}

// Refresh is Resolve, but fetches the document even if the stored one is fresh, and returns why if that fails. It
// returns an [StateError] for a client that is pinned or disabled.
func (r *Resolver) Refresh(ctx context.Context, url, requestID string) (*Resolution, error) {
	return r.repeat(ctx, url, requestID, (*resolving).refresh)
}

// repeat calls f until no other call has changed the client meanwhile.
func (r *Resolver) repeat(
	ctx context.Context, url, requestID string, f func(*resolving, context.Context) (*Resolution, error),
) (result *Resolution, err error) {
	if err := engine.CheckDocumentURL(url); err != nil {
		return nil, err
	}
	for range attempts {
		now := r.config.Now().UTC().Truncate(time.Microsecond)
		work := &resolving{Resolver: r, url: url, requestID: requestID, now: now, unstored: result}
		if err := work.begin(ctx); err != nil {
			return nil, err
		}
		result, err = f(work, ctx)
		if !errors.Is(err, engine.ErrConflict) && !errors.Is(err, engine.ErrExists) {
			return result, err
		}
	}
	return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
}

// A resolving is one attempt of a call.
type resolving struct {
	*Resolver
	url, requestID string
	now            time.Time
	policy         int64          // number of the deployment in force
	current        *engine.Client // as stored; nil means that there is none
	unstored       *Resolution    // what the attempt before made, but did not store; nil means nothing
}

// begin reads the client, and which deployment is in force.
func (w *resolving) begin(ctx context.Context) (err error) {
	w.current, err = w.config.Store.Client(ctx, w.url)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	loaded := false
	if w.policy, loaded = w.config.Deployment(); !loaded {
		return errNotLoaded
	}
	return nil
}

func (w *resolving) resolve(ctx context.Context) (*Resolution, error) {
	if w.current == nil {
		return w.fetch(ctx)
	}
	if !w.current.Active() {
		return nil, engine.ErrNotFound
	}
	d := w.current.MetadataDocument
	switch {
	case d.Fresh(w.now):
	case w.madeInTime():
		return w.unstored, nil
	default:
		return w.fetchOrStale(ctx)
	}
	if err := w.underPolicy(ctx); err != nil {
		return nil, err
	}
	w.uses.note(w.url, d.UsedAt, w.now)
	return &Resolution{Client: w.current, FreshUntil: d.FreshUntil}, nil
}

// madeInTime reports whether what this call fetched counts although another call has stored its own. A document that is
// never fresh would otherwise be fetched and stored again by each of the calls at once, until their attempts end.
func (w *resolving) madeInTime() bool {
	return w.unstored != nil && w.current.MetadataDocument.Kept &&
		w.unstored.Client.MetadataDocument.Policy == w.policy
}

func (w *resolving) refresh(ctx context.Context) (*Resolution, error) {
	if w.current != nil {
		switch {
		case !w.current.Active():
			return nil, &StateError{"the client is disabled, and its document is not fetched: enable it first"}
		case w.current.MetadataDocument.Pinned():
			return nil, &StateError{"the document is pinned, and is not fetched: unpin it first"}
		}
	}
	return w.fetch(ctx)
}

// underPolicy runs the steps for the stored document if it ran through those of another deployment than the one in
// force, so that a policy applies as soon as it is deployed. What is refused stays as it is stored: a later deployment
// may allow it.
func (w *resolving) underPolicy(ctx context.Context) error {
	if w.current.MetadataDocument.Policy == w.policy {
		return nil
	}
	text, err := w.config.Store.DocumentText(ctx, w.current)
	if err != nil {
		return err
	}
	made, err := w.made(ctx, text)
	if err != nil {
		return err
	}
	d := *w.current.MetadataDocument
	later := d.Policy > w.policy
	d.Policy = w.policy
	made.MetadataDocument = &d
	if later {
		// Another server has loaded a later deployment. If both stored, they would replace each other's at each look-up.
		w.current = made
		return nil
	}
	return w.put(ctx, made, nil)
}

// fetchOrStale fetches the document, and if that fails returns the last good copy, as far as it may serve.
func (w *resolving) fetchOrStale(ctx context.Context) (*Resolution, error) {
	result, failure := w.fetch(ctx)
	d := w.current.MetadataDocument
	if failure == nil || !bridged(failure) || !d.Kept || !w.now.Before(d.FreshUntil.Add(w.config.Stale)) {
		return result, failure
	}
	if err := w.underPolicy(ctx); err != nil {
		return nil, err
	}
	w.uses.note(w.url, d.UsedAt, w.now)
	return &Resolution{Client: w.current, FreshUntil: d.FreshUntil, Failure: failure}, nil
}

// bridged reports whether the last good copy may serve after a failure of a fetch, of the document or of what is at a
// URL in it: the host is down, or refuses servers. A host that answers that the document is not there, or with one that
// is too large, has withdrawn the copy.
func bridged(err error) bool {
	failed, ok := errors.AsType[*fetch.Error](err)
	return ok && !withdrawn(failed)
}

func withdrawn(e *fetch.Error) bool {
	gone := e.Status == http.StatusNotFound || e.Status == http.StatusGone
	return e.Code == fetch.CodeSize || e.Code == fetch.CodeURL || e.Code == fetch.CodeStatus && gone
}

// fetch fetches the document, runs it through the steps, and stores the client.
func (w *resolving) fetch(ctx context.Context) (*Resolution, error) {
	var conditions fetch.Conditions
	if w.current != nil && w.current.MetadataDocument.Kept && !w.current.MetadataDocument.Pinned() {
		d := w.current.MetadataDocument
		conditions = fetch.Conditions{ETag: d.ETag, LastModified: d.LastModified}
	}
	response, err := w.config.Fetch(ctx, w.url, conditions)
	if failed, ok := errors.AsType[*fetch.Error](err); ok && withdrawn(failed) {
		return nil, errors.Join(w.forget(ctx), err)
	}
	if err != nil {
		return nil, err
	}
	text := response.Body
	before, err := w.keptText(ctx)
	if err != nil {
		return nil, err
	}
	if response.NotModified {
		text = before
	}
	made, err := w.made(ctx, text)
	if _, refused := errors.AsType[*engine.Error](err); refused && !bridged(err) {
		return nil, errors.Join(w.forget(ctx), err)
	}
	if err != nil {
		return nil, err
	}
	made.MetadataDocument = &engine.MetadataDocument{Kept: response.Keep, Text: text, ETag: response.ETag,
		LastModified: response.LastModified, FetchedAt: w.now, FreshUntil: response.FreshUntil}
	return &Resolution{Client: made, FreshUntil: response.FreshUntil}, w.store(ctx, made, before)
}

// keptText returns the document that is stored; nil if none is.
func (w *resolving) keptText(ctx context.Context) ([]byte, error) {
	if w.current == nil || !w.current.MetadataDocument.Kept {
		return nil, nil
	}
	return w.config.Store.DocumentText(ctx, w.current)
}

// made returns the client that the steps in force make of a document, with what is kept of the stored client.
func (w *resolving) made(ctx context.Context, text []byte) (*engine.Client, error) {
	registration, err := w.config.Engine.ResolveDocument(ctx, w.url, text, &engine.Caller{Auth: engine.AuthNone},
		w.requestID)
	if err != nil {
		return nil, err
	}
	made := registration.Client
	if old := w.current; old != nil {
		made.RegistrationID, made.IssuedAt, made.Caller = old.RegistrationID, old.IssuedAt, old.Caller
		made.Version, made.Status, made.AdminActs, made.SeenAt = old.Version, old.Status, old.AdminActs, old.SeenAt
	}
	return made, nil
}

// store completes what is kept of the document of made, and stores the client. before is the document that was kept;
// nil means none.
func (w *resolving) store(ctx context.Context, made *engine.Client, before []byte) error {
	d := made.MetadataDocument
	digest := sha256.Sum256(d.Text)
	d.Digest, d.UsedAt, d.Policy = &digest, w.now, w.policy
	var change *engine.DocumentChange
	var last *engine.MetadataDocument
	if w.current != nil {
		last = w.current.MetadataDocument
	}
	if last == nil || last.Digest == nil || *last.Digest != digest {
		change = changeOf(last, before, d, w.now)
	}
	if change == nil && !d.Kept && !last.Kept {
		return nil // no-store, so each look-up is here: nothing has changed
	}
	if change != nil && last != nil {
		w.config.Logger.InfoContext(ctx, "metadata document changed", "client_id", w.url, "before", change.Before,
			"after", change.After, "members", change.Members, "pinned", change.Pinned)
	}
	stored := *made
	if !d.Kept {
		kept := *d
		kept.Forget()
		stored.MetadataDocument = &kept
	}
	return w.put(ctx, &stored, change)
}

// put stores a client. A write that fails is only logged, unless another call has changed the client meanwhile: what is
// stored serves only to spare fetches, and the client was active when it was read.
func (w *resolving) put(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error {
	err := w.write(ctx, c, change)
	if err == nil || errors.Is(err, engine.ErrConflict) || errors.Is(err, engine.ErrExists) {
		return err
	}
	w.config.Logger.WarnContext(ctx, "storing a metadata document", "client_id", w.url, "error", err)
	w.current = c
	return nil
}

// write stores a client, and makes it the current one.
func (w *resolving) write(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error {
	if w.current == nil {
		if err := w.config.Store.AddDocument(ctx, c, change); err != nil {
			return err
		}
	} else {
		if err := w.config.Store.UpdateDocument(ctx, c, change); err != nil {
			return err
		}
		c.Version++
	}
	w.current = c
	return nil
}

// forget drops the document that is stored, if there is one.
func (w *resolving) forget(ctx context.Context) error {
	if w.current == nil || !w.current.MetadataDocument.Kept {
		return nil
	}
	c, d := *w.current, *w.current.MetadataDocument
	d.Forget()
	c.MetadataDocument = &d
	return w.put(ctx, &c, nil)
}
