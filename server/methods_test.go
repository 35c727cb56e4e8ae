package server_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server"
)

// A route is a route of a listener, "public" or "admin".
type route struct{ listener, method, path string }

// allRoutes returns the routes of a server with every option that adds one.
func allRoutes(t testing.TB) []route {
	t.Helper()
	options := engine.Options{RegistrationEndpoint: "https://register.example/register"}
	clients, err := engine.New(engine.Config{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{
		Engine:    clients,
		Discovery: func() ([]byte, error) { return []byte(`{}`), nil },
		Metrics:   http.NotFoundHandler(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []route
	for listener, handler := range map[string]http.Handler{"public": s.Public(), "admin": s.Admin()} {
		for _, r := range handler.(*echo.Echo).Routes() {
			if r.Method != echo.RouteNotFound {
				list = append(list, route{listener, r.Method, r.Path})
			}
		}
	}
	return list
}

// routedDocument is the query of a metadata document that is stored.
const routedDocument = "?url=https%3A%2F%2Fapp.example%2Fclient"

// A routedSite is a site on which every GET route has something to respond with.
type routedSite struct {
	*site
	client *owned
	digest string
}

func newRoutedSite(t *testing.T) *routedSite {
	t.Helper()
	config := server.Config{AcceptJWTBodies: true, FetchDocument: func(_ context.Context, url string,
		_ fetch.Conditions,
	) (*fetch.Response, error) {
		return &fetch.Response{Body: []byte(`{"client_id":"` + url + `",` + web +
			`,"token_endpoint_auth_method":"none"}`), FreshUntil: time.Now().UTC().Truncate(time.Second)}, nil
	}}
	s := newSite(t, advertising(t, "https://auth.example", `{"issuer":"https://auth.example"}`, setup{server: config}))
	s.deploy("prefix-id")
	s.call("GET", "/admin/v1/metadata-documents"+routedDocument, "").want(http.StatusOK)
	return &routedSite{s, s.own(`{` + web + `}`), scripts.Digest(wasmtest.Wasm(t, "prefix-id"))}
}

// request sends a request to a route, with the token that it needs, or without one.
func (s *routedSite) request(r route, method string, authorized bool) *exchange {
	s.t.Helper()
	return s.do(method, s.base(r)+s.target(r), "", "Accept-Encoding: identity",
		"Authorization: "+s.token(r, authorized))
}

func (s *routedSite) base(r route) string {
	if r.listener == "admin" {
		return s.admin.URL
	}
	return s.public.URL
}

// target returns the path and the query of a request to a route.
func (s *routedSite) target(r route) string {
	path := strings.NewReplacer(":digest", s.digest, ":number", "1", ":id", s.client.id).Replace(r.path)
	if strings.Contains(path, "/metadata-documents") {
		path += routedDocument
	}
	return path
}

func (s *routedSite) token(r route, authorized bool) string {
	switch {
	case !authorized:
		return ""
	case r.listener == "admin":
		return "Bearer " + adminToken
	case r.path == "/register/:id":
		return "Bearer " + s.client.token
	}
	return ""
}

// HEAD is answered wherever GET is, with its status and its header, the length of its content and no content.
func TestHead(t *testing.T) {
	s := newRoutedSite(t)
	routes := allRoutes(t)
	for _, r := range routes {
		if twin := (route{r.listener, http.MethodGet, r.path}); r.method == http.MethodHead &&
			!slices.Contains(routes, twin) {
			t.Errorf("%s has HEAD without GET", r.path)
		}
		if r.method != http.MethodGet {
			continue
		}
		for _, authorized := range []bool{true, false} {
			get, head := s.request(r, "GET", authorized), s.request(r, "HEAD", authorized)
			if head.status != get.status || authorized && get.status != http.StatusOK {
				t.Errorf("%s, authorized %t: HEAD got %d, GET %d", r.path, authorized, head.status, get.status)
			}
			length := head.header.Get("Content-Length")
			if n, err := strconv.Atoi(length); err != nil || r.path != "/metrics" && n != len(get.body) || n == 0 {
				t.Errorf("%s, authorized %t: Content-Length is %q, the content has %d bytes", r.path, authorized,
					length,
					len(get.body))
			}
			for _, h := range []http.Header{get.header, head.header} {
				for _, varying := range []string{"Content-Length", "Date", "X-Request-Id"} {
					h.Del(varying)
				}
			}
			if !maps.EqualFunc(get.header, head.header, slices.Equal) {
				t.Errorf("%s, authorized %t: GET has the header %q, HEAD %q", r.path, authorized, get.header,
					head.header)
			}
		}
		if content := s.contentOfHead(r); content != "" {
			t.Errorf("HEAD %s: got the content %q", r.path, content)
		}
	}
}

// contentOfHead returns what follows the header of an answer to HEAD, which clients of net/http do not read.
func (s *routedSite) contentOfHead(r route) string {
	s.t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.base(r), "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HEAD %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: %s\r\n\r\n",
		s.target(r), s.token(r, true))
	answer, err := io.ReadAll(connection)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		s.t.Fatalf("HEAD %s: %v, %s", r.path, err, answer)
	}
	_, content, _ := strings.Cut(string(answer), "\r\n\r\n")
	return content
}

// OPTIONS lists the methods of every path in Allow, and so does the refusal of another method.
func TestAllow(t *testing.T) {
	s := newRoutedSite(t)
	s.client.id, s.digest = "none", "sha256:none" // so that nothing is deleted
	paths := map[route]bool{}
	for _, r := range allRoutes(t) {
		r.method = ""
		paths[r] = true
	}
	for r := range paths {
		e := s.request(r, "OPTIONS", true).want(http.StatusNoContent)
		allow := e.header.Get("Allow")
		if e.body != "" || !strings.HasPrefix(allow, "OPTIONS, ") {
			t.Errorf("OPTIONS %s: Allow is %q, the body %q", r.path, allow, e.body)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
			got := s.request(r, method, true)
			listed := slices.Contains(strings.Split(allow, ", "), method)
			if refused := got.status == http.StatusMethodNotAllowed; refused == listed {
				t.Errorf("%s %s: got %d, Allow is %q", method, r.path, got.status, allow)
			} else if refused {
				got.wantHeader("Allow", allow)
			}
		}
	}
	// POST is a route of its own, the others are those of a client with this ID.
	s.call("OPTIONS", "/admin/v1/clients/seen", "").wantHeader("Allow", "OPTIONS, DELETE, GET, HEAD, PATCH, POST, PUT")
}

// Paths that do not exist have no methods. Which paths the admin API has is not told without a token.
func TestOptionsOfNothing(t *testing.T) {
	s := newSite(t, setup{})
	for _, method := range []string{"OPTIONS", "GET", "HEAD", "PATCH"} {
		for _, url := range []string{s.public.URL + "/nothing", s.public.URL + "/admin/v1/clients",
			s.admin.URL + "/nothing",
			s.admin.URL + "/register"} {
			s.do(method, url, "").want(http.StatusNotFound).wantHeader("Allow", "")
		}
		s.call(method, "/admin/v1/nothing", "").want(http.StatusNotFound).wantHeader("Allow", "")
		s.call(method, "/admin/v1", "").want(http.StatusNotFound).wantHeader("Allow", "")
		for _, path := range []string{"/admin/v1/nothing", "/admin/v1/clients", "/admin/v1/clients/a"} {
			s.do(method, s.admin.URL+path, "").want(http.StatusUnauthorized).wantHeader("Allow", "")
		}
	}
}
