package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// An StateError reports that the state of a client does not allow a call.
type StateError struct{ reason string }

// Error returns the reason, and what would be right.
func (e *StateError) Error() string { return e.reason }

// Pin puts an operator's copy of the document in force: the URL resolves to it, and is not fetched, until Unpin. The
// copy runs through the steps as a fetched document does. The status of the client stays.
func (r *Resolver) Pin(
	ctx context.Context, url string, text []byte, call *engine.AdminCall, requestID string,
) (*engine.Client, error) {
	result, err := r.repeat(ctx, url, requestID, func(w *resolving, ctx context.Context) (*Resolution, error) {
		made, err := w.made(ctx, text)
		if err != nil {
			return nil, err
		}
		before, err := w.keptText(ctx)
		if err != nil {
			return nil, err
		}
		made.AdminActs = call.Record(made.AdminActs, engine.ActionPinned, w.now)
		var last *engine.MetadataDocument
		if w.current != nil {
			last = w.current.MetadataDocument
		}
		made.MetadataDocument = &engine.MetadataDocument{Kept: true, Text: text, Digest: new(sha256.Sum256(text)),
			PinnedAt: w.now, UsedAt: w.now, Policy: w.policy}
		return &Resolution{Client: made}, w.write(ctx, made, changeOf(last, before, made.MetadataDocument, w.now))
	})
	if err != nil {
		return nil, err
	}
	return result.Client, nil
}

// Unpin ends a pin: the next look-up fetches the document. It returns [engine.ErrNotFound] if there is no such client,
// and an [StateError] if its document is not pinned.
func (r *Resolver) Unpin(ctx context.Context, url string, call *engine.AdminCall) (*engine.Client, error) {
	result, err := r.repeat(ctx, url, "", func(w *resolving, ctx context.Context) (*Resolution, error) {
		switch {
		case w.current == nil:
			return nil, engine.ErrNotFound
		case !w.current.MetadataDocument.Pinned():
			return nil, &StateError{"the document is not pinned"}
		}
		c, d := *w.current, *w.current.MetadataDocument
		d.Forget()
		c.MetadataDocument, c.Metadata, c.Provenance = &d, engine.Metadata{}, engine.Provenance{}
		c.AdminActs = call.Record(c.AdminActs, engine.ActionUnpinned, w.now)
		return &Resolution{Client: &c}, w.write(ctx, &c, nil)
	})
	if err != nil {
		return nil, err
	}
	return result.Client, nil
}

// History returns a stored client, and the last changes of its document, the oldest first.
func (r *Resolver) History(ctx context.Context, url string) (*engine.Client, []engine.DocumentChange, error) {
	c, err := r.config.Store.Client(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	changes, err := r.config.Store.DocumentChanges(ctx, c)
	return c, changes, err
}

// changeOf returns the change from one document to another. last is what was kept of the one before, nil if there was
// none; before is its text, nil if that was not kept.
func changeOf(
	last *engine.MetadataDocument, before []byte, now *engine.MetadataDocument, at time.Time,
) *engine.DocumentChange {
	change := &engine.DocumentChange{At: at, After: Digest(now.Digest), Pinned: now.Pinned()}
	if last != nil && last.Digest != nil {
		change.Before = Digest(last.Digest)
	}
	if before != nil {
		change.Members = differing(before, now.Text)
	}
	return change
}

// Digest returns a digest as it is shown: "sha256:" and 64 hex digits.
func Digest(d *[sha256.Size]byte) string { return "sha256:" + hex.EncodeToString(d[:]) }

// differing returns the names of the members that differ between two objects, sorted. It is not nil.
func differing(a, b []byte) []string {
	before, after := members(a), members(b)
	names := []string{}
	for name := range before {
		if string(before[name]) != string(after[name]) {
			names = append(names, name)
		}
	}
	for name := range maps.Keys(after) {
		if _, there := before[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// members returns the members of an object in canonical form (RFC 8785), so that only values count.
func members(text []byte) map[string]jsontext.Value {
	var list map[string]jsontext.Value
	if json.Unmarshal(text, &list) != nil {
		return nil // the document was read before
	}
	for name, value := range list {
		if value.Canonicalize() == nil {
			list[name] = value
		}
	}
	return list
}
