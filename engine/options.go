package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options are the operator's choices. The zero value is a working default.
type Options struct {
	SecretLifetime       time.Duration  // of a client secret, in whole seconds; 0 means that it never expires
	ClientIDFormat       ClientIDFormat // of built-in client IDs; zero means ClientIDUUIDv7
	DefaultScopes        []string       // for a client that is left without a scope; nil means none
	AllowedScopes        []string       // others are dropped; nil means every scope
	AllowedGrantTypes    []string       // see UnsupportedValues for others; nil means DefaultGrantTypes
	AllowedResponseTypes []string       // see UnsupportedValues for others; nil means DefaultResponseTypes
	// UnsupportedValues says what to do with values that AllowedGrantTypes, AllowedResponseTypes, SigningAlgs or the
	// discovery document does not offer, in lists, and with an unknown application type; zero means UnsupportedNarrow.
	UnsupportedValues     Unsupported
	GrantResponseMismatch Mismatch // zero means MismatchAuto
	MaxRedirectURIs       int      // of a client; 0 means DefaultMaxRedirectURIs
	// URIsOnRedirectHost requires client_uri, logo_uri, tos_uri and policy_uri to be on the host of a redirect URI
	// (RFC 7591 §5).
	URIsOnRedirectHost bool
	WebCustomScheme    CustomScheme // zero means CustomSchemeRefuse
	RefuseWebLoopback  bool         // refuse http redirect URIs on loopback hosts for web clients
	NativeScheme       NativeScheme // zero means NativeSchemeAny
	// HTTPRedirectHosts lists hosts, besides loopback ones, to which redirect URIs may be http: host names, addresses, and
	// ranges of addresses such as 10.0.0.0/8; nil means none.
	HTTPRedirectHosts []string
	// AllowUnsignedIDToken allows id_token_signed_response_alg "none" if no response type holds id_token.
	AllowUnsignedIDToken bool
	SigningAlgs          []string // JWS algorithms of the authorization server; nil means DefaultSigningAlgs
	// RequireSoftwareStatement refuses clients without a verified software statement.
	RequireSoftwareStatement bool
	// StatementAudiences lists the names of this server in a software statement's aud; nil means that statements with an
	// aud are refused.
	StatementAudiences []string
	// DocumentMembers lists members that a metadata document must have besides client_id, such as client_name and
	// redirect_uris, which the Model Context Protocol requires; nil means none.
	DocumentMembers []string
	FetchJWKSURI    bool     // fetch the key set at jwks_uri and check it
	EchoExtensions  []string // unknown members to store and return; nil means none

	// RegistrationEndpoint is the URL under which clients manage their registrations (RFC 7592), without a trailing slash,
	// such as https://auth.example/register; "" means that they cannot.
	RegistrationEndpoint    string
	RotateRegistrationToken bool // replace the registration access token with each update
}

// A ClientIDFormat is the format of built-in client IDs.
type ClientIDFormat string

// The formats of built-in client IDs.
const (
	ClientIDUUIDv7 ClientIDFormat = "uuidv7"
	ClientIDRandom ClientIDFormat = "random" // 32 random bytes, base64url
)

// A Mismatch says what to do if grant types and response types do not match each other (RFC 7591 §2.1).
type Mismatch string

// The ways to deal with a mismatch.
const (
	MismatchAuto    Mismatch = "auto" // correct if the client sent only one of the two, refuse if it sent both
	MismatchCorrect Mismatch = "correct"
	MismatchRefuse  Mismatch = "refuse"
)

// A CustomScheme says what to do if a web client has a redirect URI with a private-use scheme.
type CustomScheme string

// The ways to deal with a private-use scheme of a web client.
const (
	CustomSchemeRefuse CustomScheme = "refuse"
	CustomSchemeNative CustomScheme = "native" // register a native client
)

// A NativeScheme says which private-use schemes a native client may use.
type NativeScheme string

// The private-use schemes of native clients.
const (
	NativeSchemeAny           NativeScheme = "any"
	NativeSchemeReverseDomain NativeScheme = "reverse-domain" // only schemes with a dot (RFC 8252 §7.1)
)

// DefaultGrantTypes returns the grant types that are allowed by default.
func DefaultGrantTypes() []string {
	return []string{grantAuthorizationCode, grantRefreshToken, grantClientCredentials, grantDeviceCode}
}

