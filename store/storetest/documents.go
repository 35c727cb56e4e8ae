package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"registrar/engine"
	"registrar/store"
)

// newDocument returns a client whose metadata document is at a URL.
func newDocument(url string) *engine.Client {
	c := newClient(url)
	c.MetadataDocument = &engine.MetadataDocument{Kept: true, Text: []byte(`{"client_id":"` + url + `"}`),
		UsedAt: c.IssuedAt}
	return c
}

// fullDocument returns one with all fields set.
func fullDocument(t testing.TB, url string) *engine.Client {
	t.Helper()
	full := fullClient(t, url)
	at := time.Date(2026, 5, 6, 7, 8, 9, 123_456_000, time.UTC)
	return &engine.Client{ID: url, RegistrationID: full.RegistrationID, IssuedAt: full.IssuedAt, Metadata: full.Metadata,
		Caller: full.Caller, Provenance: full.Provenance, SeenAt: full.SeenAt, Version: full.Version,
		Status: full.Status, AdminActs: full.AdminActs,
		MetadataDocument: &engine.MetadataDocument{Kept: true, Text: []byte("{\"größer\": \"🔑\"}\x00"),
			Digest: new(sha256.Sum256([]byte(url))), ETag: `"größer "`, LastModified: "Tue, 06 May 2026 07:08:09 GMT",
			FetchedAt: at, FreshUntil: at.Add(time.Hour), PinnedAt: at.Add(time.Minute), UsedAt: at.Add(time.Second),
			Policy: 1<<40 + 2}}
}

// withoutText returns c as [store.Store.Client] returns it.
func withoutText(c *engine.Client) *engine.Client {
	read, d := *c, *c.MetadataDocument
	d.Text = nil
	read.MetadataDocument = &d
	return &read
}

func mustAddDocument(t testing.TB, s *store.Store, list ...*engine.Client) {
	t.Helper()
	for _, c := range list {
		if err := s.AddDocument(t.Context(), c, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// testDocuments reads documents, of the longest URL, and updates them to everything and back.
func testDocuments(t *testing.T, database string) {
	s := open(t, database)
	long := "https://app.example/" + strings.Repeat("x", engine.MaxDocumentURL-20)
	full := fullDocument(t, long)
	mustAddDocument(t, s, full)
	compare(t, withoutText(full), mustGet(t, s, long))
	if text, err := s.DocumentText(t.Context(), full); err != nil || string(text) != string(full.MetadataDocument.Text) {
		t.Errorf("the text: got %q and %v, want %q", text, err, full.MetadataDocument.Text)
	}
	if err := s.AddDocument(t.Context(), newDocument(long), nil); !errors.Is(err, engine.ErrExists) {
		t.Errorf("adding it again: got %v, want %v", err, engine.ErrExists)
	}
	if err := s.AddDocument(t.Context(), newDocument(long+"x"), nil); err == nil {
		t.Error("a longer URL: got no error")
	}

	// An update must not change when the client was made, by whom, and when it was seen. Without a text, the text stays.
	bare := newDocument(long)
	bare.RegistrationID, bare.Version, bare.MetadataDocument.Text = full.RegistrationID, full.Version, nil
	want := withoutText(bare)
	want.IssuedAt, want.Caller, want.SeenAt, want.Version = full.IssuedAt, full.Caller, full.SeenAt, full.Version+1
	if err := s.UpdateDocument(t.Context(), bare, nil); err != nil {
		t.Fatal(err)
	}
	compare(t, want, mustGet(t, s, long))
	if text, err := s.DocumentText(t.Context(), want); err != nil || string(text) != string(full.MetadataDocument.Text) {
		t.Errorf("the text after an update without one: got %q and %v", text, err)
	}
	for name, stale := range map[string]*engine.Client{"an old version": bare, "another client": newDocument(long),
		"no client": newDocument("https://app.example/none")} {
		if err := s.UpdateDocument(t.Context(), stale, nil); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("updating %s: got %v, want %v", name, err, engine.ErrConflict)
		}
		if _, err := s.DocumentText(t.Context(), stale); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("the text of %s: got %v, want %v", name, err, engine.ErrConflict)
		}
	}

	// What is not kept is gone from the database, but for the digest.
	forgotten := *want
	forgotten.MetadataDocument = &engine.MetadataDocument{Digest: full.MetadataDocument.Digest, UsedAt: want.IssuedAt}
	forgotten.Metadata, forgotten.Provenance.Acts = engine.Metadata{}, nil
	mustUpdate(t, s, &forgotten)
	forgotten.Version++
	compare(t, &forgotten, mustGet(t, s, long))
	if text, err := s.DocumentText(t.Context(), &forgotten); err != nil || text != nil {
		t.Errorf("the text of a document that is not kept: got %q and %v", text, err)
	}
	var rest int
	row := raw(t, database).QueryRow("SELECT COUNT(*) FROM documents WHERE metadata IS NOT NULL OR document IS NOT NULL " +
		"OR client_name IS NOT NULL")
	if err := row.Scan(&rest); err != nil || rest != 0 {
		t.Errorf("%d rows (%v) hold a part of the document, want none", rest, err)
	}
	if err := s.DeleteClient(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"reading": errorOf(s.Client(t.Context(), long)),
		"deleting": s.DeleteClient(t.Context(), long)} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s a deleted document: got %v, want %v", name, err, engine.ErrNotFound)
		}
	}
}

