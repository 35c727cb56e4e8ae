package engine

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
)

// maxCertificates bounds the chain of a key, in certificates.
const maxCertificates = 10

// checkCertificates checks the members for certificates (RFC 7517 §4.6 to 4.9), and reports whether the key has x5c. It
// does not verify the signatures of the chain, which may be self-signed (RFC 8705 §2.2).
func (k *jwk) checkCertificates(kind *keyType, material keyMaterial) (certified bool, err error) {
	if _, there := k.members["x5u"]; there {
		u, err := k.text("x5u")
		if err != nil {
			return false, err
		}
		// RFC 7517 §4.6: the resource is fetched with TLS.
		if _, problem := httpsOnly.read(u); problem != "" {
			return false, k.refuse("x5u", "%s", problem)
		}
	}
	chain, err := k.chain()
	if err != nil {
		return false, err
	}
	sha1Print, err := k.thumbprint("x5t", sha1.Size)
	if err != nil {
		return false, err
	}
	sha256Print, err := k.thumbprint("x5t#S256", sha256.Size)
	if err != nil || chain == nil {
		return false, err
	}
	if sum := sha1.Sum(chain[0]); sha1Print != nil && !bytes.Equal(sum[:], sha1Print) {
		return false, k.refuse("x5t", "is not the SHA-1 thumbprint of x5c[0]")
	}
	if sum := sha256.Sum256(chain[0]); sha256Print != nil && !bytes.Equal(sum[:], sha256Print) {
		return false, k.refuse("x5t#S256", "is not the SHA-256 thumbprint of x5c[0]")
	}
	if kind == nil || kind.crv == secp256k1 { // package x509 does not read certificates of this curve
		return true, nil
	}
	return true, k.checkChain(chain, kind, material)
}

// thumbprint returns a member with the thumbprint of a certificate; nil if it is missing.
func (k *jwk) thumbprint(member string, size int) ([]byte, error) {
	if _, there := k.members[member]; !there {
		return nil, nil
	}
	return k.sized(member, size)
}

// chain returns the certificates of x5c in DER; nil if it is missing. RFC 7517 §4.7: base64, not base64url.
func (k *jwk) chain() ([][]byte, error) {
	list, err := k.list("x5c", maxCertificates)
	if err != nil || list == nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, k.refuse("x5c", "must hold at least one certificate")
	}
	chain := make([][]byte, len(list))
	for i, s := range list {
		der, ok := decode(base64.StdEncoding, s)
		if !ok || len(der) == 0 {
			return nil, k.refuse(fmt.Sprintf("x5c[%d]", i),
				"must be a certificate in base64 with padding, not base64url")
		}
		chain[i] = der
	}
	return chain, nil
}

// checkChain checks that the chain holds certificates, and that the first is of the key.
func (k *jwk) checkChain(chain [][]byte, kind *keyType, material keyMaterial) error {
	for i, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return k.refuse(fmt.Sprintf("x5c[%d]", i), "is not an X.509 certificate in DER")
		}
		if i == 0 && !material.certifiedBy(certificate, kind) {
			return k.refuse("x5c[0]", "is a certificate of another key (RFC 7517 section 4.7)")
		}
	}
	return nil
}

// certifiedBy reports whether a certificate is of the key.
func (m *keyMaterial) certifiedBy(c *x509.Certificate, kind *keyType) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return kind.kty == "RSA" && bytes.Equal(key.N.Bytes(), m.n) &&
			bytes.Equal(big.NewInt(int64(key.E)).Bytes(), m.e)
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		return err == nil && kind.crv == key.Params().Name && bytes.Equal(point, m.point)
	case ed25519.PublicKey:
		return kind.crv == ed25519Curve && bytes.Equal(key, m.point)
	case *ecdh.PublicKey:
		return kind.crv == "X25519" && bytes.Equal(key.Bytes(), m.point)
	}
	// Package x509 knows neither Ed448 nor X448. The key ends the SubjectPublicKeyInfo (RFC 8410 §4).
	return (kind.crv == "Ed448" || kind.crv == "X448") && bytes.HasSuffix(c.RawSubjectPublicKeyInfo, m.point)
}
