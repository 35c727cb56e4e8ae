package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/certs"
	"registrar/internal/servertest"
)

// A listener is a Reloader that is followed, its files, and the log.
type listener struct {
	t         *testing.T
	authority *servertest.Authority
	folder    string
	files     certs.Files
	*certs.Reloader
	hangup chan func()
	log    *servertest.Buffer
}

// newListener returns a listener with the certificate 1. It is called in a bubble of synctest.
func newListener(t *testing.T) *listener {
	t.Helper()
	l := prepareListener(t)
	l.begin()
	return l
}

// prepareListener returns a listener that does not follow its files yet.
func prepareListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{t: t, authority: servertest.NewAuthority(t), folder: t.TempDir(), hangup: make(chan func(), 1),
		log: &servertest.Buffer{}}
	l.files = certs.Files{Listener: "admin", Cert: l.path("tls.crt"), Key: l.path("tls.key")}
	l.write(l.issue(1, nil))
	return l
}

// begin reads the files and follows them.
func (l *listener) begin() {
	l.t.Helper()
	var err error
	if l.Reloader, err = certs.New(l.files); err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(l.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		certs.Follow(ctx, []*certs.Reloader{l.Reloader}, l.hangup, slog.New(slog.NewTextHandler(l.log, nil)))
	}()
	l.t.Cleanup(func() { stop(); <-done })
	synctest.Wait() // until it follows
}

func (l *listener) path(name string) string { return filepath.Join(l.folder, name) }

// issue returns the certificate with a number. change may be nil.
func (l *listener) issue(number int64, change func(*x509.Certificate)) (cert, key string) {
	l.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(number)}
	if change != nil {
		change(template)
	}
	return l.authority.Issue(l.t, template)
}

// write writes both files in place.
func (l *listener) write(cert, key string) {
	l.t.Helper()
	servertest.WriteFile(l.t, l.files.Cert, cert)
	servertest.WriteFile(l.t, l.files.Key, key)
}

// looks lets Follow look n times.
func (l *listener) looks(n int) {
	time.Sleep(time.Duration(n) * certs.Interval)
	synctest.Wait()
}

// force sends a hangup.
func (l *listener) force() {
	l.hangup <- func() {}
	synctest.Wait()
}

// handshake connects, and returns the state of both ends.
func (l *listener) handshake(client *tls.Config) (seen, served tls.ConnectionState, err error) {
	l.t.Helper()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	defer on.Close()
	here, err := net.Dial("tcp", on.Addr().String())
	if err != nil {
		l.t.Fatal(err)
	}
	defer here.Close()
	there, err := on.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	server := tls.Server(there, l.Config())
	ended := make(chan error, 1)
	go func() {
		defer there.Close()
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte("x")) // the session's ticket comes before it
		}
		ended <- err
	}()
	c := tls.Client(here, client)
	if err = c.Handshake(); err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	here.Close()
	if refused := <-ended; err == nil {
		err = refused
	}
	return c.ConnectionState(), server.ConnectionState(), err
}

// want checks which certificate a new connection gets.
func (l *listener) want(what string, number int64) {
	l.t.Helper()
	seen, _, err := l.handshake(&tls.Config{RootCAs: l.authority.Pool(), ServerName: "localhost"})
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	if got := seen.PeerCertificates[0].SerialNumber.Int64(); got != number {
		l.t.Errorf("%s: got the certificate %d, want %d", what, got, number)
	}
	if got := seen.PeerCertificates[0].NotAfter; !got.Equal(l.NotAfter()) {
		l.t.Errorf("%s: it expires at %v, but NotAfter returns %v", what, got, l.NotAfter())
	}
}

// wantLog checks how many lines of the log hold a text.
func (l *listener) wantLog(text string, lines int) {
	l.t.Helper()
	if got := strings.Count(l.log.String(), text); got != lines {
		l.t.Errorf("%d lines of the log have %q, want %d:\n%s", got, text, lines, l.log)
	}
	if strings.Contains(l.log.String(), "MIGHAgEAMBMGByqGSM49") { // how keys of this curve begin
		l.t.Errorf("the log holds a key:\n%s", l.log)
	}
}

const (
	logReplaced  = "the certificate files were read again"
	logRefused   = "the certificate files cannot be used"
	logUnchanged = "the certificate files have not changed"
)

