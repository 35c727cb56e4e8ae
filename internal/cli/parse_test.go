package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"registrar/server"
)

func TestRegistrationPolicy(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want server.RegistrationPolicy
	}{
		{"by default, on loopback", nil, server.RegistrationLoopback},
		{"every loopback name", []string{"--listen=[::1]:8080", "--issuer=http://127.0.0.2",
			"--public-url=http://LOCALHOST:1"}, server.RegistrationLoopback},
		{"https on loopback", []string{"--issuer=https://localhost"}, server.RegistrationLoopback},
		{"listening everywhere", []string{"--listen=:8080"}, server.RegistrationToken},
		{"listening everywhere by 0.0.0.0", []string{"--listen=0.0.0.0:8080"}, server.RegistrationToken},
		{"listening on a name", []string{"--listen=host.example:8080"}, server.RegistrationToken},
		{"an issuer elsewhere", []string{"--issuer=https://auth.example", "--public-url=http://localhost"},
			server.RegistrationToken},
		{"a public URL elsewhere", []string{"--public-url=https://auth.example"}, server.RegistrationToken},
		{"a host that only begins like loopback", []string{"--public-url=https://localhost.example"},
			server.RegistrationToken},
		{"a trusted proxy", []string{"--trusted-proxy=127.0.0.1"}, server.RegistrationToken},
		{"an admin address elsewhere is not public", []string{"--admin-listen=:8081", "--admin-insecure"},
			server.RegistrationLoopback},
		{"open, configured", []string{"--registration=open"}, server.RegistrationOpen},
		{"open to everyone, configured", []string{"--registration=open", "--listen=:8080",
			"--issuer=https://auth.example", "--trusted-proxy=10.0.0.0/8"}, server.RegistrationOpen},
		{"token, configured", []string{"--registration=token"}, server.RegistrationToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			commands, err := parse(t, append([]string{"serve"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.Server.Registration != tt.want {
				t.Errorf("got %s, want %s", c.Server.Registration, tt.want)
			}
		})
	}
}

// Each invalid flag is a finding of check, and serve names all of them.
func TestEveryInvalidFlagIsNamed(t *testing.T) {
	args := []string{"--startup-timeout=-1s", "--max-modules=0", "--secret-lifetime=1500ms", "--default-scope=a\"b",
		"--database-ca=/nowhere", "--script-timeout=0s", "--script-pool=0", "--script-signing-key=/nowhere",
		"--request-timeout=0s", "--rate-limit=-1", "--drain=-1s", "--cors-origin=app.example",
		"--listen=127.0.0.1", "--admin-listen=127.0.0.1", "--issuer=http://auth.example", "--public-url=x",
		"--admin-client-ca=/nowhere", "--tls-cert=/nowhere", "--tls-key=/nowhere", "--jwt-issuer=x", "--jwt-scope=",
		"--admin-role=a=read", "--admin-cert-role=x", "--admin-token-file=/nowhere", "--otlp-sample-ratio=2",
		"--trusted-issuer=x"}
	want := []string{"--startup-timeout -1s", "--max-modules 0", "secret lifetime 1.5s", `scope "a\"b"`,
		"--database-ca is for", "--script-timeout 0s", "--script-pool 0", "--script-signing-key /nowhere",
		"--request-timeout 0s", "--rate-limit -1", "--drain -1s", `--cors-origin "app.example"`,
		"--listen 127.0.0.1", "--admin-listen 127.0.0.1", "--issuer http://auth.example", "--public-url: must be",
		"--admin-client-ca needs", "--tls-cert and --tls-key", "--jwt-scope: name", "--jwt-issuer: ",
		"--admin-audience and --admin-role need", `--admin-cert-role "x"`, "/nowhere", "--otlp-sample-ratio 2",
		"--trusted-issuer: "}
	commands, err := parse(t, append([]string{"serve"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
	got := reasons(err)
	if len(got) != len(want) {
		t.Errorf("got %d reasons, want %d:\n%v", len(got), len(want), err)
	}
	for i, reason := range got[:min(len(got), len(want))] {
		if !strings.Contains(reason.Error(), want[i]) {
			t.Errorf("reason %d: got %v, want %s", i, reason, want[i])
		}
	}
	var out, errs strings.Builder
	code := run(t.Context(), append([]string{"check"}, args...), &console{out: &out, err: &errs})
	if found := strings.Count(out.String(), "error    "); code != exitUsage || found != len(want) {
		t.Errorf("check: exit code %d and %d errors, want %d:\n%s", code, found, len(want), &out)
	}
	if printed := strings.Count(errs.String(), "registrar: "); printed != len(want) {
		t.Errorf("check prints %d errors, want %d:\n%s", printed, len(want), &errs)
	}
}

// An error that wraps several is one reason, unless it only joins them.
func TestReasons(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), fmt.Errorf("c: %w: %w", io.EOF, io.ErrUnexpectedEOF)
	got := reasons(errors.Join(a, nil, errors.Join(b, c)))
	if want := []error{a, b, c}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDrain(t *testing.T) {
	for args, want := range map[string]string{
		"":                          "0s",
		"--listen=[::1]:8080":       "0s",
		"--listen=localhost:1":      "0s",
		"--listen=:8080":            "5s",
		"--listen=10.0.0.1:8080":    "5s",
		"--listen=:8080 --drain=0s": "0s",
		"--drain=1m":                "1m0s",
		"--drain=-1s":               "--drain -1s: must be 0 or more",
		"--listen=:8080 --admin-listen=:81 --admin-insecure": "5s",
	} {
		commands, err := parse(t, append([]string{"serve"}, strings.Fields(args)...)...)
		if err != nil {
			t.Fatal(err)
		}
		c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
		if got := c.Server.Drain.String(); err == nil && got != want || err != nil && err.Error() != want {
			t.Errorf("%s: got %s, %v; want %s", args, got, err, want)
		}
	}
}

func TestRegistrationEndpoint(t *testing.T) {
	for args, want := range map[string]string{
		"":                                 "http://localhost:8080/register",
		"--issuer=https://auth.example/":   "https://auth.example/register",
		"--issuer=https://auth.example/a":  "https://auth.example/a/register",
		"--public-url=https://reg.example": "https://reg.example/register",
		"--no-management":                  "",
	} {
		commands, err := parse(t, append([]string{"serve"}, strings.Fields(args)...)...)
		if err != nil {
			t.Fatal(err)
		}
		c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
		if err != nil || c.Engine.Options.RegistrationEndpoint != want {
			t.Errorf("%s: got %q and %v, want %q", args, c.Engine.Options.RegistrationEndpoint, err, want)
		}
	}
}

// Origins are compared with what browsers send.
func TestOriginsAsBrowsersSendThem(t *testing.T) {
	commands, err := parse(t, "serve", "--cors-origin=HTTPS://APP.example:443,http://[0:0:0:0:0:0:0:1]:3000")
	if err != nil {
		t.Fatal(err)
	}
	c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
	if want := []string{"https://app.example", "http://[::1]:3000"}; err != nil ||
		!slices.Equal(c.Server.CORSOrigins, want) {
		t.Errorf("got %q and %v, want %q", c.Server.CORSOrigins, err, want)
	}
}

func TestForwardedHeader(t *testing.T) {
	for args, want := range map[string]server.ForwardedHeader{
		"": server.ForwardedEither,
		"--trusted-proxy=10.0.0.1 --forwarded-header=forwarded":       server.ForwardedRFC7239,
		"--trusted-proxy=10.0.0.1 --forwarded-header=x-forwarded-for": server.ForwardedXForwardedFor,
	} {
		commands, err := parse(t, append([]string{"serve"}, strings.Fields(args)...)...)
		if err != nil {
			t.Fatal(err)
		}
		c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
		if err != nil || c.Server.ForwardedHeader != want {
			t.Errorf("%s: got %q and %v, want %q", args, c.Server.ForwardedHeader, err, want)
		}
	}
	_, err := parse(t, "check", "--forwarded-header=x-real-ip")
	if err == nil || !strings.Contains(err.Error(), `must be one of "either","x-forwarded-for","forwarded"`) {
		t.Errorf("got %v, want the headers that may be named", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		args string
		want string
	}{
		{"an address without a port", "--listen=127.0.0.1", "--listen 127.0.0.1"},
		{"an invalid port", "--admin-listen=127.0.0.1:http", "--admin-listen"},
		{"an issuer without a scheme", "--issuer=auth.example", "--issuer"},
		{"an issuer by another scheme", "--issuer=ftp://auth.example", "--issuer"},
		{"an issuer by http", "--issuer=http://auth.example", "https"},
		{"an issuer with a query", "--issuer=https://auth.example/?x", "no query"},
		{"an issuer of access tokens without keys", "--jwt-issuer=https://issuer.example --jwt-scope=registration",
			"ISSUER=JWKS"},
		{"keys by http", "--jwt-issuer=https://issuer.example=http://issuer.example/jwks --jwt-scope=registration",
			"must be https"},
		{"missing keys", "--jwt-issuer=https://issuer.example=none.json --jwt-scope=registration", "none.json"},
		{"an issuer of access tokens twice",
			"--jwt-issuer=https://i.example=https://i.example/a --jwt-issuer=https://i.example=https://i.example/b " +
				"--jwt-scope=registration", "twice"},
		{"access tokens without a scope", "--jwt-issuer=https://issuer.example=https://issuer.example/jwks",
			"--jwt-scope"},
		{"a scope without an issuer", "--jwt-scope=registration", "--jwt-issuer"},
		{"a scope claim without an issuer", "--jwt-scope-claim=roles", "--jwt-issuer"},
		{"a required claim without an issuer", "--jwt-require=a=b", "--jwt-issuer"},
		{"a public URL by http", "--public-url=http://auth.example", "--public-url"},
		{"a public URL with a fragment", "--public-url=https://auth.example/#x", "no fragment"},
		{"a public URL with a user", "--public-url=https://hidden:secret@auth.example",
			"--public-url: must not contain a user"},
		{"a public URL without a host", "--public-url=https:///x", "--public-url"},
		{"an origin with a path", "--cors-origin=https://app.example/", "--cors-origin"},
		{"an origin without a scheme", "--cors-origin=app.example", "--cors-origin"},
		{"an origin by another scheme", "--cors-origin=ftp://app.example", "--cors-origin"},
		{"an origin with a star", "--cors-origin=https://*.app.example", "--cors-origin"},
		{"an origin with a user", "--cors-origin=https://hidden@app.example", "--cors-origin"},
		{"an origin with a port that is none", "--cors-origin=https://app.example:x", "--cors-origin"},
		{"no origin at all", "--cors-origin=null", "--cors-origin"},
		{"no origin", "--cors-origin=", "--cors-origin"},
		{"a negative rate", "--rate-limit=-1", "--rate-limit"},
		{"a rate that is not a number", "--rate-limit=NaN", "--rate-limit"},
		{"no time for a script", "--script-timeout=0s", "--script-timeout"},
		{"no time for a request", "--request-timeout=0s", "--request-timeout"},
		{"half a second of lifetime", "--secret-lifetime=1500ms", "whole seconds"},
		{"a default scope that is not allowed", "--default-scope=a --allowed-scope=b", `"a"`},
		{"an http redirect host with a port", "--http-redirect-host=lab.example:80",
			`HTTP redirect host "lab.example:80"`},
		{"an http redirect host with a star", "--http-redirect-host=*.lab.example",
			`HTTP redirect host "*.lab.example"`},
		{"an http redirect range that is none", "--http-redirect-host=10.0.0.0/33", `HTTP redirect host "10.0.0.0/33"`},
		{"an http redirect address in another spelling", "--http-redirect-host=10.1", "write 10.0.0.1"},
		{"a symmetric algorithm", "--signing-alg=HS256", "HS256"},
		{"a missing certificate", "--tls-cert=/nowhere --tls-key=/nowhere", "--tls-cert"},
		{"a missing admin certificate", "--admin-tls-cert=/nowhere --admin-tls-key=/nowhere", "--admin-tls-cert"},
		{"client certificates without TLS", "--admin-client-ca=/nowhere", "--admin-client-ca needs --admin-tls-cert"},
		{"an authority of a SQLite database", "--database-ca=/nowhere", "--database-ca is for a mysql: database only"},
		{"a missing authority of the database", "--database=mysql:u@tcp(db)/r --database-ca=/nowhere",
			"--database-ca: open /nowhere"},
		{"a missing token file", "--admin-token-file=/nowhere", "/nowhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			commands, err := parse(t, append([]string{"serve"}, strings.Fields(tt.args)...)...)
			if err != nil {
				t.Fatal(err)
			}
			c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
			if err == nil {
				t.Fatalf("got %+v", c)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret@") {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
		})
	}
}

func TestMemorySize(t *testing.T) {
	for _, tt := range []struct {
		text  string
		pages uint32 // 0 means refused
	}{
		{"16MiB", 256},
		{"64KiB", 1},
		{"65536", 1},
		{"4GiB", 65536},
		{"4294967296", 65536},
		{"0", 0},
		{"0MiB", 0},
		{"1KiB", 0},
		{"65537", 0},
		{"5GiB", 0},
		{"8589934591GiB", 0},
		{"18446744073709551616", 0},
		{"16MB", 0},
		{"16 MiB", 0},
		{"-1MiB", 0},
		{"MiB", 0},
		{"", 0},
	} {
		var m memorySize
		if err := m.UnmarshalText([]byte(tt.text)); (err != nil) != (tt.pages == 0) || m.pages() != tt.pages {
			t.Errorf("%q: got %d pages and %v, want %d", tt.text, m.pages(), err, tt.pages)
		}
	}
}

func TestCIDR(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"::ffff:10.1.2.3", "10.1.2.3/32"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"10.0.0.0/33", ""},
		{"proxy.example", ""},
		{"", ""},
	} {
		var c cidr
		err := c.UnmarshalText([]byte(tt.text))
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: got %s", tt.text, c)
			}
			continue
		}
		if err != nil || c.Prefix != netip.MustParsePrefix(tt.want) {
			t.Errorf("%q: got %s and %v, want %s", tt.text, c, err, tt.want)
		}
	}
}
