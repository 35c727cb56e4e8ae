package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
)

// certificateFor creates a certificate for a host that is valid from yesterday on, and for this long from now on. It
// returns the flags that name it and its key.
func certificateFor(t *testing.T, host string, valid time.Duration) []string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(valid)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := func(flag, kind string, der []byte) string {
		return flag + servertest.File(t, "file.pem", string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	return []string{file("--tls-cert=", "CERTIFICATE", certificate), file("--tls-key=", "PRIVATE KEY", private)}
}

// health finds a server by its own configuration, and trusts its own certificate and no other.
func TestHealthFindsTheServer(t *testing.T) {
	t.Parallel()
	own, other := certificateFor(t, "register.example", time.Hour), certificateFor(t, "register.example", time.Hour)
	plain, secure := start(t, t.TempDir()), start(t, t.TempDir(), own...)
	plainAddress, secureAddress := strings.TrimPrefix(plain.public, "http://"),
		strings.TrimPrefix(secure.public, "https://")
	_, port, _ := strings.Cut(plainAddress, ":")
	cert := strings.TrimPrefix(own[0], "--tls-cert=")
	yaml := servertest.File(t, "registrar.yaml", "listen: "+secureAddress+"\npublic-url: https://register.example\n"+
		"tls-cert: "+cert+"\ntls-key: "+strings.TrimPrefix(own[1], "--tls-key=")+"\n")
	for _, tt := range []struct {
		name      string
		variables []string
		args      []string
		code      int
		says      string // part of standard error
	}{
		{"by the environment", []string{"REGISTRAR_LISTEN=" + plainAddress}, nil, exitDone, ""},
		{"by a flag", nil, []string{"--listen=" + plainAddress}, exitDone, ""},
		{"on all addresses", nil, []string{"--listen=:" + port}, exitDone, ""},
		{"on all addresses of IPv4", nil, []string{"--listen=0.0.0.0:" + port}, exitDone, ""},
		{"whether it is ready", nil, []string{"--ready", "--listen=" + plainAddress}, exitDone, ""},
		{"by a configuration file with TLS", nil, []string{"--config=" + yaml}, exitDone, ""},
		{"by a configuration file that the environment names", []string{"REGISTRAR_CONFIG=" + yaml},
			[]string{"--ready"}, exitDone, ""},
		{"by the environment with TLS", []string{"REGISTRAR_LISTEN=" + secureAddress, "REGISTRAR_TLS_CERT=" + cert},
			nil, exitDone, ""},
		{"a flag comes before the file", nil, []string{"--config=" + yaml, "--url=" + plain.public + "/healthz"},
			exitDone, ""},
		{"a URL with the certificate", nil, []string{"--url=" + secure.public + "/healthz", own[0]}, exitDone, ""},
		{"a URL without the certificate", nil, []string{"--url=" + secure.public + "/healthz"}, exitFailed,
			"--insecure"},
		{"insecure", nil, []string{"--insecure", "--url=" + secure.public + "/healthz"}, exitDone, ""},
		{"another certificate", nil, []string{other[0], "--listen=" + secureAddress}, exitFailed, "--insecure"},
		{"another certificate, insecure", nil, []string{other[0], "--listen=" + secureAddress, "--insecure"}, exitDone,
			""},
		{"https that is none", nil, []string{own[0], "--listen=" + plainAddress}, exitFailed, "HTTPS client"},
		{"plain HTTP that is none", nil, []string{"--listen=" + secureAddress}, exitFailed, "400"},
		{"no server", nil, []string{"--listen=" + closedAddress(t)}, exitFailed, "connection refused"},
		{"a port that the server chooses", nil, []string{"--listen=127.0.0.1:0"}, exitUsage, "--url"},
		{"two endpoints", nil, []string{"--ready", "--url=" + plain.public + "/healthz"}, exitUsage, "--ready"},
		{"a certificate that is not there", nil, []string{"--tls-cert=/nowhere"}, exitUsage, "--tls-cert"},
		{"a certificate that is none", nil, []string{"--tls-cert=" + yaml}, exitUsage, "it has no PEM block"},
	} {
		r := runWith(t, t.TempDir(), tt.variables, append([]string{"health"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.err, tt.says) || (r.out == "healthy\n") != (tt.code == exitDone) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s%s", tt.name, r.code, tt.code, tt.says, r.out, r.err)
		}
	}
}

// Commands find the admin API by the server's own configuration, and say --server where they find none.
func TestCommandsFindTheServer(t *testing.T) {
	t.Parallel()
	p, closed := start(t, t.TempDir()), closedAddress(t)
	address := strings.TrimPrefix(p.admin, "http://")
	_, port, _ := strings.Cut(address, ":")
	listen := servertest.File(t, "listen.yaml", "admin-listen: "+address+"\n")
	server := servertest.File(t, "server.yaml", "server: "+p.admin+"\nadmin-listen: "+closed+"\n")
	for _, tt := range []struct {
		name      string
		variables []string
		args      []string
		code      int
		says      string // part of standard error
	}{
		{"by the environment", []string{"REGISTRAR_ADMIN_LISTEN=" + address}, nil, exitDone, ""},
		{"on all addresses", []string{"REGISTRAR_ADMIN_LISTEN=:" + port}, nil, exitDone, ""},
		{"by a configuration file", nil, []string{"--config=" + listen}, exitDone, ""},
		{"by a configuration file that names the server", nil, []string{"--config=" + server}, exitDone, ""},
		{"the environment comes before the file", []string{"REGISTRAR_ADMIN_LISTEN=" + closed},
			[]string{"--config=" + listen}, exitFailed, "--server"},
		{"--server comes before all", []string{"REGISTRAR_ADMIN_LISTEN=" + closed},
			[]string{"--config=" + listen, "--server=" + p.admin}, exitDone, ""},
		{"no server", []string{"REGISTRAR_ADMIN_LISTEN=" + closed}, nil, exitFailed, closed},
		{"no server at a named address", nil, []string{"--server=http://" + closed}, exitFailed,
			"name its admin address with --server"},
		{"the public address", []string{"REGISTRAR_ADMIN_LISTEN=" + strings.TrimPrefix(p.public, "http://")}, nil,
			exitFailed, "is --server its admin address?"},
		{"a port that the server chooses", []string{"REGISTRAR_ADMIN_LISTEN=127.0.0.1:0"}, nil, exitUsage, "--server"},
		{"an address that is none", []string{"REGISTRAR_ADMIN_LISTEN=localhost"}, nil, exitUsage, "--server"},
		{"a URL that is none", nil, []string{"--server=" + address}, exitUsage, "--server: must be a URL"},
		{"another machine, which does not get the token", []string{"REGISTRAR_ADMIN_LISTEN=192.0.2.1:8081"}, nil,
			exitFailed, "--admin-token-file"},
	} {
		r := runWith(t, p.folder, tt.variables, append([]string{"client", "list"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.err, tt.says) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s%s", tt.name, r.code, tt.code, tt.says, r.out, r.err)
		}
	}
	replay := runWith(t, p.folder, []string{"REGISTRAR_ADMIN_LISTEN=" + closed}, "script", "replay",
		wasmtest.Path(t, "prefix-id"))
	if replay.code != exitFailed || !strings.Contains(replay.err, "--server") {
		t.Errorf("replay: exit code %d:\n%s", replay.code, replay.err)
	}
}