// Every way in which tools replace files.
func TestReplacedCertificate(t *testing.T) {
	for name, replace := range map[string]func(l *listener, cert, key string){
		"written in place": (*listener).write,
		"renamed": func(l *listener, cert, key string) {
			for path, content := range map[string]string{l.files.Cert: cert, l.files.Key: key} {
				servertest.WriteFile(l.t, path+".new", content)
				if err := os.Rename(path+".new", path); err != nil {
					l.t.Fatal(err)
				}
			}
		},
		"removed first": func(l *listener, cert, key string) {
			os.Remove(l.files.Cert)
			os.Remove(l.files.Key)
			l.looks(1)
			l.write(cert, key)
		},
		"with the same size and time": func(l *listener, cert, key string) {
			info, err := os.Stat(l.files.Cert)
			if err != nil {
				l.t.Fatal(err)
			}
			// Text before a PEM block does not count.
			cert = strings.Repeat(" ", max(0, int(info.Size())-len(cert)-1)) + "\n" + cert
			l.write(cert, key)
			if err := os.Chtimes(l.files.Cert, info.ModTime(), info.ModTime()); err != nil {
				l.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				l.want("at first", 1)
				cert, key := l.issue(2, nil)
				replace(l, cert, key)
				l.looks(2)
				l.want("replaced", 2)
				l.wantLog(logReplaced, 1)
				l.wantLog("not_after="+l.NotAfter().Format("2006-01-02T15:04:05"), 1)
				l.wantLog("listener=admin", 1)
				l.wantLog(logRefused, 0)
				l.looks(5)
				l.wantLog(logReplaced, 1)
			})
		})
	}
}

// An orchestrator makes a folder for each version, and changes one link to it.
func TestLinkToAnotherVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		link := func(version string, number int64) {
			t.Helper()
			if err := os.Mkdir(l.path(version), 0o700); err != nil {
				t.Fatal(err)
			}
			cert, key := l.issue(number, nil)
			servertest.WriteFile(t, filepath.Join(l.path(version), "tls.crt"), cert)
			servertest.WriteFile(t, filepath.Join(l.path(version), "tls.key"), key)
			if err := os.Symlink(version, l.path("..data_tmp")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(l.path("..data_tmp"), l.path("..data")); err != nil {
				t.Fatal(err)
			}
		}
		link("..1", 2)
		for _, path := range []string{l.files.Cert, l.files.Key} {
			os.Remove(path)
			if err := os.Symlink(filepath.Join("..data", filepath.Base(path)), path); err != nil {
				t.Fatal(err)
			}
		}
		l.looks(2)
		l.want("linked", 2)
		link("..2", 3)
		l.looks(2)
		l.want("linked again", 3)
		l.wantLog(logRefused, 0)
	})
}

// The old pair stays until certificate and key belong together, whichever comes first.
func TestNeverHalfOfAPair(t *testing.T) {
	for name, halves := range map[string]func(l *listener, cert, key string) (first, second func()){
		"certificate first": func(l *listener, cert, key string) (first, second func()) {
			return func() { servertest.WriteFile(l.t, l.files.Cert, cert) },
				func() { servertest.WriteFile(l.t, l.files.Key, key) }
		},
		"key first": func(l *listener, cert, key string) (first, second func()) {
			return func() { servertest.WriteFile(l.t, l.files.Key, key) },
				func() { servertest.WriteFile(l.t, l.files.Cert, cert) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				cert, key := l.issue(2, nil)
				first, second := halves(l, cert, key)
				first()
				l.force()
				l.want("half of the pair, after a hangup", 1)
				l.looks(10)
				l.want("half of the pair", 1)
				l.wantLog(logRefused, 1)
				l.wantLog("private key does not match public key", 1)
				l.wantLog("level=ERROR", 1)
				l.wantLog(l.files.Cert, 1)
				second()
				l.looks(2)
				l.want("both", 2)
				l.wantLog(logReplaced, 1)
			})
		})
	}
}

// A file that is written slowly is never taken in part, even where the part is a chain that would do.
func TestFileThatIsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		cert, key := l.issue(2, nil)
		chain := cert + l.authority.PEM
		servertest.WriteFile(t, l.files.Key, key)
		for end := 100; end < len(chain); end += 100 {
			servertest.WriteFile(t, l.files.Cert, chain[:end])
			l.looks(1)
			l.want(fmt.Sprintf("%d bytes", end), 1)
		}
		servertest.WriteFile(t, l.files.Cert, chain)
		l.looks(2)
		l.want("all of it", 2)
		seen, _, err := l.handshake(&tls.Config{RootCAs: l.authority.Pool(), ServerName: "localhost"})
		if err != nil || len(seen.PeerCertificates) != 2 {
			t.Errorf("got %d certificates and %v, want the chain of 2", len(seen.PeerCertificates), err)
		}
		l.wantLog(logRefused, 0)
	})
}

