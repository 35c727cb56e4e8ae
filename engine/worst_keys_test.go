package engine

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// worstKeys returns bodies of 64 KiB whose key sets are slow to check. with writes a body with given members.
func worstKeys(with func(members string) string) map[string]string {
	set := with(`"jwks":{"keys":[%s]}`)
	bodies := map[string]string{
		"jwks, RSA":     most(maxKeys, set, `{"kty":"RSA","e":"AQAB","n":"`+modulus(3600)+`","kid":"%pad"}`, ","),
		"jwks, one":     most(1, set, `{"kty":"RSA","e":"AQAB","n":"`+modulus(maxRSABits)+`","kid":"%pad"}`, ","),
		"jwks, bits":    most(1, set, `{"kty":"RSA","e":"AQAB","n":"%pad"}`, ","),
		"jwks, members": fill(with(`"jwks":{"keys":[{"kty":"RSA","e":"AQAB","n":"AQAB",%s}]}`), `"a%d":0`, ","),
		"jwks, most members": most(maxKeys, set, `{"kty":"A",`+repeated(maxKeyMembers-2, `"a%d":0`)+`,"kid":"%pad"}`,
			","),
		"jwks, unknown": fill(set, `{"kty":"A"}`, ","),
		"jwks, empty":   fill(with(`"jwks":{%s}`), `"a%d":0`, ","),
		"jwks, escapes": most(maxKeys, set, `{"kty":"A","kid":"`+strings.Repeat(`\u0061`, 100)+`"}`, ","),
		"jwks, key_ops": most(maxKeys, set,
			`{"kty":"A","key_ops":[`+repeated(maxKeyOps, `"a%d"`)+`],"kid":"%pad"}`, ","),
		"jwks, unable": most(maxKeys, with(`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[%s]}`),
			`{`+keyMembers["p521"]+`,"use":"enc","kid":"%pad"}`, ","),
		"jwks, certificates":      most(maxKeys, set, certified(1, 0), ","),
		"jwks, chains":            most(18, set, certified(maxCertificates, 0), ","),
		"jwks, large certificate": most(1, set, certified(1, 1500), ","),
	}
	for _, key := range []string{"p256", "p384", "p521", secp256k1, "ed25519", "ed448", "x25519"} {
		bodies["jwks, "+key] = most(maxKeys, set, `{`+keyMembers[key]+`,"kid":"%pad"}`, ",")
	}
	return bodies
}

// certified returns a key with a chain of n certificates, each for the given number of hosts.
func certified(n, hosts int) string {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0)}
	for i := range hosts {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("host-number-%d.app.example", i))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	x := base64.RawURLEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	return `{"kty":"OKP","crv":"Ed25519","x":"` + x + `","kid":"%pad","x5c":[` +
		repeated(n, `"`+base64.StdEncoding.EncodeToString(der)+`"`) + `]}`
}

// The worst key sets that are registered are checked to the end.
func TestWorstKeysAreRegistered(t *testing.T) {
	with := func(members string) string { return `{"redirect_uris":["https://app.example/cb"],` + members + `}` }
	e := worstEngine(t)
	for name, body := range worstKeys(with) {
		err := e.tryBody(t, body)
		refused := map[string]string{"jwks, bits": "bits", "jwks, members": "members", "jwks, unknown": "values",
			"jwks, empty": "members", "jwks, unable": "jwks has no key that can verify"}[name]
		switch {
		case refused == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case refused != "":
			wantRefusal(t, err, InvalidClientMetadata, refused)
		}
	}
}
