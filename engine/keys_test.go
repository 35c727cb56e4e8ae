package engine

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keyMembers are the members of public keys, which testdata/rules/keys.txtar writes as $name. The points are from RFC
// 7517, RFC 7520, RFC 8037, and the generators of their curves.
var keyMembers = map[string]string{
	"rsa":  `"kty":"RSA","n":"` + modulus(2048) + `","e":"AQAB"`,
	"p256": `"kty":"EC","crv":"P-256","x":"` + pointX + `","y":"` + pointY + `"`,
	"p384": `"kty":"EC","crv":"P-384","x":"qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",` +
		`"y":"NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"`,
	"p521": `"kty":"EC","crv":"P-521",` +
		`"x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",` +
		`"y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"`,
	"secp256k1": `"kty":"EC","crv":"secp256k1","x":"eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g",` +
		`"y":"SDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj_sQ1Lg"`,
	"ed25519": `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`,
	"ed448":   `"kty":"OKP","crv":"Ed448","x":"` + strings.Repeat("A", 76) + `"`,
	"x25519":  `"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"`,
	"akp":     `"kty":"AKP","alg":"ML-DSA-44","pub":"AA"`,
}

// modulus returns an odd number of the given bits in base64url.
func modulus(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	return base64.RawURLEncoding.EncodeToString(n.Sub(n, big.NewInt(1)).Bytes())
}

var modulusName = regexp.MustCompile(`\$modulus\((\d+)\)`)

// keyNames replaces the names of keyMembers, and $modulus(BITS).
func keyNames(s string) string {
	for name, members := range keyMembers {
		s = strings.ReplaceAll(s, "{$"+name, "{"+members)
	}
	return modulusName.ReplaceAllStringFunc(s, func(name string) string {
		bits, err := strconv.ParseUint(modulusName.FindStringSubmatch(name)[1], 10, 32)
		if err != nil {
			panic(err)
		}
		return modulus(uint(bits))
	})
}

// certificate returns a self-signed certificate of a key in DER, and the members of the key.
func certificate(t testing.TB, seed byte) (der []byte, members string) {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
	public := private.Public().(ed25519.PublicKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der, `"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"`
}

// An Ed448 certificate, by openssl req -x509 -newkey ed448, and x of its key.
const (
	ed448X           = "_nFp7vUzMyKi2lA9wm7JwJ_3e_QoQGTSbNXtqqc0Zc7MSqfPA5L8vPlUHfbKZ_EksRI0Mx8D2v8A"
	ed448Certificate = "MIIBdzCB+KADAgECAhQIoX9UfvL8PJvbxsUU+fkrpmGprDAFBgMrZXEwDDEKMAgGA1UEAwwBYTAeFw0yNjExMjgwNDAxNTZa" +
		"Fw0yNjExMjkwNDAxNTZaMAwxCjAIBgNVBAMMAWEwQzAFBgMrZXEDOgD+cWnu9TMzIqLaUD3CbsnAn/d79ChAZNJs1e2qpzRl" +
		"zsxKp88Dkvy8+VQd9spn8SSxEjQzHwPa/wCjUzBRMB0GA1UdDgQWBBTX8IA4pKzJl2ROxE9yy7Ax8JuhNzAfBgNVHSMEGDAW" +
		"gBTX8IA4pKzJl2ROxE9yy7Ax8JuhNzAPBgNVHRMBAf8EBTADAQH/MAUGAytlcQNzAKWglIO7s28c1rvjxwQAIYRAkHTPaUza" +
		"shd3zNVGMr+B17d6M9/hz2k9W2bNIA+7fQmdZiF/pFD9gGJCmO7vgnLvW9c6QyU3OLccN7S813Q5QA6szIpJQN7gvweTyDqU" +
		"ftYLDulV6JGEpOIwcrQj17EcAA=="
)

func TestCertificatesOfKeys(t *testing.T) {
	der, key := certificate(t, 0)
	other, _ := certificate(t, 1)
	mine, others := base64.StdEncoding.EncodeToString(der), base64.StdEncoding.EncodeToString(other)
	sum1, sum256, sumOther := sha1.Sum(der), sha256.Sum256(der), sha1.Sum(other)
	print1, print256 := base64.RawURLEncoding.EncodeToString(sum1[:]), base64.RawURLEncoding.EncodeToString(sum256[:])
	printOther := base64.RawURLEncoding.EncodeToString(sumOther[:])
	for _, tt := range []struct{ members, want string }{
		{key + `,"x5c":["` + mine + `"]`, ""},
		{key + `,"x5c":["` + mine + `","` + others + `"],"x5t":"` + print1 + `","x5t#S256":"` + print256 + `"`, ""},
		{key + `,"x5\u0063":["` + mine + `"],"x5t\u0023S256":"` + print256 + `"`, ""},
		{key + `,"x5t":"` + printOther + `"`, ""},
		{`"kty":"OKP","crv":"Ed448","x":"` + ed448X + `","x5c":["` + ed448Certificate + `"]`, ""},
		{keyMembers["akp"] + `,"x5c":["AAAA"]`, ""},
		{keyMembers["secp256k1"] + `,"x5c":["AAAA"]`, ""},
		{keyMembers["ed448"] + `,"x5c":["` + ed448Certificate + `"]`, ".x5c[0] is a certificate of another key"},
		{key + `,"x5c":["` + others + `"]`, ".x5c[0] is a certificate of another key"},
		{keyMembers["p256"] + `,"x5c":["` + mine + `"]`, ".x5c[0] is a certificate of another key"},
		{keyMembers["rsa"] + `,"x5c":["` + mine + `"]`, ".x5c[0] is a certificate of another key"},
		{key + `,"x5c":["` + mine + `","` + mine[:100] + `"]`, ".x5c[1] is not an X.509 certificate"},
		{key + `,"x5c":["` + mine + `",""]`, ".x5c[1] must be a certificate in base64"},
		{key + `,"x5c":["` + mine[:100] + `\n` + mine[100:] + `"]`,
			".x5c[0] holds the control character U+000A at byte 100"},
		{key + `,"x5c":["` + base64.RawURLEncoding.EncodeToString(append(der, 0xff)) + `"]`,
			".x5c[0] must be a certificate in base64"},
		{key + `,"x5c":["` + base64.StdEncoding.EncodeToString(append(der, 0xff)) + `"]`,
			".x5c[0] is not an X.509 certificate"},
		{key + `,"x5c":[]`, ".x5c must hold at least one certificate"},
		{key + `,"x5c":"` + mine + `"`, ".x5c must be a list of strings, not a string"},
		{key + `,"x5c":["` + mine + `",null]`, ".x5c[1] must be a string, not null"},
		{key + `,"x5c":[` + repeated(11, `"`+mine+`"`) + `]`, ".x5c has 11 values: at most 10"},
		{key + `,"x5c":["` + mine + `"],"x5t":"` + printOther + `"`, ".x5t is not the SHA-1 thumbprint"},
		{key + `,"x5c":["` + mine + `"],"x5t#S256":"` + strings.Repeat("A", 43) + `"`,
			".x5t#S256 is not the SHA-256 thumbprint"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			body := `{"redirect_uris":["https://app.example/cb"],"jwks":{"keys":[{` + keyMembers["p256"] + `},{` +
				tt.members + `}]}}`
			_, err := register(t, Config{}, body)
			if tt.want == "" && err != nil {
				t.Errorf("%s: %v", tt.members, err)
			}
			if tt.want != "" {
				wantRefusal(t, err, InvalidClientMetadata, "jwks.keys[1]"+tt.want)
			}
		})
	}
}