func errorOf(_ *engine.Client, err error) error { return err }

// testDocumentIDs compares URLs byte for byte.
func testDocumentIDs(t *testing.T, database string) {
	s := open(t, database)
	urls := []string{"https://app.example/c", "https://app.example/C", "https://App.example/c", "https://app.example/c ",
		"https://app.example/c/", "https://app.example:443/c", "https://app.example/%63", "https://app.example/c?"}
	longest := "https://app.example/" + strings.Repeat("x", engine.MaxDocumentURL-20)
	urls = append(urls, longest, longest[:engine.MaxDocumentURL-1]+"y")
	for _, url := range urls {
		mustAddDocument(t, s, newDocument(url))
	}
	for _, url := range urls {
		if c := mustGet(t, s, url); c.ID != url {
			t.Errorf("got %q, want %q", c.ID, url)
		}
	}
	if found := ids(t, s, engine.ClientFilter{Kind: engine.KindDocument}); len(found) != len(urls) {
		t.Errorf("got %q, want %d clients", found, len(urls))
	}
	for _, none := range []string{"https://app.example/\xff", "https://app.example/\x00", "https://app.example/c\u00a0",
		"https://", longest + longest} {
		if err := errorOf(s.Client(t.Context(), none)); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%.40q: got %v, want %v", none, err, engine.ErrNotFound)
		}
		if err := s.DeleteClient(t.Context(), none); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("deleting %.40q: got %v, want %v", none, err, engine.ErrNotFound)
		}
		if err := s.MarkSeen(t.Context(), []string{none}, time.Now()); err != nil {
			t.Errorf("marking %.40q: %v", none, err)
		}
	}
	if exists, err := s.ClientExists(t.Context(), urls[0]); exists || err != nil {
		t.Errorf("a registered client with a URL: got %t and %v", exists, err)
	}
}

// testDocumentRace has several servers add, and then update, one document.
func testDocumentRace(t *testing.T, database string) {
	s := open(t, database)
	const url, racers = "https://app.example/c", 8
	race := func(f func() error, loses error) {
		t.Helper()
		var racing sync.WaitGroup
		errs := make([]error, racers)
		for i := range errs {
			racing.Go(func() { errs[i] = f() })
		}
		racing.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, loses):
				t.Errorf("got %v, want %v", err, loses)
			}
		}
		if won != 1 {
			t.Errorf("%d calls have won, want one", won)
		}
	}
	race(func() error { return s.AddDocument(t.Context(), newDocument(url), nil) }, engine.ErrExists)
	current := mustGet(t, s, url)
	race(func() error {
		mine := *current
		return s.UpdateDocument(t.Context(), &mine, &engine.DocumentChange{After: "sha256:0"})
	}, engine.ErrConflict)
	if got := mustGet(t, s, url).Version; got != current.Version+1 {
		t.Errorf("the version is %d, want %d", got, current.Version+1)
	}
}

