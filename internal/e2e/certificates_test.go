package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"registrar/internal/servertest"
	"registrar/internal/token"
)

// A secured is a running server with TLS on both listeners, whose certificates a test replaces.
type secured struct {
	*process
	authority *servertest.Authority
	cert, key string // files, of both listeners
}

// startSecured starts a server with the certificate 1.
func startSecured(t *testing.T, folder string, args ...string) *secured {
	t.Helper()
	s := &secured{process: &process{t: t}, authority: servertest.NewAuthority(t),
		cert: filepath.Join(folder, "tls.crt"), key: filepath.Join(folder, "tls.key")}
	s.write(s.issue(1))
	s.process = start(t, folder, append([]string{"--tls-cert=" + s.cert, "--tls-key=" + s.key,
		"--admin-tls-cert=" + s.cert, "--admin-tls-key=" + s.key, "--rate-limit=0"}, args...)...)
	for _, address := range []string{s.public, s.admin} {
		if !strings.HasPrefix(address, "https://") {
			t.Errorf("logged address: got %s, want https", address)
		}
	}
	return s
}

func (s *secured) issue(number int64) (cert, key string) {
	s.t.Helper()
	return s.authority.Issue(s.t, &x509.Certificate{SerialNumber: big.NewInt(number)})
}

// write writes certificate and key in place.
func (s *secured) write(cert, key string) {
	s.t.Helper()
	servertest.WriteFile(s.t, s.cert, cert)
	servertest.WriteFile(s.t, s.key, key)
}

// rename replaces a file by another.
func (s *secured) rename(path, content string) {
	s.t.Helper()
	servertest.WriteFile(s.t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *secured) hangup() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
}

// serial returns the number of the certificate that a new connection to a listener gets.
func (s *secured) serial(base string) int64 {
	s.t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: s.authority.Pool()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// wantSerial waits until both listeners have a certificate.
func (s *secured) wantSerial(number int64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("certificate %d", number), func() bool {
		return s.serial(s.public) == number && s.serial(s.admin) == number
	})
}

// load registers clients and calls the admin API, on new connections and on kept ones, until stop is called. stop
// returns the number of requests.
func (s *secured) load() (stop func() int64) {
	s.t.Helper()
	admin, err := token.ReadFile(filepath.Join(s.folder, token.AdminFile))
	if err != nil {
		s.t.Fatal(err)
	}
	var requests atomic.Int64
	var workers sync.WaitGroup
	ended := make(chan struct{})
	for _, closing := range []bool{true, false} {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: closing,
			TLSClientConfig: &tls.Config{RootCAs: s.authority.Pool()}, ForceAttemptHTTP2: true}}
		for _, call := range []struct {
			method, url, body string
			want              int
		}{
			{http.MethodPost, s.public + "/register", minimal, http.StatusCreated},
			{http.MethodGet, s.admin + "/admin/v1/clients?limit=1", "", http.StatusOK},
		} {
			workers.Go(func() {
				defer client.CloseIdleConnections()
				for {
					select {
					case <-ended:
						return
					case <-time.After(20 * time.Millisecond): // the load need not be high
					}
					request, err := http.NewRequest(call.method, call.url, strings.NewReader(call.body))
					if err != nil {
						s.t.Error(err)
						return
					}
					request.Header.Set("Content-Type", "application/json")
					if call.method == http.MethodGet {
						request.Header.Set("Authorization", "Bearer "+admin)
					}
					response, err := client.Do(request)
					if err != nil {
						s.t.Errorf("%s %s: %v", call.method, call.url, err)
						return
					}
					_, err = io.Copy(io.Discard, response.Body)
					response.Body.Close()
					if err != nil || response.StatusCode != call.want {
						s.t.Errorf("%s %s: status %d, %v", call.method, call.url, response.StatusCode, err)
						return
					}
					requests.Add(1)
				}
			})
		}
	}
	return func() int64 {
		close(ended)
		workers.Wait()
		return requests.Load()
	}
}

