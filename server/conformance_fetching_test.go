package server_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/server"
)

// conformanceFetching lists the tests of how documents of clients are fetched
// (draft-ietf-oauth-client-id-metadata-document-02).
var conformanceFetching = []struct {
	name string // number and subject
	test func(t *testing.T)
}{
	{"M01_urls", testDocumentURLs},
	{"M02_queries", testDocumentQueries},
	{"M03_redirects", testDocumentRedirects},
	{"M04_statuses", testDocumentStatuses},
	{"M05_types", testDocumentTypes},
	{"M06_sizes", testDocumentSizes},
	{"M07_stalls", testDocumentStalls},
	{"M08_addresses", testDocumentAddresses},
	{"M09_members", testFetchedMembers},
	{"M14_keys", testFetchedKeys},
	{"M23_freshness", testDocumentFreshness},
	{"M24_failures", testDocumentFailuresAreNotKept},
	{"M25_budgets", testDocumentBudgets},
	{"M29_codes", testDocumentCodes},
}

// TestDocumentConformance tests the requirements of metadata documents in docs/conformance.md over HTTP. The names of
// its subtests begin with the number of the row. No test depends on the database.
func TestDocumentConformance(t *testing.T) {
	for _, tt := range conformanceFetching {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t)
		})
	}
}

// docs/conformance.md names each subtest of TestDocumentConformance and of TestDocumentClients in the row of its
// number, and no other.
func TestDocumentConformanceIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var fetching, clients []string
	for _, tt := range conformanceFetching {
		fetching = append(fetching, tt.name)
	}
	for _, tt := range documentClients {
		clients = append(clients, tt.name)
	}
	for test, want := range map[string][]string{"TestDocumentConformance": fetching, "TestDocumentClients": clients} {
		var got []string
		row := regexp.MustCompile("(?m)^\\| (M[0-9]+b?) \\|.* `" + test + "/([^`]+)`")
		for _, found := range row.FindAllStringSubmatch(string(page), -1) {
			got = append(got, found[2])
			if !strings.HasPrefix(found[2], found[1]+"_") {
				t.Errorf("row %s names %s", found[1], found[2])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the rows are other than the tests (-tests +rows):\n%s", test, diff)
		}
	}
}

// A resolver is a site that resolves metadata documents, and the host of the documents.
type resolver struct {
	*site
	host *webHost
}

// newResolver returns a resolver. change changes how it fetches; nil means no change.
func newResolver(t *testing.T, change func(*fetch.Config)) *resolver {
	t.Helper()
	host := newWebHost(t)
	c := host.fetching()
	c.MaxBytes, c.Timeout = 5<<10, time.Minute // the machine may be slow
	c.Budget = fetch.NewBudget(fetch.Limits{Rate: 1e6, Burst: 1e6, HostRate: 1e6, HostBurst: 1e6})
	if change != nil {
		change(&c)
	}
	return &resolver{newSite(t, setup{server: server.Config{RequestTimeout: 4 * time.Minute,
		FetchDocument: fetch.New(c).Get}}), host}
}

// resolve asks for the client with an ID.
func (r *resolver) resolve(id string) *exchange {
	r.t.Helper()
	return r.call("GET", "/admin/v1/metadata-documents?url="+url.QueryEscape(id), "")
}

// document returns a good document for a path of the host, filled up to size bytes; 0 means not filled.
func (r *resolver) document(path string, size int) string {
	head := `{"client_id":"` + r.host.URL + path + `","redirect_uris":["https://app.example/cb"],"x":"`
	return head + strings.Repeat("x", max(0, size-len(head)-2)) + `"}`
}

// answer has the host answer a path with a good document, with a status and headers.
func (r *resolver) answer(path string, status int, headers ...string) {
	r.send(path, status, r.document(path, 0), headers...)
}

// send has the host answer a path with a body, with a status and headers.
func (r *resolver) send(path string, status int, body string, headers ...string) {
	r.host.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// wantCode checks that a document was not fetched, and returns the failure.
func (e *exchange) wantCode(code fetch.Code) map[string]any {
	e.t.Helper()
	failure, _ := e.want(http.StatusUnprocessableEntity).json()["document"].(map[string]any)
	if failure["code"] != string(code) {
		e.t.Errorf("got %s, want the code %s", e.body, code)
	}
	return failure
}

func testDocumentURLs(t *testing.T) {
	r := newResolver(t, nil)
	r.answer("/", http.StatusOK)
	for _, id := range []string{strings.Replace(r.host.URL, "https:", "http:", 1) + "/c",
		strings.Replace(r.host.URL, "https://", "https://user@", 1) + "/c",
		strings.Replace(r.host.URL, "https://", "https://user:password@", 1) + "/c", r.host.URL + "/c#fragment",
		r.host.URL + "/c#", r.host.URL + "/a/../c", r.host.URL + "/./c", r.host.URL + "/%2e%2e/c",
		r.host.URL + "/a/%2E", r.host.URL, r.host.URL + "?a=b", "https:///c", "client", ""} {
		if e := r.resolve(id).want(http.StatusBadRequest); !strings.Contains(e.body, "url: ") {
			t.Errorf("%s: got %s, want the parameter's name", id, e.body)
		}
	}
	if n := r.host.asked.Load(); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

func testDocumentQueries(t *testing.T) {
	r := newResolver(t, nil)
	var mu sync.Mutex
	var asked []string
	r.host.mux.HandleFunc("/c/", func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, q.RequestURI)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, r.document(q.RequestURI, 0))
	})
	// Each is another client, whose URL is sent as it is written.
	want := []string{"/c/", "/c/a", "/c/A", "/c/%61", "/c/a?", "/c/a?b=%2F&c", "/c/a?c&b=/"}
	for _, path := range want {
		checkMembers(t, r.resolve(r.host.URL+path).want(http.StatusOK).json(),
			map[string]any{"client_id": r.host.URL + path})
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(asked, " "); got != strings.Join(want, " ") {
		t.Errorf("the host was asked for\n%s, want\n%s", got, want)
	}
}