// What cannot be used is logged once, with the reason, and the old certificate stays.
func TestUnusableFiles(t *testing.T) {
	valid := func(l *listener) (string, string) { return l.issue(2, nil) }
	for name, tt := range map[string]struct {
		files func(l *listener) (cert, key string)
		says  string
	}{
		"expired": {func(l *listener) (string, string) {
			return l.issue(2, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })
		}, "the certificate expired on 1999-12-31T23:59:59Z"},
		"not valid yet": {func(l *listener) (string, string) {
			return l.issue(2, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })
		}, "the certificate is not valid before 2000-01-01T01:00:00Z"},
		"not PEM": {func(*listener) (string, string) { return "hello", "hello" }, "it has no PEM block"},
		"empty":   {func(*listener) (string, string) { return "", "" }, "it has no PEM block"},
		"half of a block": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return cert + l.authority.PEM[:200], key
		}, "1 of 2 PEM blocks are not whole"},
		"damaged": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return strings.Replace(cert, "M", "*", 3), key
		}, "PEM blocks are not whole"},
		"half of a key": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return cert, key[:len(key)-30]
		}, "1 of 1 PEM blocks are not whole"},
		"swapped": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return key, cert
		}, "it is a PRIVATE KEY"},
		"an encrypted key": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return cert, strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
		}, "the private key is encrypted"},
		"too large": {func(l *listener) (string, string) {
			cert, key := valid(l)
			return strings.Repeat("\n", 1<<20) + cert, key
		}, "larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				before := l.NotAfter()
				l.write(tt.files(l))
				l.looks(1)
				l.wantLog(logRefused, 0)
				l.looks(1)
				l.want("refused", 1)
				l.wantLog(logRefused, 1)
				l.wantLog(tt.says, 1)
				l.looks(10)
				l.wantLog(logRefused, 1)
				l.force()
				l.want("refused after a hangup", 1)
				l.wantLog(logRefused, 2)
				if !l.NotAfter().Equal(before) {
					t.Errorf("NotAfter changed to %v", l.NotAfter())
				}
				l.write(l.issue(3, nil))
				l.looks(2)
				l.want("mended", 3)
			})
		})
	}
}

func TestCertificateThatBecomesValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		l.write(l.issue(2, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Second) }))
		l.looks(29)
		l.want("before", 1)
		l.looks(2)
		l.want("after", 2)
		l.wantLog(logRefused, 1)
	})
}

func TestMissingFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		os.Remove(l.files.Key)
		l.looks(10)
		l.want("without its key", 1)
		l.wantLog(l.files.Key+": no such file", 1)
	})
}

// A hangup takes what it finds at once, and its result is logged, a change or none.
func TestHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		l.force()
		l.wantLog(logUnchanged, 1)
		l.write(l.issue(2, nil))
		l.force()
		l.want("after a hangup", 2)
		l.wantLog(logReplaced, 1)
	})
}

func TestHangupWithoutCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		hangup, done := make(chan func()), make(chan struct{})
		var log bytes.Buffer
		go func() {
			defer close(done)
			certs.Follow(ctx, nil, hangup, slog.New(slog.NewTextHandler(&log, nil)))
		}()
		called := false
		hangup <- func() { called = true }
		synctest.Wait()
		if !called {
			t.Error("Follow does not say that it has looked")
		}
		stop()
		<-done
		if !strings.Contains(log.String(), "there is no certificate to read again") {
			t.Errorf("got the log\n%s", &log)
		}
	})
}

// Clients need a certificate of the authorities that are in the file now.
func TestClientCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := prepareListener(t)
		old, other := servertest.NewAuthority(t), servertest.NewAuthority(t)
		l.files.ClientCA = l.path("clients.pem")
		servertest.WriteFile(t, l.files.ClientCA, old.PEM)
		l.begin()
		sessions := tls.NewLRUClientSessionCache(8)
		connect := func(issuer *servertest.Authority, change func(*x509.Certificate)) (resumed bool, err error) {
			t.Helper()
			c := &tls.Config{RootCAs: l.authority.Pool(), ServerName: "localhost"}
			if issuer != nil {
				template := &x509.Certificate{}
				if change != nil {
					change(template)
				}
				pair, err := tls.X509KeyPair(pems(issuer.Issue(t, template)))
				if err != nil {
					t.Fatal(err)
				}
				// As a client that takes no notice of the authorities that the server names.
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &pair,
						nil
				}
				c.ClientSessionCache = sessions
			}
			seen, _, err := l.handshake(c)
			return seen.DidResume, err
		}
		for name, tt := range map[string]struct {
			issuer *servertest.Authority
			change func(*x509.Certificate)
		}{
			"none":                 {nil, nil},
			"of another authority": {other, nil},
			"expired":              {old, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
			"of a server": {old, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			}},
		} {
			if _, err := connect(tt.issuer, tt.change); err == nil {
				t.Errorf("a certificate that is %s: the client was let in", name)
			}
		}
		if _, err := connect(old, nil); err != nil {
			t.Errorf("a good certificate: %v", err)
		}
		if resumed, err := connect(old, nil); err != nil || !resumed {
			t.Errorf("a session: resumed %t, %v", resumed, err)
		}
		servertest.WriteFile(t, l.files.ClientCA, other.PEM)
		l.looks(2)
		l.wantLog(logReplaced, 1)
		if _, err := connect(old, nil); err == nil {
			t.Error("a session of an authority that was removed: the client was let in")
		}
		if _, err := connect(other, nil); err != nil {
			t.Errorf("a certificate of the new authority: %v", err)
		}
		key := strings.ReplaceAll(old.PEM, "CERTIFICATE", "PUBLIC KEY")
		for _, content := range []string{"", other.PEM + key, other.PEM[:100]} {
			servertest.WriteFile(t, l.files.ClientCA, content)
			l.force()
		}
		l.wantLog(logRefused, 3)
		if _, err := connect(other, nil); err != nil {
			t.Errorf("after files that cannot be used: %v", err)
		}
	})
}