// DefaultResponseTypes returns the response types that are allowed by default.
func DefaultResponseTypes() []string { return []string{responseCode} }

// DefaultSigningAlgs returns every asymmetric JWS algorithm of RFC 7518, RFC 8037, RFC 8812 and RFC 9864.
func DefaultSigningAlgs() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
		"EdDSA", "Ed25519", "Ed448"}
}

// withDefaults returns o with zero values replaced by their defaults, or an error that names each invalid
// option.
func (o Options) withDefaults() (Options, error) {
	o.ClientIDFormat = cmp.Or(o.ClientIDFormat, ClientIDUUIDv7)
	o.UnsupportedValues = cmp.Or(o.UnsupportedValues, UnsupportedNarrow)
	o.GrantResponseMismatch = cmp.Or(o.GrantResponseMismatch, MismatchAuto)
	o.WebCustomScheme = cmp.Or(o.WebCustomScheme, CustomSchemeRefuse)
	o.NativeScheme = cmp.Or(o.NativeScheme, NativeSchemeAny)
	o.MaxRedirectURIs = cmp.Or(o.MaxRedirectURIs, DefaultMaxRedirectURIs)
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

// Validate returns an error that joins one for each invalid option, which it names, or nil. [New] calls it.
func (o Options) Validate() error {
	_, err := o.withDefaults()
	return err
}

// check returns an error that joins one for each invalid option.
func (o *Options) check() error {
	invalid := []error{
		oneOf("client ID format", o.ClientIDFormat, ClientIDUUIDv7, ClientIDRandom),
		oneOf("unsupported values", o.UnsupportedValues, UnsupportedNarrow, UnsupportedRefuse),
		oneOf("grant response mismatch", o.GrantResponseMismatch, MismatchAuto, MismatchCorrect, MismatchRefuse),
		oneOf("web custom scheme", o.WebCustomScheme, CustomSchemeRefuse, CustomSchemeNative),
		oneOf("native scheme", o.NativeScheme, NativeSchemeAny, NativeSchemeReverseDomain),
	}
	if o.SecretLifetime < 0 || o.SecretLifetime%time.Second != 0 {
		invalid = append(invalid, fmt.Errorf("secret lifetime %s: it must be whole seconds, or 0 for secrets that never "+
			"expire", o.SecretLifetime))
	}
	if o.MaxRedirectURIs < 1 {
		invalid = append(invalid, fmt.Errorf("maximum number of redirect URIs %d: it must be above 0", o.MaxRedirectURIs))
	}
	_, err := parseHosts(o.HTTPRedirectHosts)
	return errors.Join(append(invalid, err, o.checkLists())...)
}

// checkLists is check for the options that are lists of names.
func (o *Options) checkLists() error {
	var invalid []error
	refuse := func(format string, args ...any) { invalid = append(invalid, fmt.Errorf(format, args...)) }
	for _, s := range slices.Concat(o.DefaultScopes, o.AllowedScopes) {
		if !IsScopeToken(s) {
			refuse("scope %q: it must be visible ASCII without spaces, quotation marks and backslashes (RFC 6749 §3.3)", s)
		}
	}
	for _, s := range o.DefaultScopes {
		if o.AllowedScopes != nil && !slices.Contains(o.AllowedScopes, s) {
			refuse("default scope %q is not among the allowed scopes", s)
		}
	}
	for _, s := range o.AllowedResponseTypes {
		if !isResponseType(s) {
			refuse("response type %q: it must be names of letters, digits and _, each once, separated by single "+
				"spaces (RFC 6749 appendix A.3)", s)
		}
	}
	for _, alg := range o.SigningAlgs {
		if alg == "none" || strings.HasPrefix(alg, "HS") {
			refuse("signing algorithm %q: it must be asymmetric, since secrets are stored only as hashes", alg)
		}
	}
	for _, name := range o.DocumentMembers {
		if !KnownMember(name) {
			return fmt.Errorf("member of metadata documents %q: it must be a member that this server knows, such as "+
				"client_name", name)
		}
	}
	for _, name := range o.EchoExtensions {
		if name == "" || Reserved(name) || KnownMember(name) {
			refuse("echo extension %q: it must be a member that this server does not know", name)
		}
	}
	return errors.Join(invalid...)
}

func oneOf[T ~string](option string, value T, allowed ...T) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%s %q: it must be one of %v", option, string(value), allowed)
	}
	return nil
}
