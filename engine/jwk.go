package engine

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/strictjson"
)

// A publicKey is a key of a jwks, as far as checks of the client need it.
type publicKey struct {
	kind      *keyType // nil means that the type or the curve is not known
	use, alg  string   // what the key is for; "" means anything
	ops       []string // what the key is for; nil means anything
	certified bool     // has x5c
}

// A keyType is a type of key that is known: it is checked, and it counts where a client needs a key.
type keyType struct {
	kty, crv string
	size     int      // of x and y, in bytes; 0 for RSA
	algs     []string // JWS algorithms whose signatures it verifies
}

// keyTypes lists the known types of keys: RFC 7518 §6, RFC 8037 §2 and RFC 8812 §3.1, with the algorithms of RFC 7518
// §3.1, RFC 8037 §3.1, RFC 8812 §3.2 and RFC 9864 §2.2.
var keyTypes = [...]keyType{
	{"RSA", "", 0, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
	{"EC", "P-256", 32, []string{"ES256"}},
	{"EC", "P-384", 48, []string{"ES384"}},
	{"EC", "P-521", 66, []string{"ES512"}},
	{"EC", secp256k1, 32, []string{"ES256K"}},
	{"OKP", ed25519Curve, 32, []string{"EdDSA", "Ed25519"}},
	{"OKP", "Ed448", 57, []string{"EdDSA", "Ed448"}},
	{"OKP", "X25519", 32, nil},
	{"OKP", "X448", 56, nil},
}

const (
	secp256k1    = "secp256k1"
	ed25519Curve = "Ed25519"
)

// privateMembers lists the members of private and symmetric keys (RFC 7518 §6, RFC 9964 §3). They are refused in keys
// of any type.
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// privateMember returns the name of a private member, or "".
func privateMember(members map[string]jsontext.Value) string {
	for _, name := range privateMembers {
		if _, there := members[name]; there {
			return name
		}
	}
	return ""
}

// A jwk is a JSON Web Key (RFC 7517 §4). The errors of its methods name the member, such as jwks.keys[1].x5t.
type jwk struct {
	index   int
	members map[string]jsontext.Value // those that are known, by their decoded names
}

// readKey checks the key at an index of jwks.keys. RFC 7517 §5: a key of a type or a curve that is not known is
// ignored; only the members that every key may have are checked.
func readKey(i int, value jsontext.Value) (publicKey, error) {
	if tooManyMembers(value, maxKeyMembers) {
		return publicKey{}, Refuse("jwks.keys[%d] has more than %d members", i, maxKeyMembers)
	}
	if value.Kind() != '{' {
		return publicKey{}, Refuse("jwks.keys[%d] must be an object%s", i, strictjson.Not(value.Kind()))
	}
	members, err := readMembers(value)
	if err != nil {
		return publicKey{}, Refuse("%s", strictjson.Explain(err, fmt.Sprintf("jwks.keys[%d]", i)))
	}
	k := jwk{i, members}
	kind, err := k.kind()
	if err != nil {
		return publicKey{}, err
	}
	key, err := k.purpose()
	if err != nil {
		return publicKey{}, err
	}
	key.kind = kind
	var material keyMaterial
	if kind != nil {
		if material, err = k.material(kind); err != nil {
			return publicKey{}, err
		}
	}
	key.certified, err = k.checkCertificates(kind, material)
	return key, err
}

// readMembers returns the known members of a key. It takes half the time of a map with all, which counts if a key has
// many.
func readMembers(key jsontext.Value) (map[string]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(key), checkedNames)
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	members := make(map[string]jsontext.Value, 8)
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if knownInKey(name) {
			members[name] = value.Clone() // the decoder uses it again
		}
	}
	return members, nil
}

// knownInKey reports whether keys are checked for the member of that name.
func knownInKey(name string) bool {
	switch name {
	case "kty", "crv", "x", "y", "n", "e", "use", "alg", "kid", "key_ops", "x5u", "x5c", "x5t", "x5t#S256":
		return true
	}
	return slices.Contains(privateMembers[:], name)
}

