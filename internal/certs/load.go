package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// maxSize bounds each file, in bytes.
const maxSize = 1 << 20

// contents are what the files of a listener hold.
type contents struct {
	cert, key, clientCA []byte
	err                 error // why one of them cannot be read
	digest              digest
}

// read reads the files. Files that cannot be read have a digest too, by the reason.
func (f Files) read() (c contents) {
	sum := sha256.New()
	for _, file := range []struct {
		path string
		to   *[]byte
	}{{f.Cert, &c.cert}, {f.Key, &c.key}, {f.ClientCA, &c.clientCA}} {
		if file.path == "" {
			continue
		}
		b, err := readFile(file.path)
		if err != nil {
			c.err = errors.Join(c.err, err)
			b = []byte(err.Error())
		}
		*file.to = b
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		sum.Write(b)
	}
	c.digest = digest(sum.Sum(nil))
	return c
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(b) > maxSize {
		err = fmt.Errorf("%s: the file is larger than %d bytes", path, maxSize)
	}
	return b, err
}

// A loaded is what the files of a listener held when they were read.
type loaded struct {
	files  Files
	config *tls.Config // for a handshake
	leaf   *x509.Certificate
	digest digest
}

// load returns what is served of contents. It is an error unless key and certificate belong together. Errors name the
// files, and quote nothing of the key.
func (r *Reloader) load(c contents) (*loaded, error) {
	if c.err != nil {
		return nil, c.err
	}
	if _, err := certificates(r.files.Cert, c.cert); err != nil {
		return nil, err
	}
	if err := wholeKey(r.files.Key, c.key); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", r.files.Cert, r.files.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if r.files.ClientCA != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if config.ClientCAs, err = authorities(r.files.ClientCA, c.clientCA); err != nil {
			return nil, err
		}
	}
	r.bind(config, c.digest)
	return &loaded{files: r.files, config: config, leaf: pair.Leaf, digest: c.digest}, nil
}

// valid returns an error unless the certificate is valid at a time.
func (l *loaded) valid(now time.Time) error {
	switch {
	case now.After(l.leaf.NotAfter):
		return fmt.Errorf("%s: the certificate expired on %s", l.files.Cert, l.leaf.NotAfter.Format(time.RFC3339))
	case now.Before(l.leaf.NotBefore):
		return fmt.Errorf("%s: the certificate is not valid before %s", l.files.Cert,
			l.leaf.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// ReadCertificates returns the certificates in a file, PEM. Each block must be a certificate, and there must be one.
func ReadCertificates(path string) ([]*x509.Certificate, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return certificates(path, b)
}

// ReadAuthorities returns a pool of the certificates in a file, as [ReadCertificates] returns them.
func ReadAuthorities(path string) (*x509.CertPool, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return authorities(path, b)
}

func authorities(path string, content []byte) (*x509.CertPool, error) {
	list, err := certificates(path, content)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, authority := range list {
		pool.AddCert(authority)
	}
	return pool, nil
}

// certificates returns the certificates in the content of a file.
func certificates(path string, content []byte) (list []*x509.Certificate, err error) {
	if err := whole(path, content); err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" {
			err = fmt.Errorf("it is a %s", block.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: PEM block %d is not a certificate: %w", path, len(list)+1, err)
		}
		list = append(list, certificate)
	}
	return list, nil
}

// whole returns an error unless the content of a file has PEM blocks, and only whole ones. A file that is being written
// may end within a block.
func whole(path string, content []byte) error {
	blocks := 0
	for rest := content; ; blocks++ {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = after
	}
	switch begun := bytes.Count(content, []byte("-----BEGIN ")); {
	case blocks != begun:
		return fmt.Errorf("%s: %d of %d PEM blocks are not whole", path, begun-blocks, begun)
	case blocks == 0:
		return fmt.Errorf("%s: it has no PEM block, which begins with -----BEGIN", path)
	}
	return nil
}

// wholeKey is whole for a private key, which must not be encrypted: the server could not ask for its passphrase.
func wholeKey(path string, content []byte) error {
	if err := whole(path, content); err != nil {
		return err
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return fmt.Errorf("%s: the private key is encrypted: store it without a passphrase, readable by its "+
				"owner only",
				path)
		}
	}
	return nil
}