// A coordinate is below the prime of its field, so that a point has one encoding.
func TestCoordinatesAreInTheField(t *testing.T) {
	found := 0
	for i := range int64(19) { // 2^255 - 19 + i is i
		p := new(big.Int).Lsh(big.NewInt(1), 255)
		x := p.Add(p, big.NewInt(i-19)).FillBytes(make([]byte, 32))
		slices.Reverse(x)
		if err := (&jwk{}).checkEd25519(x); err == nil {
			t.Errorf("Ed25519: %x is accepted", x)
		}
		prime := secp256k1Prime()
		square := big.NewInt(i*i*i + 7)
		y := new(big.Int).ModSqrt(square, prime)
		if y == nil {
			continue
		}
		found++
		point := func(x *big.Int) []byte {
			return slices.Concat([]byte{4}, x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32)))
		}
		within := big.NewInt(i)
		if !onSecp256k1(point(within)) || onSecp256k1(point(within.Add(within, prime))) {
			t.Errorf("secp256k1: x of %d must be on the curve, and that plus the prime not", i)
		}
	}
	if found == 0 {
		t.Error("no points")
	}
}

// RFC 8705 §2.2.2: a client that authenticates with a self-signed certificate needs one in its jwks.
func TestSelfSignedCertificateNeedsX5C(t *testing.T) {
	der, key := certificate(t, 0)
	body := func(keys string) string {
		return `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"self_signed_tls_client_auth",` +
			`"jwks":{"keys":[` + keys + `]}}`
	}
	certified := `{` + key + `,"x5c":["` + base64.StdEncoding.EncodeToString(der) + `"]}`
	if _, err := register(t, Config{}, body(`{`+keyMembers["p256"]+`},`+certified)); err != nil {
		t.Error(err)
	}
	for _, keys := range []string{`{` + key + `}`, `{` + keyMembers["akp"] + `,"x5c":["AAAA"]}`} {
		_, err := register(t, Config{}, body(keys))
		wantRefusal(t, err, InvalidClientMetadata, "jwks has no key with a certificate")
	}
	offers := func() (Advertised, error) {
		return Advertised{"token_endpoint_auth_methods_supported": {"self_signed_tls_client_auth", "none"}}, nil
	}
	for keys, want := range map[string]string{`{` + key + `}`: "none", certified: "self_signed_tls_client_auth"} {
		got, err := register(t, Config{Advertised: offers},
			`{"redirect_uris":["https://app.example/cb"],"jwks":{"keys":[`+keys+`]}}`)
		if err != nil || got["token_endpoint_auth_method"] != want {
			t.Errorf("%s: got %v, %v, want %s", keys, got["token_endpoint_auth_method"], err, want)
		}
	}
}

