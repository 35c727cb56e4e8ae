package documents_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/server/documents"
	"registrar/store"
	"registrar/store/storetest"
)

const (
	url  = "https://app.example/client.json"
	text = `{"client_id":"` + url + `","redirect_uris":["https://app.example/cb"]}`
)

// failing is a database that refuses writes while broken is set.
type failing struct {
	*store.Store
	broken atomic.Bool
}

var errBroken = errors.New("the database is read-only")

func (f *failing) AddDocument(ctx context.Context, c *engine.Client, first *engine.DocumentChange) error {
	if f.broken.Load() {
		return errBroken
	}
	return f.Store.AddDocument(ctx, c, first)
}

func (f *failing) UpdateDocument(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error {
	if f.broken.Load() {
		return errBroken
	}
	return f.Store.UpdateDocument(ctx, c, change)
}

// newResolver returns a resolver of a document that is fresh for an hour, its database, how often the document was
// fetched, and the number of the deployment in force. change changes its configuration.
func newResolver(
	t testing.TB, change ...func(*documents.Config),
) (*documents.Resolver, *failing, *atomic.Int64, *atomic.Int64) {
	t.Helper()
	opened, err := store.Open(t.Context(), store.Config{Database: storetest.SQLite(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	db, fetched, deployment := &failing{Store: opened}, &atomic.Int64{}, &atomic.Int64{}
	e, err := engine.New(engine.Config{Store: opened, Overrides: func(r *engine.Registration, base engine.Steps) (
		engine.Steps, func(),
	) {
		base.SetClientName = func(_ context.Context, r *engine.Registration) error {
			r.Client.Metadata.ClientName = strings.Repeat("x", int(deployment.Load())) // the policy
			return nil
		}
		return base, func() {}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := documents.Config{Store: db, Engine: e, Now: time.Now,
		Deployment: func() (int64, bool) { return deployment.Load(), deployment.Load() >= 0 },
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
		Fetch: func(context.Context, string, fetch.Conditions) (*fetch.Response, error) {
			fetched.Add(1)
			return &fetch.Response{Body: []byte(text), Keep: true, FreshUntil: time.Now().Add(time.Hour)}, nil
		}}
	for _, f := range change {
		f(&c)
	}
	return documents.New(c), db, fetched, deployment
}

// A database that takes no writes costs fetches, but no look-up; and the policy in force applies all the same.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	r, db, fetched, deployment := newResolver(t)
	db.broken.Store(true)
	for range 2 {
		if _, err := r.Resolve(t.Context(), url, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := fetched.Load(); n != 2 {
		t.Errorf("the document was fetched %d times, want twice", n)
	}
	db.broken.Store(false)
	if _, err := r.Resolve(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	db.broken.Store(true)
	deployment.Store(3)
	result, err := r.Resolve(t.Context(), url, "")
	if err != nil || result.Client.Metadata.ClientName != "xxx" {
		t.Errorf("under another deployment: got %+v and %v, want the name that it gives", result, err)
	}
	if _, err := r.Pin(t.Context(), url, []byte(text), &engine.AdminCall{Name: "admin"}, ""); !errors.Is(err, errBroken) {
		t.Errorf("a pin that is not stored: got %v, want %v", err, errBroken)
	}
}

// Before a deployment is loaded, the policy is not known: nothing resolves.
func TestNoDeploymentIsLoaded(t *testing.T) {
	t.Parallel()
	r, _, fetched, deployment := newResolver(t)
	if _, err := r.Resolve(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	deployment.Store(-1)
	if _, err := r.Resolve(t.Context(), url, ""); !errors.Is(err, engine.ErrUnavailable) || fetched.Load() != 1 {
		t.Errorf("got %v after %d fetches, want %v after one", err, fetched.Load(), engine.ErrUnavailable)
	}
}

// Look-ups at once all get the document, whichever of them stores it, and none brings back a client that was
// disabled.
func TestLookUpsAtOnce(t *testing.T) {
	t.Parallel()
	r, db, _, deployment := newResolver(t)
	at := func(want error) {
		t.Helper()
		var looking sync.WaitGroup
		for range 16 {
			looking.Go(func() {
				result, err := r.Resolve(t.Context(), url, "")
				if !errors.Is(err, want) || err == nil && result.Client.ID != url {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
		looking.Wait()
	}
	at(nil)
	deployment.Store(2)
	at(nil)
	c, err := db.Client(t.Context(), url)
	if err != nil || c.Metadata.ClientName != "xx" {
		t.Fatalf("got %+v and %v, want the client under the second deployment", c, err)
	}
	c.Status = engine.StatusDisabled
	if err := db.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	deployment.Store(3)
	at(engine.ErrNotFound)
}

// contended is a database in which before is called before each update.
type contended struct {
	documents.Store
	before func()
}

func (c *contended) UpdateDocument(ctx context.Context, client *engine.Client, change *engine.DocumentChange) error {
	c.before()
	return c.Store.UpdateDocument(ctx, client, change)
}

// A call returns what it fetched, although others that fetch a document that is never fresh store theirs first; but not
// if the client was disabled meanwhile.
func TestNeverFresh(t *testing.T) {
	t.Parallel()
	var other *documents.Resolver // of another server
	var changed bool              // to what the first call gets
	between := &contended{before: func() {
		changed = false
		if _, err := other.Resolve(t.Context(), url, ""); err != nil {
			t.Error(err)
		}
	}}
	r, db, fetched, _ := newResolver(t, func(c *documents.Config) {
		get := c.Fetch
		c.Fetch = func(ctx context.Context, url string, conditions fetch.Conditions) (*fetch.Response, error) {
			response, err := get(ctx, url, conditions)
			response.FreshUntil = time.Now()
			if changed {
				response.Body = append(response.Body, '\n')
			}
			return response, err
		}
		other = documents.New(*c)
		between.Store, c.Store = c.Store, between
	})
	if _, err := r.Resolve(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	fetched.Store(0)
	changed = true
	result, err := r.Resolve(t.Context(), url, "")
	if err != nil || !strings.HasSuffix(string(result.Client.MetadataDocument.Text), "\n") || fetched.Load() != 2 {
		t.Errorf("got %+v and %v after %d fetches, want what the call fetched, and a fetch for each server", result, err,
			fetched.Load())
	}
	between.before = func() {
		c, err := db.Client(t.Context(), url)
		if err == nil {
			c.Status = engine.StatusDisabled
			err = db.Store.UpdateDocument(t.Context(), c, nil)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Resolve(t.Context(), url, ""); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("disabled meanwhile: got %v, want %v", err, engine.ErrNotFound)
	}
}

// A server that has not loaded the last deployment yet answers by its own, and leaves what another server stored.
func TestServersOnTwoDeployments(t *testing.T) {
	t.Parallel()
	r, db, fetched, deployment := newResolver(t)
	for range 2 {
		for _, number := range []int64{2, 1} {
			deployment.Store(number)
			result, err := r.Resolve(t.Context(), url, "")
			if err != nil || len(result.Client.Metadata.ClientName) != int(number) {
				t.Fatalf("deployment %d: got %+v and %v, want the name that it gives", number, result, err)
			}
		}
	}
	c, err := db.Client(t.Context(), url)
	if err != nil || c.Version != 0 || c.MetadataDocument.Policy != 2 || fetched.Load() != 1 {
		t.Errorf("got %+v and %v after %d fetches, want what was stored first", c, err, fetched.Load())
	}
}

// BenchmarkStored compares a look-up of a stored document with that of a registered client.
func BenchmarkStored(b *testing.B) {
	r, db, _, _ := newResolver(b)
	if _, err := r.Resolve(b.Context(), url, ""); err != nil {
		b.Fatal(err)
	}
	stored, err := db.Client(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	registered := *stored
	registered.ID, registered.MetadataDocument = "registered", nil
	if err := db.AddClient(b.Context(), &registered); err != nil {
		b.Fatal(err)
	}
	b.Run("registered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := db.Client(b.Context(), "registered"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("document", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Resolve(b.Context(), url, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
