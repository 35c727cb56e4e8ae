package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"registrar/internal/certs"
)

// healthCommand checks the health of a running server. All but its first three fields are flags of the server, so that
// the server's environment or configuration file leads to it.
type healthCommand struct {
	URL      string `name:"url" placeholder:"URL" help:"${health_url}"`
	Ready    bool   `help:"Ask whether the server can register clients (/readyz), not only whether it serves."`
	Insecure bool   `help:"Do not verify the server's certificate."`

	Listen    string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"${health_listen}"`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" help:"${health_tls_cert}"`
	Issuer    string `hidden:"" default:"http://localhost:8080" placeholder:"URL" help:"The server's issuer."`
	PublicURL string `hidden:"" name:"public-url" placeholder:"URL" help:"The server's public URL."`
	tlsClientFlags
}

// healthTimeout bounds the health check.
const healthTimeout = 5 * time.Second

// Run requests the health endpoint. Anything but 200 is an error.
func (c *healthCommand) Run(ctx context.Context, to *console) error {
	endpoint, err := c.endpoint()
	if err != nil {
		return usageError{err}
	}
	secured, err := c.tls()
	if err != nil {
		return usageError{err}
	}
	client := httpClient(healthTimeout, secured)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint.String(), nil)
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	response, err := client.Do(request)
	if err != nil {
		return unhealthy(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", endpoint.Redacted(), response.Status)
	}
	_, err = fmt.Fprintln(to.out, "healthy")
	return err
}

// unhealthy returns the error of a request without a response. It says what to do where the flags may be wrong.
func unhealthy(err error) error {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return fmt.Errorf("requesting the health: %w: name the server's certificate with --tls-cert, or set --insecure",
			err)
	}
	return fmt.Errorf("requesting the health: %w", err)
}

// endpoint returns the URL to request.
func (c *healthCommand) endpoint() (*url.URL, error) {
	if c.URL == "" {
		u, err := ownURL("--listen", c.Listen, c.TLSCert != "")
		if err != nil {
			return nil, fmt.Errorf("%w; or name the endpoint with --url", err)
		}
		if u.Path = "/healthz"; c.Ready {
			u.Path = "/readyz"
		}
		return u, nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return nil, errors.New("--url: must be a URL such as http://127.0.0.1:8080/healthz")
	case c.Ready:
		return nil, errors.New("--url and --ready exclude each other: --url names the endpoint")
	}
	return u, nil
}

// tls returns the TLS of the request. It trusts the certificate in c.TLSCert, and those of the authorities for the
// host.
func (c *healthCommand) tls() (*tls.Config, error) {
	secured, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	secured.InsecureSkipVerify = c.Insecure
	if c.Insecure || c.TLSCert == "" {
		return secured, nil
	}
	own, err := leafOf(c.TLSCert)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	public, err := baseURL("--public-url", cmp.Or(c.PublicURL, c.Issuer))
	if err != nil {
		return nil, err
	}
	host := public.Hostname()
	// The certificate is for the host of the public URL, not for the address, and it may be of a private authority. So
	// crypto/tls cannot verify it, and verify does.
	secured.InsecureSkipVerify = true
	secured.ServerName = host
	secured.VerifyConnection = func(state tls.ConnectionState) error {
		return verify(state.PeerCertificates, own, host, secured.RootCAs)
	}
	return secured, nil
}

// verify returns nil if the first certificate of a chain is own, else the result of verifying the chain for a host: the
// server may not have read the file again yet. authorities nil means those of the system.
func verify(chain []*x509.Certificate, own *x509.Certificate, host string, authorities *x509.CertPool) error {
	if chain[0].Equal(own) {
		return nil
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: authorities,
		Intermediates: intermediates})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// leafOf returns the first certificate of a PEM file, which is the server's own.
func leafOf(path string) (*x509.Certificate, error) {
	chain, err := certs.ReadCertificates(path)
	if err != nil {
		return nil, err
	}
	return chain[0], nil
}
