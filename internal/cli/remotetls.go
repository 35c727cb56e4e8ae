package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"

	"registrar/internal/certs"
)

// tlsClientFlags say which servers a command trusts, and which certificate it shows to them.
type tlsClientFlags struct {
	ServerCA      string `name:"server-ca" placeholder:"FILE" help:"${server_ca}"`
	TLSClientCert string `name:"tls-client-cert" and:"tls-client" placeholder:"FILE" help:"${tls_client_cert}"`
	TLSClientKey  string `name:"tls-client-key" and:"tls-client" placeholder:"FILE" help:"${tls_client_key}"`
}

// tlsConfig returns the TLS of a connection to a server.
func (f *tlsClientFlags) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if f.ServerCA != "" {
		if c.RootCAs, err = certs.ReadAuthorities(f.ServerCA); err != nil {
			return nil, fmt.Errorf("--server-ca: %w", err)
		}
	}
	if f.TLSClientCert != "" {
		pair, err := tls.LoadX509KeyPair(f.TLSClientCert, f.TLSClientKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-client-cert and --tls-client-key: %w", err)
		}
		// Also to a server that names other authorities, which then says what is wrong with the certificate.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return c, nil
}

// transport returns a transport whose connections have this TLS.
func transport(c *tls.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = c
	return t
}

// localFlags are flags of serve, so that its environment or configuration file leads to the server on this machine.
type localFlags struct {
	AdminListen  string `hidden:"" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"As for serve."`
	AdminTLSCert string `name:"admin-tls-cert" hidden:"" placeholder:"FILE" help:"As for serve."`
}

// trust has c trust the server's own certificate, by the name that is in it: the server is reached by an address, which
// the certificate need not have. The file is on this machine, so that it needs no authority.
func (f *localFlags) trust(c *tls.Config) error {
	if f.AdminTLSCert == "" {
		return nil
	}
	chain, err := certs.ReadCertificates(f.AdminTLSCert)
	if err != nil {
		return fmt.Errorf("--admin-tls-cert: %w; --server and --server-ca reach the server without it", err)
	}
	switch leaf := chain[0]; {
	case len(leaf.DNSNames) > 0:
		c.ServerName = leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		c.ServerName = leaf.IPAddresses[0].String()
	}
	if c.RootCAs == nil {
		// Authorities of the system too: the file may be newer than what the server has read.
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		for _, cert := range chain {
			c.RootCAs.AddCert(cert)
		}
	}
	return nil
}
