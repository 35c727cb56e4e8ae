package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options are the operator's choices. The zero value is a working default.
type Options struct {
	SecretLifetime        time.Duration  // of a client secret, in whole seconds; 0 means that it never expires
	ClientIDFormat        ClientIDFormat // of built-in client IDs; zero means ClientIDUUIDv7
	DefaultScopes         []string       // for a client that is left without a scope; nil means none
	AllowedScopes         []string       // others are dropped; nil means every scope
	AllowedGrantTypes     []string       // others are refused; nil means DefaultGrantTypes
	AllowedResponseTypes  []string       // others are refused; nil means DefaultResponseTypes
	GrantResponseMismatch Mismatch       // zero means MismatchAuto
	URIsOnRedirectHost    bool           // client_uri, logo_uri, tos_uri and policy_uri must be on the host of a redirect URI (RFC 7591 §5)
	WebCustomScheme       CustomScheme   // zero means CustomSchemeRefuse
	RefuseWebLoopback     bool           // refuse http to a loopback host for web clients
	NativeScheme          NativeScheme   // zero means NativeSchemeAny
	AllowUnsignedIDToken  bool           // id_token_signed_response_alg "none" where no response type holds id_token
	SigningAlgs           []string       // JWS algorithms that the authorization server supports; nil means DefaultSigningAlgs
	// RequireSoftwareStatement refuses clients without a software statement that the server verified.
	RequireSoftwareStatement bool
	StatementAudiences       []string // how a software statement may name this server in aud; nil means that one with aud is refused
	FetchJWKSURI             bool     // fetch the key set at jwks_uri and check it
	EchoExtensions           []string // unknown members that are stored and returned; nil means none

	// RegistrationEndpoint is the URL under which clients manage their registrations, without a slash at its end, such as
	// https://auth.example/register; "" means that they do not (RFC 7592).
	RegistrationEndpoint    string
	RotateRegistrationToken bool // a new registration access token with each update; the old one dies then
}

// A ClientIDFormat is how built-in client IDs are made.
type ClientIDFormat string

// The formats of built-in client IDs.
const (
	ClientIDUUIDv7 ClientIDFormat = "uuidv7"
	ClientIDRandom ClientIDFormat = "random" // 32 random bytes, base64url
)

// A Mismatch says what to do about grant types and response types that do not fit each other (RFC 7591 §2.1).
type Mismatch string

// The ways to deal with a mismatch.
const (
	MismatchAuto    Mismatch = "auto" // correct where the client sent only one of the two, refuse where it sent both
	MismatchCorrect Mismatch = "correct"
	MismatchRefuse  Mismatch = "refuse"
)

// A CustomScheme says what to do about a web client with a redirect URI of a private-use scheme.
type CustomScheme string

// The ways to deal with a private-use scheme of a web client.
const (
	CustomSchemeRefuse CustomScheme = "refuse"
	CustomSchemeNative CustomScheme = "native" // make it a native client
)

// A NativeScheme says which private-use schemes a native client may use.
type NativeScheme string

// The private-use schemes of native clients.
const (
	NativeSchemeAny           NativeScheme = "any"
	NativeSchemeReverseDomain NativeScheme = "reverse-domain" // RFC 8252 §7.1: one with a dot
)

// DefaultGrantTypes returns the grant types that are allowed unless the operator lists others.
func DefaultGrantTypes() []string {
	return []string{grantAuthorizationCode, grantRefreshToken, grantClientCredentials, grantDeviceCode}
}

// DefaultResponseTypes returns the response types that are allowed unless the operator lists others.
func DefaultResponseTypes() []string { return []string{responseCode} }

// DefaultSigningAlgs returns every asymmetric JWS algorithm of RFC 7518, RFC 8037, RFC 8812 and RFC 9864.
func DefaultSigningAlgs() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448"}
}

// withDefaults returns o with every zero value replaced by what it means, or an error that names the option.
func (o Options) withDefaults() (Options, error) {
	o.ClientIDFormat = cmp.Or(o.ClientIDFormat, ClientIDUUIDv7)
	o.GrantResponseMismatch = cmp.Or(o.GrantResponseMismatch, MismatchAuto)
	o.WebCustomScheme = cmp.Or(o.WebCustomScheme, CustomSchemeRefuse)
	o.NativeScheme = cmp.Or(o.NativeScheme, NativeSchemeAny)
	if o.AllowedGrantTypes == nil {
		o.AllowedGrantTypes = DefaultGrantTypes()
	}
	if o.AllowedResponseTypes == nil {
		o.AllowedResponseTypes = DefaultResponseTypes()
	}
	if o.SigningAlgs == nil {
		o.SigningAlgs = DefaultSigningAlgs()
	}
	return o, o.check()
}

// Validate returns an error that names the option that is wrong, or nil. [New] makes the same check.
func (o Options) Validate() error {
	_, err := o.withDefaults()
	return err
}

func (o *Options) check() error {
	if o.SecretLifetime < 0 || o.SecretLifetime%time.Second != 0 {
		return fmt.Errorf("secret lifetime %s: it must be whole seconds, or 0 for secrets that never expire", o.SecretLifetime)
	}
	if err := oneOf("client ID format", o.ClientIDFormat, ClientIDUUIDv7, ClientIDRandom); err != nil {
		return err
	}
	if err := oneOf("grant response mismatch", o.GrantResponseMismatch, MismatchAuto, MismatchCorrect, MismatchRefuse); err != nil {
		return err
	}
	if err := oneOf("web custom scheme", o.WebCustomScheme, CustomSchemeRefuse, CustomSchemeNative); err != nil {
		return err
	}
	if err := oneOf("native scheme", o.NativeScheme, NativeSchemeAny, NativeSchemeReverseDomain); err != nil {
		return err
	}
	for _, s := range slices.Concat(o.DefaultScopes, o.AllowedScopes) {
		if !IsScopeToken(s) {
			return fmt.Errorf("scope %q: a scope is visible ASCII without space, quotation mark and backslash (RFC 6749 §3.3)", s)
		}
	}
	for _, s := range o.DefaultScopes {
		if o.AllowedScopes != nil && !slices.Contains(o.AllowedScopes, s) {
			return fmt.Errorf("default scope %q is not among the allowed scopes", s)
		}
	}
	for _, alg := range o.SigningAlgs {
		if alg == "none" || strings.HasPrefix(alg, "HS") {
			return fmt.Errorf("signing algorithm %q: only asymmetric ones can be supported, since secrets are kept as hashes", alg)
		}
	}
	for _, name := range o.EchoExtensions {
		if name == "" || Reserved(name) || KnownMember(name) {
			return fmt.Errorf("echo extension %q: it must be the name of a member that has no meaning to this server", name)
		}
	}
	return nil
}

func oneOf[T ~string](option string, value T, allowed ...T) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%s %q: it must be one of %v", option, string(value), allowed)
	}
	return nil
}
