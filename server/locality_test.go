package server_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"registrar/server"
)

// proxyHeaders are headers that only proxies add.
var proxyHeaders = []string{"Forwarded: for=192.0.2.1", "Forwarded-For: 192.0.2.1", "Via: 1.1 proxy",
	"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Forwarded-Proto: https", "X-Forwarded: for=x",
	"X-Forwarded-Port: 80", "X-Original-Forwarded-For: 192.0.2.1", "X-Real-IP: 127.0.0.1", "x-real-ip: 192.0.2.1",
	"X-Client-IP: 192.0.2.1", "X-Cluster-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1",
	"True-Client-IP: 192.0.2.1", "Fly-Client-IP: 192.0.2.1", "Fastly-Client-IP: 192.0.2.1", "CDN-Loop: cdn",
	"X-Azure-ClientIP: 192.0.2.1", "X-Azure-SocketIP: 192.0.2.1", "X-Envoy-External-Address: 192.0.2.1",
	"X-Appengine-User-IP: 192.0.2.1", "X-Vercel-Forwarded-For: 192.0.2.1", "WL-Proxy-Client-IP: 192.0.2.1"}

// With RegistrationLoopback, only requests from this machine register clients.
func TestLoopbackPolicy(t *testing.T) {
	s := newSite(t, setup{server: server.Config{Registration: server.RegistrationLoopback}})
	for _, header := range []string{"Host: localhost", "Host: LOCALHOST:1", "Host: 127.0.0.1:8080", "Host: [::1]:80",
		"Host: 127.1.2.3", "Host: app.localhost", "Origin: http://localhost:3000", "Origin: https://127.0.0.1",
		"Origin: http://[::1]:6274", "Origin: http://app.localhost", "User-Agent: Mozilla/5.0",
		"X-Request-Id: a", "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		if e := s.register(`{`+web+`}`, header); e.status != http.StatusCreated {
			t.Errorf("%s: got %d %s", header, e.status, e.body)
		}
	}
	refused := append([]string{"Host: registrar.example", "Host: localhost.example", "Host: localhost.:8080",
		"Host: 127.0.0.1.nip.example:8080", "Host: 192.0.2.1", "Host: 0.0.0.0:8080", "Host: localhost:99999",
		"Origin: https://evil.example", "Origin: null", "Origin: http://localhost.evil.example", "Origin: localhost",
		"Origin: file://", "Origin: chrome-extension://localhost", "Origin: http://localhost http://evil.example",
	}, proxyHeaders...)
	before := s.clients()
	for _, header := range refused {
		e := s.register(`{`+web+`}`, header)
		if e.status != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s", header, e.status, e.body)
			continue
		}
		e.wantHeader("WWW-Authenticate",
			`Bearer realm="registrar"`).wantMembers(map[string]any{"error": "invalid_token"})
	}
	if after := s.clients(); after != before {
		t.Errorf("%d clients were stored", after-before)
	}
	for _, words := range []string{"set --registration open", "the Origin is not loopback", "the Host is not loopback",
		"the header X-Real-Ip names a proxy"} {
		if !strings.Contains(s.log.String(), words) {
			t.Errorf("the log lacks %q", words)
		}
	}
	open := newSite(t, setup{})
	open.register(`{`+web+`}`, "Host: registrar.example", "X-Forwarded-For: 192.0.2.1", "Origin: https://evil.example").
		want(http.StatusCreated)
}

// What the server's configuration allows decides which pages browsers let call it.
func TestPreflightFollowsThePolicy(t *testing.T) {
	loopback := server.Config{Registration: server.RegistrationLoopback}
	named := server.Config{Registration: server.RegistrationLoopback, CORSOrigins: []string{"https://app.example"}}
	for _, tt := range []struct {
		name    string
		config  server.Config
		origin  string
		allowed string // Access-Control-Allow-Origin
	}{
		{"a page of this machine", loopback, "http://localhost:6274", "http://localhost:6274"},
		{"a page of this machine, by IPv6", loopback, "http://[::1]:6274", "http://[::1]:6274"},
		{"a page of elsewhere", loopback, "https://evil.example", ""},
		{"no page", loopback, "null", ""},
		{"a name that begins with localhost", loopback, "http://localhost.evil.example", ""},
		{"an origin that the operator named", named, "https://app.example", "https://app.example"},
		{"one that the operator left out", named, "http://localhost:6274", ""},
		{"with a token, every page", server.Config{Registration: server.RegistrationToken}, "https://app.example", "*"},
		{"open to everyone", server.Config{}, "https://app.example", "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, setup{server: tt.config})
			s.do("OPTIONS", s.public.URL+"/register", "", "Origin: "+tt.origin, "Access-Control-Request-Method: POST",
				"Access-Control-Request-Headers: content-type").want(http.StatusNoContent).
				wantHeader("Access-Control-Allow-Origin", tt.allowed)
			s.do("GET", s.public.URL+"/healthz", "", "Origin: "+tt.origin).want(http.StatusOK).
				wantHeader("Access-Control-Allow-Origin", tt.allowed)
		})
	}
}

// Pages of an origin that the operator named register with a token, and not without.
func TestNamedOriginOnLoopback(t *testing.T) {
	s := newSite(t, setup{server: server.Config{Registration: server.RegistrationLoopback,
		CORSOrigins: []string{"https://app.example"}}})
	s.register(`{`+web+`}`, "Origin: https://app.example").want(http.StatusUnauthorized).
		wantHeader("Access-Control-Allow-Origin", "https://app.example")
	s.register(`{`+web+`}`, "Origin: https://app.example", "Authorization: Bearer "+s.token(`{"label":"a"}`)).
		want(http.StatusCreated)
}

// An admin listener on loopback answers only requests for loopback; another one does not look.
func TestAdminHosts(t *testing.T) {
	for address, misdirected := range map[string]int{"127.0.0.1:0": http.StatusMisdirectedRequest,
		"[::1]:0": http.StatusMisdirectedRequest, ":0": http.StatusOK} {
		t.Run(address, func(t *testing.T) {
			srv, err := server.New(server.Config{Administrator: findAdmin})
			if err != nil {
				t.Fatal(err)
			}
			var listeners [2]net.Listener
			for i, listen := range []string{"127.0.0.1:0", address} {
				if listeners[i], err = net.Listen("tcp", listen); err != nil {
					t.Fatal(err)
				}
			}
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- srv.Serve(ctx, listeners[0], listeners[1]) }()
			defer func() {
				stop()
				if err := <-served; err != nil {
					t.Error(err)
				}
			}()
			for host, want := range map[string]int{"": http.StatusOK, "localhost:8081": http.StatusOK,
				"[::1]": http.StatusOK, "127.0.0.1": http.StatusOK, "rebound.example:8081": misdirected,
				"localhost.evil.example": misdirected} {
				for _, path := range []string{"/healthz", "/openapi.yaml", "/none"} {
					status := want
					if path == "/none" && want == http.StatusOK {
						status = http.StatusNotFound
					}
					request, err := http.NewRequest("GET", "http://"+listeners[1].Addr().String()+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Host = host
					response, err := http.DefaultTransport.RoundTrip(request)
					if err != nil {
						t.Fatal(err)
					}
					response.Body.Close()
					if response.StatusCode != status {
						t.Errorf("%s of Host %q: got %d, want %d", path, host, response.StatusCode, status)
					}
					if status == http.StatusMisdirectedRequest &&
						response.Header.Get("Content-Type") != "application/problem+json" {
						t.Errorf("%s of Host %q: got %s", path, host, response.Header.Get("Content-Type"))
					}
				}
			}
		})
	}
}
