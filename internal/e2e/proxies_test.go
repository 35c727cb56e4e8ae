package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/store/storetest/child"
	"registrar/store/storetest/mariadb"
)

// A proxied is a proxy of docs/proxies.md in front of two servers.
type proxied struct {
	t       *testing.T
	base    string // https://127.0.0.1:PORT
	roots   *x509.CertPool
	servers [2]*process
	seen    *buffer // what the proxy has sent to the second server
}

// installed returns the path of a program, which may be in /usr/sbin. It skips the test if the program is missing, or
// fails it if CI is set.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := mariadb.Find(name)
	if err != nil {
		needs(t, name)
	}
	return path
}

// front starts two servers and a proxy in front of them. language is that of the proxy's block in docs/proxies.md; run
// returns the command that runs the block as it stands but for addresses and files, which are this test's.
func front(t *testing.T, language string, run func(t *testing.T, config string) *exec.Cmd) *proxied {
	t.Helper()
	f := &proxied{t: t, roots: x509.NewCertPool(), seen: &buffer{}}
	for i := range f.servers {
		f.servers[i] = start(t, t.TempDir(), "--trusted-proxy=127.0.0.1", "--forwarded-header=x-forwarded-for",
			"--registration=open", "--rate-limit=0.001", "--drain=1h")
	}
	names := servertest.Certificate(t)
	cert, key := strings.TrimPrefix(names[0], "--tls-cert="), strings.TrimPrefix(names[1], "--tls-key=")
	var both strings.Builder
	for _, path := range []string{cert, key} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f.roots.AppendCertsFromPEM(b) // ignores the key
		both.Write(b)
	}
	address := freePort(t)
	f.base = "https://" + address
	blocks := slices.DeleteFunc(blocksOf(t, "docs/proxies.md"), func(b block) bool { return b.language != language })
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of %s, want one", len(blocks), language)
	}
	config := blocks[0].code
	for _, r := range [][2]string{
		{"10.0.0.11:8080", strings.TrimPrefix(f.servers[0].public, "http://")},
		{"10.0.0.12:8080", tap(t, strings.TrimPrefix(f.servers[1].public, "http://"), f.seen)},
		{"listen 443", "listen " + address},
		{"bind :443", "bind " + address},
		{"register.example {\n", f.base + " {\n\ttls " + cert + " " + key + "\n"},
		{"/etc/ssl/registrar/cert.pem", cert},
		{"/etc/ssl/registrar/key.pem", key},
		{"/etc/ssl/registrar/both.pem", servertest.File(t, "both.pem", both.String())},
	} {
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	cmd := run(t, config)
	log := &buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	client := f.client("127.0.0.9")
	eventually(t, "the proxy answers", func() bool {
		select {
		case <-exited:
			t.Fatalf("the proxy ended:\n%s", log)
		default:
		}
		response, err := client.Get(f.base + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
	return f
}

// tap forwards connections to a server and records what is sent to it. It returns the address on which it listens.
func tap(t *testing.T, server string, seen io.Writer) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				from.Close()
				continue
			}
			for _, way := range []struct {
				to   net.Conn
				from io.Reader
			}{{to, io.TeeReader(from, seen)}, {from, to}} {
				go func() {
					_, _ = io.Copy(way.to, way.from) // a side that hangs up ends both
					from.Close()
					to.Close()
				}()
			}
		}
	}()
	return listener.Addr().String()
}

