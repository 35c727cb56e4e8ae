package engine

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// A keyWriter writes key sets from the choices of a fuzzer, always as strict JSON.
type keyWriter struct {
	choices []byte // consumed from the front; 0 when they are used up
	escape  bool   // write the choices of escaped characters, or else none
	out     strings.Builder
}

// choose returns a number below n.
func (w *keyWriter) choose(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

// text writes a JSON string. The choice is which of its characters is escaped.
func (w *keyWriter) text(s string) {
	escaped := w.choose(len(s)+1) - 1
	w.out.WriteByte('"')
	for i := range len(s) {
		if i == escaped && w.escape {
			fmt.Fprintf(&w.out, `\u%04x`, s[i])
		} else {
			w.out.WriteByte(s[i])
		}
	}
	w.out.WriteByte('"')
}

// rawJSON begins values that are not the text of a string.
const rawJSON = "\x00"

// The values of the members of generated keys, raw JSON if they begin with rawJSON. The valid ones are first.
var fuzzValues = map[string][]string{
	"use": {"sig", "enc", "SIG", "", rawJSON + "null", rawJSON + "1"},
	"alg": {"ES256", "RS256", "EdDSA", "Ed25519", "PS512", "ES256K", "RSA-OAEP", "none", "HS256", rawJSON + "[]"},
	"kid": {"a", "", rawJSON + "null"},
	"key_ops": {rawJSON + `["verify"]`, rawJSON + `["sign"]`, rawJSON + `["encrypt"]`, rawJSON + `[]`,
		rawJSON + `["verify","verify"]`, rawJSON + `[1]`, "verify"},
	"x5u":   {"https://app.example/a", "http://app.example/a", "", rawJSON + "1"},
	"x5t":   {strings.Repeat("A", 27), "A", "", strings.Repeat("A", 43), rawJSON + "1"},
	"x5c":   {rawJSON + `["AAAA"]`, rawJSON + `[]`, rawJSON + `[""]`, rawJSON + `[null]`, "AAAA"},
	"d":     {"AA", rawJSON + "null"},
	"oth":   {rawJSON + "[]"},
	"other": {rawJSON + "1", "a"},
}

// fuzzOthers are other values of required members.
var fuzzOthers = map[string][]string{
	"kty": {"RSA", "EC", "OKP", "oct", "AKP", "rsa"},
	"crv": {"P-256", "P-384", "P-521", secp256k1, "Ed25519", "Ed448", "X25519", "X448", "P-999"},
	"n":   {modulus(512), modulus(2047), modulus(2049), modulus(4096), modulus(16384), modulus(16385)},
	"e":   {"Aw", "AQ", "AA", "Ag", "f____w", "gAAAAQ"},
	"x":   {pointY, strings.Repeat("A", 43), strings.Repeat("A", 75)},
	"y":   {pointX},
}

var fuzzOptional = []string{"use", "alg", "kid", "key_ops", "x5u", "x5t", "x5c", "d", "oth", "other"}

// key writes a key: a known one or one of other type and curve, of which a few members are then changed or dropped, and
// some optional members.
func (w *keyWriter) key() {
	bases := [...]string{"rsa", "p256", "p384", "p521", "secp256k1", "ed25519", "ed448", "x25519", "akp"}
	var base map[string]string
	if err := json.Unmarshal([]byte("{"+keyMembers[bases[w.choose(len(bases))]]+"}"), &base); err != nil {
		panic(err)
	}
	members := map[string]string{}
	for _, name := range [...]string{"kty", "crv", "alg", "n", "e", "pub", "x", "y"} {
		if value, there := base[name]; there {
			if value, there = w.change(name, value); there {
				members[name] = value
			}
		}
	}
	for range w.choose(4) {
		name := fuzzOptional[w.choose(len(fuzzOptional))]
		members[name] = fuzzValues[name][w.choose(len(fuzzValues[name]))]
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	w.out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.text(name)
		w.out.WriteByte(':')
		if raw, isRaw := strings.CutPrefix(members[name], rawJSON); isRaw {
			w.out.WriteString(raw)
		} else {
			w.text(members[name])
		}
	}
	w.out.WriteByte('}')
}

// change returns a value in place of that of a required member, mostly the same one; false drops the member.
func (w *keyWriter) change(name, value string) (string, bool) {
	switch w.choose(32) {
	case 1:
		return "", false
	case 2:
		return rawJSON + "null", true
	case 3:
		return value[:len(value)-1], true
	case 4:
		return value + "A", true
	case 5:
		return value[:w.choose(len(value))], true
	case 6: // another character
		i := w.choose(len(value))
		return value[:i] + string("AQZz09-_+/= "[w.choose(12)]) + value[i+1:], true
	case 7:
		return "AAAA" + value, true
	case 8:
		if others := fuzzOthers[name]; others != nil {
			return others[w.choose(len(others))], true
		}
	}
	return value, true
}

// body writes a registration with keys, and returns its token_endpoint_auth_method and token_endpoint_auth_signing_alg.
func (w *keyWriter) body() (method, alg string) {
	method = [...]string{"private_key_jwt", "none", "self_signed_tls_client_auth"}[w.choose(3)]
	alg = [...]string{"", "ES256", "RS256", "PS512", "EdDSA", "Ed25519", "ES256K", "ES512"}[w.choose(8)]
	fmt.Fprintf(&w.out, `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":%q,`+
		`"token_endpoint_auth_signing_alg":%q,"jwks":{`, method, alg)
	w.text("keys")
	w.out.WriteString(":[")
	for i := range 1 + w.choose(3) {
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.key()
	}
	w.out.WriteString("]}}")
	return method, alg
}

// FuzzKeys checks what is registered against package jose and package rsa: known keys are public, valid, and in bounds,
// and a client that signs has a key for that. Escapes in JSON change nothing.
func FuzzKeys(f *testing.F) {
	for base := range byte(9) {
		f.Add([]byte{0, 0, 0, 0, base})
		for change := range byte(9) {
			f.Add([]byte{1, 0, 0, 1, base, 0, change, change, change, change, 0, 1, 1})
		}
	}
	usual := jose.MaxRSAModulusBits
	jose.MaxRSAModulusBits = maxRSABits
	f.Cleanup(func() { jose.MaxRSAModulusBits = usual })
	e := newEngine(f, Config{Store: discard{}})
	f.Fuzz(func(t *testing.T, choices []byte) {
		plain, escaped := keyWriter{choices: choices}, keyWriter{choices: choices, escape: true}
		method, alg := plain.body()
		escaped.body()
		err := e.tryBody(t, plain.out.String())
		if other := e.tryBody(t, escaped.out.String()); fmt.Sprint(err) != fmt.Sprint(other) {
			t.Errorf("%s: %v\n%s: %v", &plain.out, err, &escaped.out, other)
		}
		if err != nil {
			return
		}
		var registered struct {
			JWKS struct{ Keys []json.RawMessage }
		}
		if err := json.Unmarshal([]byte(plain.out.String()), &registered); err != nil {
			t.Fatal(err)
		}
		signs := false
		for _, raw := range registered.JWKS.Keys {
			algs, problem := judgeKey(raw)
			if problem != "" {
				t.Errorf("%s is registered, but %s", raw, problem)
			}
			signs = signs || slices.Contains(algs, alg) || alg == "" && len(algs) > 0
		}
		if method == authMethodPrivateKeyJWT && !signs {
			t.Errorf("%s is registered without a key for %q", &plain.out, alg)
		}
	})
}

// judgeKey returns the algorithms whose signatures a key can verify, as far as its type, curve, alg and use say, and
// why it must not be registered; "" means that it may.
func judgeKey(raw []byte) (algs []string, problem string) {
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err.Error()
	}
	for _, name := range privateMembers {
		if _, there := members[name]; there {
			return nil, "it is private"
		}
	}
	kind := fmt.Sprint(members["kty"])
	if kind == "EC" || kind == "OKP" {
		kind += fmt.Sprint(" ", members["crv"])
	}
	switch kind {
	case "RSA", "EC P-256", "EC P-384", "EC P-521", "OKP Ed25519":
		problem = judgeByLibrary(raw)
	case "oct":
		problem = "it is symmetric"
	}
	algs = map[string][]string{
		"RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, "EC P-256": {"ES256"}, "EC P-384": {"ES384"},
		"EC P-521": {"ES512"}, "EC secp256k1": {"ES256K"}, "OKP Ed25519": {"EdDSA", "Ed25519"},
		"OKP Ed448": {"EdDSA", "Ed448"}}[kind]
	if alg, there := members["alg"]; there && alg != "" {
		algs = slices.DeleteFunc(algs, func(a string) bool { return a != alg })
	}
	if use, there := members["use"]; there && use != "" && use != "sig" {
		algs = nil
	}
	return algs, problem
}

// judgeByLibrary returns what is wrong with a key that package jose knows; "" means nothing.
func judgeByLibrary(raw []byte) string {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(raw); err != nil {
		return err.Error()
	}
	if !key.Valid() || !key.IsPublic() {
		return "it is not a valid public key"
	}
	public, isRSA := key.Key.(*rsa.PublicKey)
	if !isRSA {
		return ""
	}
	if size := public.N.BitLen(); size < 2048 || size > 16384 {
		return fmt.Sprintf("it has %d bits", size)
	}
	// The signature is wrong. Every other error is about the key.
	err := rsa.VerifyPKCS1v15(public, crypto.SHA256, make([]byte, 32), make([]byte, public.Size()))
	if !errors.Is(err, rsa.ErrVerification) {
		return err.Error()
	}
	return ""
}