// testDocumentChanges keeps the last changes.
func testDocumentChanges(t *testing.T, database string) {
	s := open(t, database)
	c := newDocument("https://app.example/c")
	change := func(n int) *engine.DocumentChange {
		return &engine.DocumentChange{At: time.Unix(int64(n), 1000).UTC(), Before: fmt.Sprint("sha256:", n-1),
			After: fmt.Sprint("sha256:", n), Pinned: n%2 == 0, Members: []string{"client_name", "größer"}}
	}
	if err := s.AddDocument(t.Context(), c, change(0)); err != nil {
		t.Fatal(err)
	}
	var want []engine.DocumentChange
	for n := range engine.MaxDocumentChanges + 3 {
		if n > 2 {
			want = append(want, *change(n))
		}
		if n == 0 {
			continue
		}
		if err := s.UpdateDocument(t.Context(), c, change(n)); err != nil {
			t.Fatal(err)
		}
		c.Version++
	}
	got, err := s.DocumentChanges(t.Context(), c)
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v; changes, want (-) and got (+):\n%s", err, diff)
	}
}

// testDocumentExcess deletes in parts what a lower bound has no room for.
func testDocumentExcess(t *testing.T, database string) {
	s := openWith(t, store.Config{Database: database, MaxDocuments: 3})
	const first = "https://app.example/first"
	mustAddDocument(t, s, newDocument(first))
	const others = "registration,issued_at,caller,deployment,acts,policy,version,etag,last_modified,used_at,held"
	tx, err := raw(t, database).Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2100 {
		if _, err := tx.Exec("INSERT INTO documents (client_id,"+others+") SELECT ?,"+others+" FROM documents "+
			"WHERE client_id = ?", fmt.Sprint("https://app.example/", i), first); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1101, 101, 3} {
		mustAddDocument(t, s, newDocument(fmt.Sprint("https://app.example/new", i)))
		var n int
		if err := raw(t, database).QueryRow("SELECT COUNT(*) FROM documents").Scan(&n); err != nil || n != want {
			t.Errorf("after %d documents were added, %d are stored (%v), want %d", i+1, n, err, want)
		}
	}
}