// client returns a client with an address of this machine.
func (f *proxied) client(address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, to)
		},
		TLSClientConfig:   &tls.Config{RootCAs: f.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// do sends a request that claims to come from elsewhere, and returns its status.
func (f *proxied) do(client *http.Client, method, path, body string) int {
	f.t.Helper()
	request, err := http.NewRequest(method, f.base+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header = http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"},
		"X-Real-Ip": {"203.0.113.9"}, "Authorization": {"Bearer none"}}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Del("Authorization")
	}
	response, err := client.Do(request)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// registeredBy returns the addresses of the clients that a server has registered.
func registeredBy(p *process) (addresses []string) {
	for line := range strings.Lines(p.log.String()) {
		var members map[string]any
		if json.Unmarshal([]byte(line), &members) == nil && members["msg"] == "client registered" {
			addresses = append(addresses, fmt.Sprint(members["ip"]))
		}
	}
	return addresses
}

// registered returns the addresses of the clients that both servers have registered.
func (f *proxied) registered() []string {
	return slices.Concat(registeredBy(f.servers[0]), registeredBy(f.servers[1]))
}

// check checks what every proxy must do.
func (f *proxied) check() {
	f.t.Helper()
	client := f.client("127.0.0.2")
	if got := f.do(client, http.MethodPost, "/register", minimal); got != http.StatusCreated {
		f.t.Errorf("registering: got %d", got)
	}
	eventually(f.t, "the log has the client", func() bool { return len(f.registered()) > 0 })
	if got := f.registered(); !slices.Equal(got, []string{"127.0.0.2"}) {
		f.t.Errorf("the servers know the clients as %q, want 127.0.0.2", got)
	}
	for _, tt := range []struct {
		what, method, path, body string
		want                     int
	}{
		{"the admin API", http.MethodGet, "/admin/v1/clients", "", http.StatusNotFound},
		{"the metrics", http.MethodGet, "/metrics", "", http.StatusNotFound},
		{"a large body", http.MethodPost, "/register",
			`{"client_name":"` + strings.Repeat("a", 64<<10) + `"}`, http.StatusRequestEntityTooLarge},
	} {
		if got := f.do(client, tt.method, tt.path, tt.body); got != tt.want {
			f.t.Errorf("%s: got %d, want %d", tt.what, got, tt.want)
		}
	}

	// Paths arrive as they were sent, at the second server after at most a few requests; what the client claims does not.
	for _, path := range []string{"/register/https:%2F%2Fapp.example%2Fa%3Fb", "/register/a//b"} {
		eventually(f.t, path+" is passed on", func() bool {
			if got := f.do(client, http.MethodGet, path, ""); got != http.StatusUnauthorized {
				f.t.Fatalf("%s: got %d, want %d", path, got, http.StatusUnauthorized)
			}
			return strings.Contains(f.seen.String(), "GET "+path+" HTTP/1.1\r\n")
		})
	}
	for line := range strings.Lines(f.seen.String()) {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(line)), ":")
		if name == "forwarded" || name == "x-forwarded-for" && strings.Contains(value, "203.0.113.9") {
			f.t.Errorf("the proxy passes on %s", line)
		}
	}

	// The burst of each server is 200. Each request claims another address.
	client, limited := f.client("127.0.0.3"), false
	for n := 0; n < 1000 && !limited; n++ {
		limited = f.do(client, http.MethodPost, "/register", "{}") == http.StatusTooManyRequests
	}
	if !limited {
		f.t.Error("one address is not limited")
	}
	if got := f.do(f.client("127.0.0.4"), http.MethodPost, "/register", "{}"); got != http.StatusBadRequest {
		f.t.Errorf("another address: got %d, want %d", got, http.StatusBadRequest)
	}
}

// checkReadiness checks that no request goes to a server that is not ready, though it still serves.
func (f *proxied) checkReadiness() {
	f.t.Helper()
	client, sent, stopping := f.client("127.0.0.5"), 0, f.servers[0]
	if err := stopping.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	consecutive := 0 // clients that only the other server has registered
	eventually(f.t, "requests go to the other server", func() bool {
		if sent++; sent%100 == 0 { // below the burst of an address
			client = f.client(fmt.Sprintf("127.0.1.%d", sent/100))
		}
		before := len(registeredBy(stopping))
		all := len(f.registered())
		if got := f.do(client, http.MethodPost, "/register", minimal); got != http.StatusCreated {
			f.t.Fatalf("while a server drains: got %d", got)
		}
		eventually(f.t, "the log has the client", func() bool { return len(f.registered()) > all })
		if consecutive++; len(registeredBy(stopping)) > before {
			consecutive = 0
		}
		return consecutive == 20
	})
	if got := stopping.register(minimal); got.status != http.StatusCreated {
		f.t.Errorf("the server that drains: got %+v", got)
	}
	_ = stopping.cmd.Process.Kill()
	<-stopping.exited
	for range 5 {
		if got := f.do(client, http.MethodPost, "/register", minimal); got != http.StatusCreated {
			f.t.Errorf("after a server ended: got %d", got)
		}
	}
}

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	f := front(t, "nginx", func(t *testing.T, config string) *exec.Cmd {
		folder := t.TempDir()
		main := "daemon off;\nmaster_process off;\nerror_log stderr;\npid pid;\nevents {}\nhttp {\naccess_log off;\n"
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			main += kind + "_temp_path " + kind + ";\n"
		}
		return exec.Command(nginx, "-p", folder, "-e", "stderr", "-c",
			servertest.File(t, "nginx.conf", main+config+"}\n"))
	})
	f.check()

	// It leaves out a server that takes no connections.
	_ = f.servers[0].cmd.Process.Kill()
	<-f.servers[0].exited
	for range 5 {
		if got := f.do(f.client("127.0.0.5"), http.MethodPost, "/register", minimal); got != http.StatusCreated {
			t.Errorf("after a server ended: got %d", got)
		}
	}
}

func TestHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := installed(t, "haproxy")
	f := front(t, "haproxy", func(t *testing.T, config string) *exec.Cmd {
		return exec.Command(haproxy, "-db", "-f", servertest.File(t, "haproxy.cfg", config))
	})
	f.check()
	f.checkReadiness()
}

func TestCaddy(t *testing.T) {
	t.Parallel()
	caddy := installed(t, "caddy")
	f := front(t, "caddyfile", func(t *testing.T, config string) *exec.Cmd {
		folder := t.TempDir()
		cmd := exec.Command(caddy, "run", "--adapter", "caddyfile", "--config",
			servertest.File(t, "Caddyfile", "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+config))
		cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+filepath.Join(folder, "data"),
			"XDG_CONFIG_HOME="+filepath.Join(folder, "config"))
		return cmd
	})
	f.check()
	f.checkReadiness()
}