// kind returns the type of the key, nil if it is not known. It refuses symmetric and private keys.
func (k *jwk) kind() (*keyType, error) {
	kty, err := k.text("kty")
	switch {
	case err != nil:
		return nil, err
	case kty == "": // RFC 7517 §4.1
		return nil, k.refuse("kty", "must be a string such as RSA, EC or OKP")
	case kty == "oct":
		return nil, Refuse("jwks.keys[%d] is a symmetric key (kty oct): send only public keys", k.index)
	}
	if name := privateMember(k.members); name != "" {
		return nil, Refuse("jwks.keys[%d] holds the private member '%s': leave out jwks.keys[%d].%s, "+
			"and send only the public key", k.index, name, k.index, name)
	}
	var crv string
	if kty == "EC" || kty == "OKP" { // RFC 7518 §6.2.1.1, RFC 8037 §2
		if crv, err = k.text("crv"); err != nil {
			return nil, err
		}
		if crv == "" {
			return nil, k.refuse("crv", "must be a string: an %s key needs the name of its curve", kty)
		}
	}
	i := slices.IndexFunc(keyTypes[:], func(t keyType) bool { return t.kty == kty && t.crv == crv })
	if i < 0 {
		return nil, nil
	}
	return &keyTypes[i], nil
}

// maxKeyOps bounds key_ops, which has eight registered values (RFC 7517 §4.3).
const maxKeyOps = 20

// purpose returns what the key is for: RFC 7517 §4.2 to 4.5.
func (k *jwk) purpose() (key publicKey, err error) {
	if key.use, err = k.text("use"); err != nil {
		return key, err
	}
	if key.alg, err = k.text("alg"); err != nil {
		return key, err
	}
	if _, err = k.text("kid"); err != nil {
		return key, err
	}
	if key.ops, err = k.list("key_ops", maxKeyOps); err != nil {
		return key, err
	}
	for i, op := range key.ops {
		if slices.Contains(key.ops[:i], op) { // RFC 7517 §4.3
			return key, k.refuse("key_ops", "holds '%s' twice", op)
		}
		// RFC 7517 §4.3: use and key_ops must be consistent.
		if use := useOf(op); (key.use == "sig" || key.use == "enc") && use != "" && use != key.use {
			return key, k.refuse("key_ops", "holds '%s', which is not for the use '%s'", op, key.use)
		}
	}
	return key, nil
}

// useOf returns the use of a key with an operation of RFC 7517 §4.3; "" for others.
func useOf(op string) string {
	switch op {
	case "sign", "verify":
		return "sig"
	case "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits":
		return "enc"
	}
	return ""
}

// A keyMaterial is the public key itself, in bytes: n and e of RSA, else the point as certificates hold it.
type keyMaterial struct{ n, e, point []byte }

// material checks the members of the key's type.
func (k *jwk) material(kind *keyType) (m keyMaterial, err error) {
	if kind.kty == "RSA" {
		return k.rsa()
	}
	x, err := k.sized("x", kind.size)
	if err != nil {
		return m, err
	}
	if kind.kty == "OKP" {
		if kind.crv == ed25519Curve {
			err = k.checkEd25519(x)
		}
		return keyMaterial{point: x}, err
	}
	y, err := k.sized("y", kind.size)
	if err != nil {
		return m, err
	}
	m.point = slices.Concat([]byte{4}, x, y) // uncompressed: SEC 1 §2.3.3
	if !onCurve(kind.crv, m.point) {
		return m, Refuse("jwks.keys[%d] is not a valid public key: jwks.keys[%d].x and y are not a point on %s",
			k.index, k.index, kind.crv)
	}
	return m, nil
}

// onCurve reports whether an uncompressed point is on the curve.
func onCurve(crv string, point []byte) bool {
	var curve elliptic.Curve
	switch crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	case secp256k1:
		return onSecp256k1(point)
	}
	_, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	return err == nil
}

// The bounds of an RSA modulus, in bits. RFC 7518 §3.3 and §3.5 require the lower one. The upper one is what OpenSSL
// verifies; it keeps clients from slowing the authorization server down.
const (
	minRSABits = 2048
	maxRSABits = 16384
)

