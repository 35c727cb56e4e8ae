package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"registrar/internal/app"
	"registrar/internal/certs"
	"registrar/internal/netrule"
)

// tlsFlags name the certificates of both listeners. They are read again when they change.
type tlsFlags struct {
	TLSCert       string `name:"tls-cert" and:"tls" placeholder:"FILE" help:"${tls_cert}"`
	TLSKey        string `name:"tls-key" and:"tls" placeholder:"FILE" help:"Private key of the certificate, PEM."`
	AdminTLSCert  string `name:"admin-tls-cert" and:"admin-tls" placeholder:"FILE" help:"${admin_tls_cert}"`
	AdminTLSKey   string `name:"admin-tls-key" and:"admin-tls" placeholder:"FILE" help:"${admin_tls_key}"`
	AdminClientCA string `name:"admin-client-ca" placeholder:"FILE" help:"${admin_client_ca}"`
	AdminInsecure bool   `help:"${admin_insecure}"`
}

// exposed returns an error if the admin API would be plain HTTP beyond this machine, at a host of the address.
func (f *tlsFlags) exposed(host, address string) error {
	if f.AdminTLSCert != "" || f.AdminInsecure || netrule.IsLoopback(host) {
		return nil
	}
	return fmt.Errorf("--admin-listen %s: the admin API would be plain HTTP beyond this machine: "+
		"set --admin-tls-cert and --admin-tls-key, or a loopback address such as 127.0.0.1:8081, "+
		"or accept it with --admin-insecure", address)
}

// certificates reads the certificates of both listeners and stores them in c.
func (f *tlsFlags) certificates(c *app.Config) error {
	var invalid []error
	if f.AdminClientCA != "" && f.AdminTLSCert == "" {
		invalid = append(invalid, errors.New("--admin-client-ca needs --admin-tls-cert and --admin-tls-key: only TLS "+
			"has client certificates"))
	}
	var err error
	if f.TLSCert != "" {
		c.TLS, err = certs.New(certs.Files{Listener: "public", Cert: f.TLSCert, Key: f.TLSKey})
		if err != nil {
			invalid = append(invalid, fmt.Errorf("--tls-cert and --tls-key: %w", err))
		}
	}
	if f.AdminTLSCert != "" {
		c.AdminTLS, err = certs.New(certs.Files{Listener: "admin", Cert: f.AdminTLSCert, Key: f.AdminTLSKey,
			ClientCA: f.AdminClientCA})
		if err != nil {
			invalid = append(invalid, fmt.Errorf("--admin-tls-cert, --admin-tls-key and --admin-client-ca: %w", err))
		}
	}
	return errors.Join(invalid...)
}

// authorities reads the authorities of the database; nil means none.
func (f *databaseFlags) authorities() (*x509.CertPool, error) {
	if f.DatabaseCA == "" {
		return nil, nil
	}
	if !strings.HasPrefix(f.Database, "mysql:") {
		return nil, errors.New("--database-ca is for a mysql: database only: a SQLite file has no server")
	}
	pool, err := certs.ReadAuthorities(f.DatabaseCA)
	if err != nil {
		return nil, fmt.Errorf("--database-ca: %w", err)
	}
	return pool, nil
}