// Every way to a client checks its keys: metadata documents, updates, software statements, dry runs and scripts.
func TestKeysAreCheckedEverywhere(t *testing.T) {
	const web = `"redirect_uris":["https://app.example/cb"]`
	board := newIssuer("board")
	e := newEngine(t, board.trusting(Options{}))
	parse := func(body string) *Request {
		request, err := ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return request
	}
	registered, err := e.Register(t.Context(), parse(`{`+web+`}`), &Caller{Auth: AuthNone})
	if err != nil {
		t.Fatal(err)
	}
	id := registered.Client.ID
	weak := `{"kty":"RSA","n":"` + modulus(512) + `","e":"AQAB"}`
	for members, words := range map[string]string{
		`"jwks":{"keys":[{` + keyMembers["rsa"] + `},` + weak + `]}`:   "jwks.keys[1].n has 512 bits",
		`"jwks":{"keys":[{` + keyMembers["p256"] + `,"\u0064":"AA"}]}`: "jwks.keys[0].d",
		`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{` + keyMembers["akp"] +
			`}]}`: "jwks has no key" +
			" that can verify",
	} {
		for door, err := range map[string]error{
			"registration": second(e.Register(t.Context(), parse(`{`+web+`,`+members+`}`), &Caller{Auth: AuthNone})),
			"metadata document": second(e.ResolveDocument(t.Context(), documentURL,
				[]byte(`{"client_id":"`+documentURL+`",`+web+`,`+members+`}`), &Caller{Auth: AuthNone}, "")),
			"update": second(e.Update(t.Context(), registered.Client, registered.Token,
				parse(fmt.Sprintf(`{"client_id":%q,%s,%s}`, id, web, members)))),
			"software statement": second(e.Register(t.Context(), parse(`{`+web+`,"software_statement":"`+
				board.sign(t, `{"iss":"board",`+members+`}`, nil)+`"}`), &Caller{Auth: AuthNone})),
			"dry run": second(e.Preview(t.Context(), parse(`{`+web+`,`+members+`}`), &Caller{Auth: AuthNone},
				override(func(*Registration, *Steps) {}))),
		} {
			refusal, refused := errors.AsType[*Error](err)
			if !refused || !strings.Contains(refusal.Description, words) {
				t.Errorf("%s: got %v, want a refusal with %q", door, err, words)
			}
		}
		c := Config{Overrides: override(func(_ *Registration, s *Steps) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *Registration) error {
				if err := r.PatchMetadata(Patcher{Step: StepAddClientID}, []byte(`{`+members+`}`)); err != nil {
					return err
				}
				return base(ctx, r)
			}
		})}
		_, err := register(t, c, `{`+web+`,"token_endpoint_auth_method":"none"}`)
		breach, broken := errors.AsType[*InvariantError](err)
		if !broken || !strings.Contains(breach.Rule, words) {
			t.Errorf("script: got %v, want an InvariantError with %q", err, words)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Scripts cannot leave a client without the keys that it needs, or with an algorithm that none of its keys has.
func TestScriptsCannotTakeKeysAway(t *testing.T) {
	for _, patch := range []string{`{"jwks":null}`, `{"token_endpoint_auth_signing_alg":"RS256"}`,
		`{"token_endpoint_auth_signing_alg":"HS256"}`, `{"token_endpoint_auth_method":"self_signed_tls_client_auth"}`,
		`{"require_signed_request_object":true,"request_object_signing_alg":"RS256"}`} {
		c := Config{Overrides: override(func(_ *Registration, s *Steps) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *Registration) error {
				if err := r.PatchMetadata(Patcher{Step: StepAddClientID}, []byte(patch)); err != nil {
					return err
				}
				return base(ctx, r)
			}
		})}
		_, err := register(t, c, `{"redirect_uris":["https://app.example/cb"],
			"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{`+keyMembers["p256"]+`}]}}`)
		if _, broken := errors.AsType[*InvariantError](err); !broken {
			t.Errorf("%s: got %v, want an InvariantError", patch, err)
		}
	}
}

// A key set that no parser has seen, and in which a name is there twice, is not registered.
func TestKeySetsThatWereNotParsed(t *testing.T) {
	for _, key := range []string{keyMembers["p256"] + `,"crv":"P-384"`,
		keyMembers["p256"] + `,"x5":{"a":1,"\u0061":2}`} {
		c := Config{Overrides: override(func(_ *Registration, s *Steps) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *Registration) error {
				r.Client.Metadata.JWKS = []byte(`{"keys":[{` + key + `}]}`)
				return base(ctx, r)
			}
		})}
		_, err := register(t, c, minimal)
		if _, broken := errors.AsType[*InvariantError](err); !broken {
			t.Errorf("%s: got %v, want an InvariantError", key, err)
		}
	}
}
