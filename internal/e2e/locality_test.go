package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// exchange sends a request byte for byte, whose header lines and body are given, and returns the status of the answer
// and its header.
func exchange(t *testing.T, base, line, body string, header ...string) (int, http.Header) {
	t.Helper()
	address := strings.TrimPrefix(base, "http://")
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience))
	lines := append([]string{line}, header...)
	if body != "" {
		lines = append(lines, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)))
	}
	fmt.Fprintf(connection, "%s\r\nConnection: close\r\n\r\n%s", strings.Join(lines, "\r\n"), body)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header
}

// Where registration is open to this machine, neither web pages of elsewhere nor callers of a proxy register clients.
func TestOnlyThisMachineRegisters(t *testing.T) {
	t.Parallel()
	const register = "POST /register HTTP/1.1"
	local := []string{"Host: localhost", "Host: localhost:8080", "Host: LocalHost:8080", "Host: localhost:",
		"Host: 127.0.0.1", "Host: 127.0.0.1:1", "Host: 127.1.2.3:80", "Host: [::1]", "Host: [::1]:8080",
		"Host: [0:0:0:0:0:0:0:1]:8080", "Host: app.localhost:8080"}
	elsewhere := []string{"Host: registrar.example", "Host: evil.example:8080", "Host: localhost.evil.example",
		"Host: 127.0.0.1.nip.example:8080", "Host: localhost.", "Host: localhost:0", "Host: 0.0.0.0",
		"Host: 0:8080", "Host: 127.1", "Host: 192.0.2.1", "Host: [::]:8080", "Host: ::1", "Host: [localhost]"}
	pages := map[string]int{"http://localhost:3000": 201, "https://127.0.0.1": 201, "http://[::1]:6274": 201,
		"https://evil.example": 401, "http://evil.example:8080": 401, "null": 401, "": 401,
		"http://localhost.evil.example": 401, "http://127.0.0.1.nip.example": 401, "file://": 401,
		"moz-extension://0f0f": 401, "http://localhost/": 401}
	proxies := []string{"Forwarded: for=127.0.0.1", "Via: 1.1 proxy", "X-Forwarded-For: 127.0.0.1",
		"X-Forwarded-Host: localhost", "X-Forwarded-Proto: http", "X-Forwarded-Port: 8080", "X-Forwarded-Server: a",
		"X-Real-IP: 127.0.0.1", "X-Client-IP: 127.0.0.1", "X-Cluster-Client-IP: ::1",
		"X-Original-Forwarded-For: 192.0.2.1",
		"CF-Connecting-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1", "Fly-Client-IP: 192.0.2.1",
		"Fastly-Client-IP: 192.0.2.1", "x-real-ip: 192.0.2.1", "X-REAL-IP:", "CDN-Loop: cdn"}
	for name, listen := range map[string]string{"IPv4": "127.0.0.1:0", "IPv6": "[::1]:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), "--listen="+listen)
			want := func(status int, header ...string) {
				t.Helper()
				if got, _ := exchange(t, p.public, register, minimal, header...); got != status {
					t.Errorf("%q: got %d, want %d", header, got, status)
				}
			}
			for _, host := range local {
				want(201, host)
			}
			for _, host := range elsewhere {
				want(401, host)
			}
			for origin, status := range pages {
				want(status, "Host: localhost:8080", "Origin: "+origin)
			}
			for _, header := range proxies {
				want(401, "Host: localhost:8080", header)
				want(401, "Host: localhost:8080", header, "Origin: http://localhost:3000")
				want(401, "Host: [::1]:8080", header, "Origin: null")
			}
			want(401, "Host: localhost", "Origin: http://localhost", "Origin: http://localhost")
			want(400)
			for _, header := range []string{"Host: localhost", "Accept: */*"} {
				if got, _ := exchange(t, p.public, "POST /register HTTP/1.0", minimal, header); got != 401 {
					t.Errorf("HTTP/1.0 with %s: got %d, want 401", header, got)
				}
			}
			for origin, status := range pages {
				allowed := ""
				if status == 201 {
					allowed = origin
				}
				_, header := exchange(t, p.public, "OPTIONS /register HTTP/1.1", "", "Host: localhost:8080",
					"Origin: "+origin, "Access-Control-Request-Method: POST",
					"Access-Control-Request-Headers: content-type")
				if got := header.Get("Access-Control-Allow-Origin"); got != allowed {
					t.Errorf("preflight of %q: allowed is %q, want %q", origin, got, allowed)
				}
			}
			if line := p.logged("starting"); line == nil || !strings.HasPrefix(p.log.String(), `{"time":`) ||
				!strings.Contains(fmt.Sprint(line["registration"]), "a proxy here that adds no header") {
				t.Errorf("the first line does not say what a proxy would mean:\n%.1000s", p.log)
			}
		})
	}
}

// The first line of the log says what a proxy would mean only where it means that.
func TestFirstLineOfTheLog(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]bool{"--drain=0s": true, "--registration=token": false,
		"--trusted-proxy=127.0.0.1": false, "--registration=open": false} {
		p := start(t, t.TempDir(), args)
		first, _, _ := strings.Cut(p.log.String(), "\n")
		var line map[string]any
		if err := json.Unmarshal([]byte(first), &line); err != nil {
			t.Fatal(err)
		}
		text, _ := line["registration"].(string)
		if strings.Contains(text, "--trusted-proxy") != want {
			t.Errorf("%s: the first line is %s", args, first)
		}
		p.stop()
	}
}

// An admin listener on loopback answers no page that has rebound its name to it.
func TestAdminListenerKnowsItsHost(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for header, status := range map[string]int{"Host: localhost": 200, "Host: 127.0.0.1:8081": 200,
		"Host: [::1]:8081":        200,
		"Host: evil.example:8081": 421, "Host: localhost.evil.example": 421, "Host: 192.0.2.1": 421, "Host:": 421,
		"Accept: */*": 400} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			if got, _ := exchange(t, p.admin, "GET "+path+" HTTP/1.1", "", header); got != status {
				t.Errorf("%s with %s: got %d, want %d", path, header, got, status)
			}
		}
	}
	if got, _ := exchange(t, p.admin, "GET /admin/v1/clients HTTP/1.1", "", "Host: evil.example"); got != 421 {
		t.Errorf("the admin API for another Host: got %d, want 421", got)
	}
}

// Loopback has a rate limit like every address, which leaves room for a person and a program by default.
func TestRateLimitOnLoopback(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--rate-limit=10") // the default
	for range 100 {
		if status, _ := p.post(p.public+"/register", "{"); status != http.StatusBadRequest {
			t.Fatalf("status %d within the burst", status)
		}
	}
	limited := make(chan bool, 8)
	for range 8 { // together faster than 10 a second
		go func() {
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
				response, err := http.Post(p.public+"/register", "application/json", strings.NewReader("{"))
				if err != nil {
					break
				}
				response.Body.Close()
				if response.StatusCode == http.StatusTooManyRequests {
					limited <- response.Header.Get("Retry-After") != ""
					return
				}
			}
			limited <- false
		}()
	}
	for range 8 {
		if !<-limited {
			t.Error("a caller was not limited, or not told when to come again")
		}
	}
}