func pems(cert, key string) (certPEM, keyPEM []byte) { return []byte(cert), []byte(key) }

// A session is resumed while its certificate is in use, and no longer, by both versions of TLS.
func TestSessionsEndWithTheirCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				client := &tls.Config{RootCAs: l.authority.Pool(), ServerName: "localhost", MaxVersion: version,
					ClientSessionCache: tls.NewLRUClientSessionCache(8)}
				for _, want := range []struct {
					resumed bool
					number  int64
				}{{false, 1}, {true, 1}, {false, 2}, {true, 2}} {
					if want.number == 2 && !want.resumed {
						l.write(l.issue(2, nil))
						l.force()
					}
					seen, _, err := l.handshake(client)
					if err != nil {
						t.Fatal(err)
					}
					if got := seen.PeerCertificates[0].SerialNumber.Int64(); got != want.number ||
						seen.DidResume != want.resumed {
						t.Errorf("got the certificate %d, resumed %t, want %+v", got, seen.DidResume, want)
					}
				}
			})
		})
	}
}

func TestProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		client := &tls.Config{RootCAs: l.authority.Pool(), ServerName: "localhost",
			NextProtos: []string{"h2", "http/1.1"}}
		seen, _, err := l.handshake(client)
		if err != nil || seen.Version != tls.VersionTLS13 || seen.NegotiatedProtocol != "h2" {
			t.Errorf("got %s, %q and %v", tls.VersionName(seen.Version), seen.NegotiatedProtocol, err)
		}
		client.MaxVersion = tls.VersionTLS12
		if seen, _, err := l.handshake(client); err != nil || seen.Version != tls.VersionTLS12 {
			t.Errorf("got %s and %v", tls.VersionName(seen.Version), err)
		}
		client.MinVersion, client.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if _, _, err := l.handshake(client); err == nil {
			t.Error("TLS 1.1 was accepted")
		}
	})
}

// A server starts with a certificate that has expired, and with a key that others may read, and says so.
func TestWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		if got := l.Warnings(); got != nil {
			t.Errorf("got %q, want none", got)
		}
		l.write(l.issue(2, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
		if err := os.Chmod(l.files.Key, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := certs.New(l.files)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Warnings()
		if len(got) != 2 || !strings.Contains(got[0], "expired on") ||
			!strings.Contains(got[1], "every user of this machine may read") || !strings.Contains(got[1], "chmod o=") {
			t.Errorf("got %q", got)
		}
		l.write(l.issue(3, nil))
		l.looks(2)
		l.want("replaced", 3)
		l.wantLog("every user of this machine may read", 1)
	})
}

func TestNewRefuses(t *testing.T) {
	authority := servertest.NewAuthority(t)
	cert, key := authority.Issue(t, &x509.Certificate{})
	_, another := authority.Issue(t, &x509.Certificate{})
	for name, tt := range map[string]struct{ cert, key, clients, says string }{
		"a key of another certificate": {cert, another, "", "private key does not match public key"},
		"no certificate":               {"", key, "", "cert.pem: it has no PEM block"},
		"no key":                       {cert, "", "", "key.pem: it has no PEM block"},
		"authorities that are a key": {cert, key, key,
			"clients.pem: PEM block 1 is not a certificate: it is a PRIVATE KEY"},
	} {
		files := certs.Files{Cert: servertest.File(t, "cert.pem", tt.cert), Key: servertest.File(t, "key.pem", tt.key)}
		if tt.clients != "" {
			files.ClientCA = servertest.File(t, "clients.pem", tt.clients)
		}
		_, err := certs.New(files)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "-----BEGIN P") {
			t.Errorf("%s: got %v, want %q", name, err, tt.says)
		}
	}
	files := certs.Files{Cert: "/none/cert.pem", Key: "/none/key.pem", ClientCA: "/none/clients.pem"}
	_, err := certs.New(files)
	for _, path := range []string{files.Cert, files.Key, files.ClientCA} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("missing files: got %v, want %s", err, path)
		}
	}
}
