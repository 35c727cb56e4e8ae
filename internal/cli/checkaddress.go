package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"registrar/internal/app"
	"registrar/internal/certs"
	"registrar/internal/netrule"
	"registrar/internal/secretfile"
)

const (
	// lookTimeout bounds the look at an address.
	lookTimeout = 2 * time.Second
	// expirySoon is how long before the end of a certificate check warns.
	expirySoon = 14 * 24 * time.Hour
)

// addresses finds out whether serve could listen, and whether clients could reach it. It listens meanwhile, so that the
// public URL may lead to this process.
func (c *checkCommand) addresses(ctx context.Context, r *checkReport) {
	public := c.tryListen(ctx, r, "--listen", c.Listen, c.TLSCert != "", nil)
	admin := c.tryListen(ctx, r, "--admin-listen", c.AdminListen, c.AdminTLSCert != "", public)
	c.reach(ctx, r)
	for _, l := range []net.Listener{public, admin} {
		if l != nil {
			_ = l.Close() // nothing was accepted
		}
	}
}

// tryListen listens on an address, or adds why that fails and returns nil. other is the listener of the other address;
// nil means none.
func (c *checkCommand) tryListen(
	ctx context.Context, r *checkReport, flag, address string, secure bool, other net.Listener,
) net.Listener {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err == nil {
		return l
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && other != nil && sameSocket(ctx, address, other):
		err = errors.New("it is the same address as that of --listen; give one another port")
	case errors.Is(err, syscall.EADDRINUSE) && runsAt(ctx, flag, address, secure):
		r.add(severityWarning, codeAlreadyRunning, flag,
			"%s %s: a registrar runs here already: stop it before serve starts",
			flag, address)
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		err = errors.New("another process listens here")
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("this user may not listen here: %w", err)
	}
	r.fail(codeAddress, flag, fmt.Errorf("%s %s: %w", flag, address, err))
	return nil
}

// sameSocket reports whether an address is in use by l, which must be a listener of this process: whether it belongs to
// a name of l's address.
func sameSocket(ctx context.Context, address string, l net.Listener) bool {
	host, port, err := net.SplitHostPort(address)
	own, ok := l.Addr().(*net.TCPAddr)
	if err != nil || !ok || port != fmt.Sprint(own.Port) {
		return false
	}
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil {
		return false
	}
	for _, ip := range ips {
		if own.IP.IsUnspecified() || ip.Equal(own.IP) {
			return true
		}
	}
	return false
}

// runsAt reports whether a registrar answers at an address.
func runsAt(ctx context.Context, flag, address string, secure bool) bool {
	u, err := ownURL(flag, address, secure)
	if err != nil {
		return false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("healthz").String(), nil)
	if err != nil {
		return false
	}
	// Only whether the answer is registrar's counts, and nothing is sent.
	client := httpClient(lookTimeout, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return err == nil && response.StatusCode == http.StatusOK && response.Header.Get("X-Request-Id") != "" &&
		strings.TrimSpace(string(body)) == `{"status":"ok"}`
}

// reach adds where nothing listens at the public URL, or speaks the other protocol there.
func (c *checkCommand) reach(ctx context.Context, r *checkReport) {
	u, err := url.Parse(c.publicURL())
	if err != nil {
		return // parse has checked it
	}
	flag, port := c.publicFlag(), u.Port()
	if port == "" {
		if port = "80"; u.Scheme == "https" {
			port = "443"
		}
	}
	_, listened, _ := net.SplitHostPort(c.Listen)
	here := netrule.IsLoopback(u.Hostname())
	if here && listened == "0" {
		r.add(severityWarning, codePublicURL, flag,
			"--listen %s: with port 0 the server has another port each time, but "+
				"clients would be sent to %s", c.Listen, u)
		return
	}
	if here && port == listened && u.Scheme != scheme(c.TLSCert != "") {
		r.add(severityError, codePublicURL, flag, "%s %s: --listen %s serves %s there; "+
			"change the scheme of the URL, or set --tls-cert", flag, u, c.Listen, scheme(c.TLSCert != ""))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	switch {
	case err == nil:
		_ = conn.Close()
	case here:
		r.add(severityError, codePublicURL, flag,
			"%s %s: nothing listens on port %s, but clients would be sent there; --listen "+
				"is %s", flag, u, port, c.Listen)
	default:
		r.add(severityWarning, codePublicURL, flag,
			"%s %s: it cannot be reached from here; clients would be sent there: %v",
			flag, u, err)
	}
}

// publicFlag returns the flag that has the public URL.
func (c *checkCommand) publicFlag() string {
	if c.PublicURL == "" {
		return "--issuer"
	}
	return "--public-url"
}

// certificates adds what in the certificates of both listeners keeps callers away, and keys that others may read.
func (c *checkCommand) certificates(r *checkReport, config app.Config) {
	c.certificate(r, "--tls-cert "+c.TLSCert, "--tls-key", c.TLSKey, config.TLS)
	c.certificate(r, "--admin-tls-cert "+c.AdminTLSCert, "--admin-tls-key", c.AdminTLSKey, config.AdminTLS)
	if config.TLS != nil {
		c.certificateHost(r)
	}
}

// certificate looks at the certificate of a listener, and at its key; nil means that it has none.
func (c *checkCommand) certificate(r *checkReport, named, keyFlag, key string, listener *certs.Reloader) {
	if listener == nil {
		return
	}
	flag, _, _ := strings.Cut(named, " ")
	if err := listener.Valid(); err != nil {
		r.add(severityError, codeCertificate, flag, "%s: %v, so it is refused", named, err)
	} else if end := listener.NotAfter(); time.Until(end) < expirySoon {
		r.add(severityWarning, codeCertificate, flag, "%s: it expires on %s", named, end.UTC().Format(time.RFC3339))
	}
	if err := secretfile.Check(key); err != nil {
		r.add(severityWarning, codeCertificate, keyFlag, "%s: %v", keyFlag, err)
	}
}

// certificateHost adds that the certificate is for other hosts than that of the public URL. That is right behind a
// proxy that has the URL's certificate.
func (c *checkCommand) certificateHost(r *checkReport) {
	u, err := url.Parse(c.publicURL())
	if err != nil {
		return // parse has checked it
	}
	leaf, err := leafOf(c.TLSCert)
	if err != nil {
		r.fail(codeCertificate, "--tls-cert", fmt.Errorf("--tls-cert: %w", err))
		return
	}
	if err := leaf.VerifyHostname(u.Hostname()); err != nil {
		r.add(severityWarning, codeCertificate, "--tls-cert", "--tls-cert %s: it is not for the host of %s %s: %v",
			c.TLSCert,
			c.publicFlag(), u, err)
	}
}
