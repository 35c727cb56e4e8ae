package cli

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/internal/servertest"
)

// An admin API that other machines reach has TLS, or the operator has accepted that it has none.
func TestAdminListenBeyondLoopback(t *testing.T) {
	pair := adminPair(t)
	for _, tt := range []struct {
		args    string
		refused bool
	}{
		{"--admin-listen=127.0.0.1:8081", false},
		{"--admin-listen=127.9.9.9:8081", false},
		{"--admin-listen=[::1]:8081", false},
		{"--admin-listen=localhost:8081", false},
		{"--admin-listen=:8081", true},
		{"--admin-listen=0.0.0.0:8081", true},
		{"--admin-listen=[::]:8081", true},
		{"--admin-listen=10.0.0.1:8081", true},
		{"--admin-listen=[::ffff:10.0.0.1]:8081", true},
		{"--admin-listen=registrar.example:8081", true},
		{"--admin-listen=localhost.example:8081", true},
		{"--admin-listen=:8081 --admin-insecure", false},
		{"--admin-listen=:8081 " + pair, false},
		{"--admin-listen=10.0.0.1:8081 " + pair, false},
		{"--admin-listen=127.0.0.1:8081 " + pair, false},
	} {
		for _, command := range []string{"serve", "check"} {
			commands, err := parse(t, append([]string{command}, strings.Fields(tt.args)...)...)
			if err != nil {
				t.Fatal(err)
			}
			flags := &commands.Serve.serverFlags
			if command == "check" {
				flags = &commands.Check.serverFlags
			}
			_, err = flags.parse(slog.New(slog.DiscardHandler), nil)
			if (err != nil) != tt.refused {
				t.Errorf("%s %s: got %v, want an error: %t", command, tt.args, err, tt.refused)
			}
			if err == nil {
				continue
			}
			for _, want := range []string{"--admin-listen", "--admin-tls-cert", "--admin-insecure", "127.0.0.1:8081"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %q, want %s in it", tt.args, err, want)
				}
			}
		}
	}
	if r := runHere(t, "serve", "--admin-listen=:0", "--listen=127.0.0.1:0"); r.code != exitUsage {
		t.Errorf("serve: exit code %d, want that of a configuration error: %s", r.code, r.err)
	}
}

// adminPair returns the flags of a certificate of the admin API.
func adminPair(t *testing.T) string {
	t.Helper()
	cert, key := servertest.NewAuthority(t).Issue(t, &x509.Certificate{})
	return "--admin-tls-cert=" + servertest.File(t, "cert.pem", cert) +
		" --admin-tls-key=" + servertest.File(t, "key.pem", key)
}

// check tells until when the certificates are valid, and what is wrong with them.
func TestCheckShowsCertificates(t *testing.T) {
	authority := servertest.NewAuthority(t)
	cert, key := authority.Issue(t, &x509.Certificate{NotAfter: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)})
	clients := servertest.File(t, "clients.pem", authority.PEM)
	t.Chdir(t.TempDir())
	r := runHere(t, append([]string{"check", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
		"--admin-tls-cert=" + servertest.File(t, "cert.pem", cert),
		"--admin-tls-key=" + servertest.File(t, "key.pem", key),
		"--admin-client-ca=" + clients}, servertest.Certificate(t)...)...)
	if r.code != exitFailed {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	for _, want := range []string{"127.0.0.1:0, https, with a certificate until 20",
		"127.0.0.1:0, https, with a certificate until 2020-02-03 04:05 UTC", "a token and a client certificate",
		"the certificate expired on 2020-02-03T04:05:06Z"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("check printed, want %q in it:\n%s", want, r.out)
		}
	}
	if strings.Count(r.out, "expired") != 1 {
		t.Errorf("check printed, want one finding:\n%s", r.out)
	}
	if strings.Contains(r.out, "has a role") {
		t.Errorf("check printed, want no roles of certificates:\n%s", r.out)
	}
	r = runHere(t, append([]string{"check", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
		"--admin-tls-cert=" + servertest.File(t, "cert.pem", cert),
		"--admin-tls-key=" + servertest.File(t, "key.pem", key),
		"--admin-client-ca=" + clients, "--admin-cert-role=CN=ops=read"}, servertest.Certificate(t)...)...)
	const want = "with a token and a client certificate, or with a certificate that has a role"
	if !strings.Contains(r.out, want) {
		t.Errorf("check printed, want %q in it:\n%s", want, r.out)
	}
}

// Commands find the server by the configuration that they share with it.
func TestServerOfTheConfiguration(t *testing.T) {
	cert := servertest.File(t, "cert.pem", servertest.NewAuthority(t).PEM)
	for _, tt := range []struct {
		config, variable string
		args             []string
		want             string
	}{
		{want: "http://127.0.0.1:8081"},
		{config: "admin-listen: 127.0.0.1:9000", want: "http://127.0.0.1:9000"},
		{variable: ":9001", config: "admin-listen: 127.0.0.1:9000", want: "http://127.0.0.1:9001"},
		{variable: "0.0.0.0:9001", want: "http://127.0.0.1:9001"},
		{variable: "[::]:9001", want: "http://[::1]:9001"},
		{variable: "10.0.0.1:9001", want: "http://10.0.0.1:9001"},
		{config: "admin-listen: \":9000\"\nadmin-tls-cert: " + cert, want: "https://127.0.0.1:9000"},
		{variable: ":9001", args: []string{"--server=https://registrar.example"}, want: "https://registrar.example"},
		{variable: "127.0.0.1:0", want: "--admin-listen 127.0.0.1:0: "},
	} {
		t.Run(tt.want, func(t *testing.T) {
			if tt.variable != "" {
				t.Setenv("REGISTRAR_ADMIN_LISTEN", tt.variable)
			}
			args := append([]string{"client", "list", "--config=" + servertest.File(t, "config.yaml", tt.config)},
				tt.args...)
			commands, err := parse(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			f := &commands.Client.List.remoteFlags
			secured, err := f.tlsConfig()
			if err != nil {
				t.Fatal(err)
			}
			u, err := f.base(secured)
			if err != nil {
				if !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			if u.String() != tt.want || u.Scheme == "https" && len(tt.args) == 0 && secured.RootCAs == nil {
				t.Errorf("got %s, want %s", u, tt.want)
			}
		})
	}
}

// health reaches a server whose certificate is from an authority of its own.
func TestHealthWithTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if r := runHere(t, "health", "--url", s.URL); r.code != exitFailed || !strings.Contains(r.err, "certificate") {
		t.Errorf("without the authority: exit code %d: %s", r.code, r.err)
	}
	authority := servertest.File(t, "ca.pem",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	must(t, runHere(t, "health", "--url", s.URL, "--server-ca", authority))
	for flag, want := range map[string]string{
		"--server-ca=/nowhere":                               "--server-ca: open /nowhere",
		"--server-ca=" + servertest.File(t, "empty.pem", ""): "it has no PEM block",
		"--tls-client-cert=/nowhere":                         "--tls-client-key",
		"--tls-client-cert=/nowhere --tls-client-key=/nowhere": "--tls-client-cert and --tls-client-key: open " +
			"/nowhere",
		"--tls-client-cert=" + authority +
			" --tls-client-key=/none": "--tls-client-cert and --tls-client-key: open /none",
	} {
		r := runHere(t, append([]string{"health", "--url", s.URL}, strings.Fields(flag)...)...)
		if r.code != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit code %d, want %q: %s", flag, r.code, want, r.err)
		}
	}
}