// While certificates are replaced, in every way, no request fails, and new connections get the new one.
func TestCertificatesAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	s := startSecured(t, t.TempDir())
	stop := s.load()
	s.wantSerial(1)

	cert, key := s.issue(2)
	s.rename(s.cert, cert)
	s.rename(s.key, key)
	s.wantSerial(2) // by looking

	s.write(s.issue(3))
	s.hangup()
	s.wantSerial(3)

	cert, key = s.issue(4)
	servertest.WriteFile(t, s.cert, cert) // first the certificate
	s.hangup()
	const refused = "the certificate files cannot be used: the certificate that was read before stays in use"
	eventually(t, "the log has the half pair", func() bool { return s.logged(refused) != nil })
	s.wantSerial(3)
	if line := s.logged(refused); line["level"] != "ERROR" || !strings.Contains(fmt.Sprint(line["error"]), s.cert) {
		t.Errorf("got the line %v", line)
	}
	servertest.WriteFile(t, s.key, key)
	s.wantSerial(4)

	// As Kubernetes does: the files are links into a folder that is a link too.
	folder := filepath.Dir(s.cert)
	for _, number := range []int64{5, 6} {
		version := filepath.Join(folder, fmt.Sprint("..version", number))
		if err := os.Mkdir(version, 0o700); err != nil {
			t.Fatal(err)
		}
		cert, key = s.issue(number)
		servertest.WriteFile(t, filepath.Join(version, "tls.crt"), cert)
		servertest.WriteFile(t, filepath.Join(version, "tls.key"), key)
		if err := os.Symlink(filepath.Base(version), filepath.Join(folder, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(folder, "..data_tmp"), filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
		if number == 5 {
			for _, path := range []string{s.cert, s.key} {
				if err := os.Symlink(filepath.Join("..data", filepath.Base(path)), path+".new"); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path+".new", path); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.wantSerial(number)
	}
	if requests := stop(); requests < 50 {
		t.Errorf("only %d requests", requests)
	} else {
		t.Logf("%d requests", requests)
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.log.String(), "TLS handshake error") || strings.Contains(s.log.String(), "PRIVATE KEY") {
		t.Errorf("the log is\n%s", s.log)
	}
}

// A hangup does not end a server without TLS.
func TestHangupWithoutTLS(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the hangup is logged", func() bool {
		return p.logged("hangup: there is no certificate to read again") != nil
	})
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
	if code := p.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// The admin address with TLS and client certificates, as the commands use it. They need a token besides.
func TestAdminTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	clients := servertest.NewAuthority(t)
	s := startSecured(t, folder, "--admin-client-ca="+servertest.File(t, "clients.pem", clients.PEM))
	cert, key := clients.Issue(t, &x509.Certificate{})
	certFile, keyFile := servertest.File(t, "client.pem", cert), servertest.File(t, "client.key", key)
	identity := []string{"--tls-client-cert=" + certFile, "--tls-client-key=" + keyFile}
	authority := "--server-ca=" + servertest.File(t, "ca.pem", s.authority.PEM)
	cert, key = servertest.NewAuthority(t).Issue(t, &x509.Certificate{})
	stranger := []string{authority, "--tls-client-cert=" + servertest.File(t, "stranger.pem", cert),
		"--tls-client-key=" + servertest.File(t, "stranger.key", key)}
	unknown := servertest.File(t, "token", strings.Repeat("x", 43)+"\n")
	for name, tt := range map[string]struct {
		args []string
		says string // "" means that the command succeeds
	}{
		"with all":              {append(identity, authority), ""},
		"without a certificate": {[]string{authority}, "certificate required"},
		"without the authority": {identity, "unknown authority"},
		"with another authority": {append(identity, "--server-ca="+servertest.File(t, "other.pem", clients.PEM)),
			"unknown authority"},
		"with another's certificate": {stranger, "unknown certificate authority"},
		"without a token": {append(identity, authority, "--admin-token-file="+unknown),
			"the admin token is not valid"},
		"by plain HTTP": {append(identity, "--server="+strings.Replace(s.admin, "https:", "http:", 1)),
			"400 Bad Request"},
	} {
		call := func() result {
			return runBinary(t, folder, append([]string{"client", "list", "--server", s.admin}, tt.args...)...)
		}
		r := call()
		// In TLS 1.3 a client may write before it reads why the server has closed the connection.
		for tries := 0; r.code == exitFailed && !strings.Contains(r.err, tt.says) && tries < 50; tries++ {
			r = call()
		}
		if (r.code == exitDone) != (tt.says == "") || !strings.Contains(r.err, tt.says) {
			t.Errorf("%s: exit code %d, want %q: %s", name, r.code, tt.says, r.err)
		}
	}

	// A command that has the server's configuration finds it, and trusts its own certificate, whatever names that has.
	config := servertest.File(t, "registrar.yaml", strings.Join([]string{
		"admin-listen: " + strings.TrimPrefix(s.admin, "https://"),
		"admin-tls-cert: " + s.cert, "admin-tls-key: " + s.key,
		"tls-client-cert: " + certFile, "tls-client-key: " + keyFile,
	}, "\n"))
	must(t, runBinary(t, folder, "client", "list", "--config", config))
	s.write(s.authority.Issue(t, &x509.Certificate{SerialNumber: big.NewInt(2),
		DNSNames: []string{"registrar.example"}}))
	s.hangup()
	eventually(t, "the new certificate", func() bool {
		return strings.Count(s.log.String(), "the certificate files were read again") == 2
	})
	must(t, runBinary(t, folder, "client", "list", "--config", config))
	remote := append([]string{"client", "list", "--server", s.admin, authority}, identity...)
	if r := runBinary(t, folder, remote...); r.code != exitFailed || !strings.Contains(r.err, "127.0.0.1") {
		t.Errorf("a certificate for another host: exit code %d: %s", r.code, r.err)
	}

	health := append([]string{"health", "--url", s.admin + "/readyz", authority}, identity...)
	if r := runBinary(t, folder, health...); r.code != exitFailed {
		t.Errorf("health of another host: exit code %d: %s", r.code, r.err)
	}
	s.write(s.issue(3))
	s.hangup()
	eventually(t, "health", func() bool { return runBinary(t, folder, health...).code == exitDone })
	if r := runBinary(t, folder, "health", "--url", s.admin+"/readyz", authority); r.code != exitFailed {
		t.Errorf("health without a certificate: exit code %d: %s", r.code, r.err)
	}
}