// testDocumentRoom deletes the longest unused documents, but none that is pinned or disabled.
func testDocumentRoom(t *testing.T, database string) {
	s := openWith(t, store.Config{Database: database, MaxDocuments: 3})
	base := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	add := func(name string, used time.Time, change func(*engine.Client)) {
		t.Helper()
		c := newDocument("https://app.example/" + name)
		c.MetadataDocument.UsedAt = used
		change(c)
		mustAddDocument(t, s, c)
	}
	none := func(*engine.Client) {}
	add("pinned", base, func(c *engine.Client) { c.MetadataDocument.PinnedAt = base })
	add("disabled", base, func(c *engine.Client) { c.Status = engine.StatusDisabled })
	add("first", base.Add(1*time.Minute), none)
	add("second", base.Add(2*time.Minute), none)
	add("third", base.Add(3*time.Minute), none)
	if err := s.UseDocuments(t.Context(), []string{"https://app.example/first", "https://app.example/none"},
		base.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.UseDocuments(t.Context(), []string{"https://app.example/first"}, base); err != nil {
		t.Fatal(err)
	}
	add("fourth", base.Add(4*time.Minute), none)
	want := []string{"disabled", "first", "fourth", "pinned", "third"}
	for i := range want {
		want[i] = "https://app.example/" + want[i]
	}
	if diff := gocmp.Diff(want, ids(t, s, engine.ClientFilter{})); diff != "" {
		t.Errorf("documents, want (-) and got (+):\n%s", diff)
	}
	// Once enabled, it is deleted as others are: it is the longest unused.
	enabled := mustGet(t, s, "https://app.example/disabled")
	enabled.Status = engine.StatusActive
	mustUpdate(t, s, enabled)
	add("fifth", base.Add(5*time.Minute), none)
	for name, there := range map[string]bool{"disabled": false, "pinned": true, "third": false, "fifth": true} {
		if err := errorOf(s.Client(t.Context(), "https://app.example/"+name)); (err == nil) != there {
			t.Errorf("%s: got %v, want it there: %t", name, err, there)
		}
	}
}

// testDocumentList lists registered clients, then documents, in pages of any size.
func testDocumentList(t *testing.T, database string) {
	s := open(t, database)
	want := []string{"b", "a", "https://app.example/2", "https://app.example/1"}
	mustAdd(t, s, newClient("a"), newClient("b"))
	for _, url := range []string{want[3], want[2]} {
		c := newDocument(url)
		c.Metadata.ClientName, c.Metadata.SoftwareID = "Größe "+url[len(url)-1:], "software"
		c.Caller.IP = netip.MustParseAddr("192.0.2." + url[len(url)-1:])
		mustAddDocument(t, s, c)
	}
	for _, filter := range []engine.ClientFilter{{}, {Status: engine.StatusActive}} {
		for size := 1; size <= 5; size++ {
			if diff := gocmp.Diff(want, inPages(t, s, filter, size)); diff != "" {
				t.Errorf("in pages of %d, want (-) and got (+):\n%s", size, diff)
			}
		}
	}
	for _, c := range []struct {
		filter engine.ClientFilter
		want   []string
	}{
		{engine.ClientFilter{Kind: engine.KindRegistered}, []string{"a", "b"}},
		{engine.ClientFilter{Kind: engine.KindDocument}, []string{want[3], want[2]}},
		{engine.ClientFilter{Query: "https://app.example/2"}, []string{want[2]}},
		{engine.ClientFilter{Name: "größe 1"}, []string{want[3]}},
		{engine.ClientFilter{SoftwareID: "software", Kind: engine.KindRegistered}, []string{}},
		{engine.ClientFilter{SoftwareID: "software"}, []string{want[3], want[2]}},
		{engine.ClientFilter{Status: engine.StatusDisabled}, []string{}},
		{engine.ClientFilter{Network: netip.MustParsePrefix("192.0.2.0/30")}, []string{want[3], want[2]}},
		{engine.ClientFilter{Network: netip.MustParsePrefix("192.0.2.1/32")}, []string{want[3]}},
	} {
		if diff := gocmp.Diff(c.want, ids(t, s, c.filter)); diff != "" {
			t.Errorf("%+v, want (-) and got (+):\n%s", c.filter, diff)
		}
	}
	noon := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	if err := s.MarkSeen(t.Context(), []string{"a", want[3], "https://app.example/none"}, noon); err != nil {
		t.Fatal(err)
	}
	if seen := mustGet(t, s, want[3]).SeenAt; !seen.Equal(noon) {
		t.Errorf("got seen at %v, want %v", seen, noon)
	}
	if diff := gocmp.Diff([]string{"b", want[2]}, ids(t, s, engine.ClientFilter{NeverSeen: true})); diff != "" {
		t.Errorf("never seen, want (-) and got (+):\n%s", diff)
	}
	mustAdd(t, s, newClient("later"))
	if got := newClientsOf(t, s); !reflect.DeepEqual(got, []string{"later", "b", "a"}) {
		t.Errorf("the latest registered clients: got %q", got)
	}
}

// newClientsOf returns the IDs of the latest registered clients, which are replayed.
func newClientsOf(t testing.TB, s *store.Store) (list []string) {
	t.Helper()
	for c, err := range s.LatestClients(t.Context(), 10) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c.ID)
	}
	return list
}

// testDocumentStatus disables a document by the means that clients have.
func testDocumentStatus(t *testing.T, database string) {
	s := open(t, database)
	c := newDocument("https://app.example/c")
	mustAddDocument(t, s, c)
	changed := *withoutText(c)
	changed.Status = engine.StatusDisabled
	changed.AdminActs = []engine.AdminAct{{Action: engine.ActionDisabled, At: c.IssuedAt, By: "admin", Reason: "größer"}}
	mustUpdate(t, s, &changed)
	changed.Version++
	compare(t, &changed, mustGet(t, s, c.ID))
	if text, err := s.DocumentText(t.Context(), &changed); err != nil || text == nil {
		t.Errorf("the text: got %q and %v, want that of before", text, err)
	}
	if err := s.MarkSeen(t.Context(), []string{c.ID}, c.IssuedAt); err != nil {
		t.Fatal(err)
	}
	if seen := mustGet(t, s, c.ID).SeenAt; !seen.IsZero() {
		t.Errorf("got seen at %v, want a disabled client as it was", seen)
	}
	other := changed
	other.RegistrationID = uuid.New()
	if err := s.UpdateClient(t.Context(), &other); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("another client: got %v, want %v", err, engine.ErrConflict)
	}
}
