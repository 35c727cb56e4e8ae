package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

// healthCommand checks the health of a running server. All but its first three fields are flags of the server, so that
// the server's environment or configuration file leads to it.
type healthCommand struct {
	URL      string `name:"url" placeholder:"URL" help:"Health endpoint. Defaults to /healthz at the server's --listen, over https if it has a --tls-cert."`
	Ready    bool   `help:"Ask whether the server can register clients (/readyz), not only whether it serves."`
	Insecure bool   `help:"Do not verify the server's certificate."`

	Listen    string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The server's public address. Default ${default}."`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" help:"The server's certificate chain, PEM. It is trusted, whatever name it is for."`
	Issuer    string `hidden:"" default:"http://localhost:8080" placeholder:"URL" help:"The server's issuer."`
	PublicURL string `hidden:"" name:"public-url" placeholder:"URL" help:"The server's public URL."`
}

// healthTimeout bounds the health check.
const healthTimeout = 5 * time.Second

// Run requests the health endpoint. Anything but 200 is an error.
func (c *healthCommand) Run(ctx context.Context, to *console) error {
	endpoint, err := c.endpoint()
	if err != nil {
		return usageError{err}
	}
	client := httpClient(healthTimeout)
	if client.Transport, err = c.transport(); err != nil {
		return usageError{err}
	}
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
		return fmt.Errorf("requesting the health: %w: name the server's certificate with --tls-cert, or set --insecure", err)
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

// transport returns a transport that trusts the certificate in c.TLSCert, else those of the system for the host.
func (c *healthCommand) transport() (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the server is on this machine, or is named
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure}
	if c.Insecure || c.TLSCert == "" {
		return transport, nil
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
	transport.TLSClientConfig.InsecureSkipVerify = true
	transport.TLSClientConfig.ServerName = host
	transport.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		return verify(state.PeerCertificates, own, host)
	}
	return transport, nil
}

// verify returns nil if the first certificate of a chain is own, else the result of verifying the chain for a host: the
// server may not have read the file again yet.
func verify(chain []*x509.Certificate, own *x509.Certificate, host string) error {
	if chain[0].Equal(own) {
		return nil
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Intermediates: intermediates})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// leafOf returns the first certificate of a PEM file, which is the server's own.
func leafOf(path string) (*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, fmt.Errorf("%s has no certificate in PEM", path)
}