func testDocumentRedirects(t *testing.T) {
	r := newResolver(t, nil)
	target := newWebHost(t)
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for i, location := range []string{target.URL + "/c", "/other"} {
			path := fmt.Sprintf("/%d/%d", status, i)
			r.answer(path, status, "Location: "+location)
			checkMembers(t, r.resolve(r.host.URL+path).wantCode(fetch.CodeRedirect), map[string]any{"status": status})
		}
	}
	if n := target.asked.Load(); n != 0 {
		t.Errorf("the target got %d requests, want none", n)
	}
	if n := r.host.asked.Load(); n != 12 {
		t.Errorf("the host got %d requests, want 12", n)
	}
}

func testDocumentStatuses(t *testing.T) {
	r := newResolver(t, nil)
	for _, status := range []int{201, 202, 203, 204, 206, 304, 400, 403, 404, 500, 503} {
		path := fmt.Sprintf("/%d", status)
		r.answer(path, status)
		checkMembers(t, r.resolve(r.host.URL+path).wantCode(fetch.CodeStatus), map[string]any{"status": status})
	}
}

func testDocumentTypes(t *testing.T) {
	r := newResolver(t, nil)
	for i, good := range []string{"application/json", "application/json; charset=utf-8", "application/x+json"} {
		path := fmt.Sprintf("/good/%d", i)
		r.answer(path, http.StatusOK, "Content-Type: "+good)
		r.resolve(r.host.URL + path).want(http.StatusOK)
	}
	for i, bad := range []string{"text/html", "text/plain", "text/json", "application/jsonp", "json", ""} {
		path := fmt.Sprintf("/bad/%d", i)
		r.answer(path, http.StatusOK, "Content-Type: "+bad)
		checkMembers(t, r.resolve(r.host.URL+path).wantCode(fetch.CodeType), map[string]any{"status": http.StatusOK})
	}
}

func testDocumentSizes(t *testing.T) {
	const limit = 5 << 10
	r := newResolver(t, nil)
	ways := map[string]func(w http.ResponseWriter, document string){
		"length": func(w http.ResponseWriter, document string) { io.WriteString(w, document) },
		"chunks": func(w http.ResponseWriter, document string) {
			w.(http.Flusher).Flush()
			io.WriteString(w, document)
		},
		"gzip": func(w http.ResponseWriter, document string) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, document)
			z.Close()
		},
	}
	for way, write := range ways {
		for _, size := range []int{limit, limit + 1, 1 << 20} {
			path := fmt.Sprintf("/%s/%d", way, size)
			r.host.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				write(w, r.document(path, size))
			})
			if size == limit {
				r.resolve(r.host.URL + path).want(http.StatusOK)
				continue
			}
			if got := r.resolve(r.host.URL + path).wantCode(fetch.CodeSize); got["size"].(float64) <= limit {
				t.Errorf("%s: got %v, want a size above %d", path, got, limit)
			}
		}
	}
}

func testDocumentStalls(t *testing.T) {
	r := newResolver(t, func(c *fetch.Config) { c.Timeout = 200 * time.Millisecond })
	r.host.mux.HandleFunc("/header", func(_ http.ResponseWriter, q *http.Request) {
		<-q.Context().Done()
		panic(http.ErrAbortHandler)
	})
	r.host.mux.HandleFunc("/body", func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
		panic(http.ErrAbortHandler)
	})
	r.resolve(r.host.URL + "/header").wantCode(fetch.CodeTimeout)
	r.resolve(r.host.URL + "/body").wantCode(fetch.CodeTimeout)
}

func testDocumentAddresses(t *testing.T) {
	r := newResolver(t, func(c *fetch.Config) { c.AllowPrivate = false })
	r.answer("/c", http.StatusOK)
	_, port, _ := strings.Cut(strings.TrimPrefix(r.host.URL, "https://"), ":")
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]",
		"[fd00::1]", "localhost", "unknown.invalid"} {
		if e := r.resolve("https://" + host + ":" + port + "/c"); e.status != http.StatusBadRequest {
			e.wantCode(fetch.CodeResolve)
		}
	}
	if n := r.host.asked.Load(); n != 0 {
		t.Errorf("a private address got %d requests, want none", n)
	}
}

// The documents that members of a client's metadata name are fetched by the same rules; logos and pages never are.
func testFetchedMembers(t *testing.T) {
	host := newWebHost(t)
	guarded := newSite(t, setup{options: engine.Options{FetchJWKSURI: true}, engine: func(c *engine.Config) {
		c.Fetch = fetch.New(fetch.Config{Logger: slog.New(slog.DiscardHandler)}).Fetch
	}})
	for _, member := range []string{"jwks_uri", "sector_identifier_uri"} {
		for _, document := range []string{host.URL + "/d", "https://169.254.169.254/latest", "https://[::1]/d",
			"https://[::ffff:127.0.0.1]/d"} {
			guarded.refused(`{`+web+`,"`+member+`":"`+document+`"}`, "invalid_client_metadata", member)
		}
	}
	guarded.registered(`{` + web + `,"logo_uri":"` + host.URL + `/logo","client_uri":"` + host.URL +
		`/","policy_uri":"` + host.URL + `/policy","tos_uri":"` + host.URL + `/tos"}`)
	if n := host.asked.Load(); n != 0 {
		t.Errorf("a private address got %d requests, want none", n)
	}
}