// rsa checks an RSA key (RFC 7518 §6.3.1).
func (k *jwk) rsa() (m keyMaterial, err error) {
	if m.n, err = k.uint("n"); err != nil {
		return m, err
	}
	if m.e, err = k.uint("e"); err != nil {
		return m, err
	}
	size := bitLen(m.n)
	switch {
	case size < minRSABits || size > maxRSABits:
		return m, k.refuse("n",
			"has %d bits: an RSA key must have at least %d (RFC 7518 section 3.3), and at most %d here",
			size, minRSABits, maxRSABits)
	case even(m.n):
		return m, k.refuse("n", "is even: it must be the product of two odd primes")
	case even(m.e) || bitLen(m.e) < 2 || bitLen(m.e) > 31: // RFC 8017 §3.1; libraries such as crypto/rsa take no more
		return m, k.refuse("e", "must be an odd number from 3 to 2147483647, such as AQAB")
	}
	return m, nil
}

func bitLen(n []byte) int { return 8*(len(n)-1) + bits.Len8(n[0]) }

func even(n []byte) bool { return n[len(n)-1]&1 == 0 }

// refuse returns a refusal that names a member of the key.
func (k *jwk) refuse(member, format string, args ...any) *Error {
	return Refuse("jwks.keys[%d].%s %s", k.index, member, fmt.Sprintf(format, args...))
}

// text returns a member that must be a string; "" if it is missing.
func (k *jwk) text(member string) (string, error) {
	value, there := k.members[member]
	if !there {
		return "", nil
	}
	if value.Kind() != '"' {
		return "", k.refuse(member, "must be a string%s", strictjson.Not(value.Kind()))
	}
	s, err := text(value)
	if err != nil {
		return "", k.refuse(member, "must be a string")
	}
	return s, nil
}

// list returns a member that must be a list of at most most strings; nil if it is missing.
func (k *jwk) list(member string, most int) ([]string, error) {
	value, there := k.members[member]
	if !there {
		return nil, nil
	}
	if value.Kind() != '[' {
		return nil, k.refuse(member, "must be a list of strings%s", strictjson.Not(value.Kind()))
	}
	var elements []jsontext.Value // since package json takes null for ""
	if err := json.Unmarshal(value, &elements, checkedNames); err != nil {
		return nil, k.refuse(member, "must be a list of strings")
	}
	if len(elements) > most {
		return nil, k.refuse(member, "has %d values: at most %d are allowed", len(elements), most)
	}
	list := make([]string, len(elements))
	for i, element := range elements {
		s, err := text(element)
		if err != nil {
			return nil, k.refuse(member+fmt.Sprintf("[%d]", i), "must be a string%s", strictjson.Not(element.Kind()))
		}
		list[i] = s
	}
	return list, nil
}

// octets returns the bytes of a member in base64url, which must be there.
func (k *jwk) octets(member string) ([]byte, error) {
	if _, there := k.members[member]; !there {
		return nil, k.refuse(member, "is missing")
	}
	s, err := k.text(member)
	if err != nil {
		return nil, err
	}
	b, ok := decode(base64.RawURLEncoding, s)
	if !ok { // RFC 7515 §2
		return nil, k.refuse(member, "must be base64url without padding, white space and stray bits")
	}
	return b, nil
}

// sized returns a member of size bytes in base64url. RFC 7518 §6.2.1.2: a coordinate has its full size.
func (k *jwk) sized(member string, size int) ([]byte, error) {
	b, err := k.octets(member)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, k.refuse(member, "must have %d bytes, not %d", size, len(b))
	}
	return b, nil
}

// uint returns the bytes of a number in base64url, at least one. RFC 7518 §2 and §6.3.1.1: it has no leading zeros,
// with which equal keys would differ.
func (k *jwk) uint(member string) ([]byte, error) {
	b, err := k.octets(member)
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, k.refuse(member, "must not be empty")
	case b[0] == 0 && len(b) > 1:
		return nil, k.refuse(member, "must not begin with a zero byte (RFC 7518 section 2)")
	}
	return b, nil
}

// decode is strict, and refuses line ends, which package base64 skips.
func decode(encoding *base64.Encoding, s string) ([]byte, bool) {
	b, err := encoding.Strict().DecodeString(s)
	return b, err == nil && !strings.ContainsAny(s, "\r\n")
}
