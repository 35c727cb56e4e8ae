package engine

import "github.com/go-json-experiment/json/jsontext"

// Metadata is the metadata of a client, as requested or as registered. A zero field means that the member is missing; a
// list that is empty but not nil was sent as []. The fields are in the order of a response.
type Metadata struct {
	// RFC 7591 §2. Responses always have redirect_uris.
	RedirectURIs            []string       `json:"redirect_uris"`
	TokenEndpointAuthMethod string         `json:"token_endpoint_auth_method,omitzero"`
	GrantTypes              []string       `json:"grant_types,omitzero"`
	ResponseTypes           []string       `json:"response_types,omitzero"`
	ClientName              string         `json:"client_name,omitzero"`
	ClientURI               string         `json:"client_uri,omitzero"`
	LogoURI                 string         `json:"logo_uri,omitzero"`
	Scope                   string         `json:"scope,omitzero"`
	Contacts                []string       `json:"contacts,omitzero"`
	TOSURI                  string         `json:"tos_uri,omitzero"`
	PolicyURI               string         `json:"policy_uri,omitzero"`
	JWKSURI                 string         `json:"jwks_uri,omitzero"`
	JWKS                    jsontext.Value `json:"jwks,omitzero"`
	SoftwareID              string         `json:"software_id,omitzero"`
	SoftwareVersion         string         `json:"software_version,omitzero"`
	SoftwareStatement       string         `json:"software_statement,omitzero"`

	// OpenID Connect Dynamic Client Registration 1.0 §2.
	ApplicationType              string   `json:"application_type,omitzero"`
	SectorIdentifierURI          string   `json:"sector_identifier_uri,omitzero"`
	SubjectType                  string   `json:"subject_type,omitzero"`
	IDTokenSignedResponseAlg     string   `json:"id_token_signed_response_alg,omitzero"`
	IDTokenEncryptedResponseAlg  string   `json:"id_token_encrypted_response_alg,omitzero"`
	IDTokenEncryptedResponseEnc  string   `json:"id_token_encrypted_response_enc,omitzero"`
	UserInfoSignedResponseAlg    string   `json:"userinfo_signed_response_alg,omitzero"`
	UserInfoEncryptedResponseAlg string   `json:"userinfo_encrypted_response_alg,omitzero"`
	UserInfoEncryptedResponseEnc string   `json:"userinfo_encrypted_response_enc,omitzero"`
	RequestObjectSigningAlg      string   `json:"request_object_signing_alg,omitzero"`
	RequestObjectEncryptionAlg   string   `json:"request_object_encryption_alg,omitzero"`
	RequestObjectEncryptionEnc   string   `json:"request_object_encryption_enc,omitzero"`
	TokenEndpointAuthSigningAlg  string   `json:"token_endpoint_auth_signing_alg,omitzero"`
	DefaultMaxAge                *int64   `json:"default_max_age,omitzero"` // seconds
	RequireAuthTime              *bool    `json:"require_auth_time,omitzero"`
	DefaultACRValues             []string `json:"default_acr_values,omitzero"`
	InitiateLoginURI             string   `json:"initiate_login_uri,omitzero"`
	RequestURIs                  []string `json:"request_uris,omitzero"`

	// OpenID Connect RP-Initiated Logout 1.0 §3.1, Front-Channel Logout 1.0 §2, Back-Channel Logout 1.0 §2.2.
	PostLogoutRedirectURIs            []string `json:"post_logout_redirect_uris,omitzero"`
	FrontChannelLogoutURI             string   `json:"frontchannel_logout_uri,omitzero"`
	FrontChannelLogoutSessionRequired *bool    `json:"frontchannel_logout_session_required,omitzero"`
	BackChannelLogoutURI              string   `json:"backchannel_logout_uri,omitzero"`
	BackChannelLogoutSessionRequired  *bool    `json:"backchannel_logout_session_required,omitzero"`

	// RFC 8705 §2.1.2 and §3.4.
	TLSClientAuthSubjectDN                string `json:"tls_client_auth_subject_dn,omitzero"`
	TLSClientAuthSANDNS                   string `json:"tls_client_auth_san_dns,omitzero"`
	TLSClientAuthSANURI                   string `json:"tls_client_auth_san_uri,omitzero"`
	TLSClientAuthSANIP                    string `json:"tls_client_auth_san_ip,omitzero"`
	TLSClientAuthSANEmail                 string `json:"tls_client_auth_san_email,omitzero"`
	TLSClientCertificateBoundAccessTokens *bool  `json:"tls_client_certificate_bound_access_tokens,omitzero"`

	// RFC 9101 §10.5, RFC 9126 §6, RFC 9396 §10, RFC 9449 §5.2, RFC 9701 §6.
	RequireSignedRequestObject         *bool    `json:"require_signed_request_object,omitzero"`
	RequirePushedAuthorizationRequests *bool    `json:"require_pushed_authorization_requests,omitzero"`
	AuthorizationDetailsTypes          []string `json:"authorization_details_types,omitzero"`
	DPoPBoundAccessTokens              *bool    `json:"dpop_bound_access_tokens,omitzero"`
	IntrospectionSignedResponseAlg     string   `json:"introspection_signed_response_alg,omitzero"`
	IntrospectionEncryptedResponseAlg  string   `json:"introspection_encrypted_response_alg,omitzero"`
	IntrospectionEncryptedResponseEnc  string   `json:"introspection_encrypted_response_enc,omitzero"`

	// JWT Secured Authorization Response Mode (JARM) §3.
	AuthorizationSignedResponseAlg    string `json:"authorization_signed_response_alg,omitzero"`
	AuthorizationEncryptedResponseAlg string `json:"authorization_encrypted_response_alg,omitzero"`
	AuthorizationEncryptedResponseEnc string `json:"authorization_encrypted_response_enc,omitzero"`

	// IdentityServer's extension members. Lifetimes are in seconds.
	AbsoluteRefreshTokenLifetime          *int64   `json:"absolute_refresh_token_lifetime,omitzero"`
	AccessTokenLifetime                   *int64   `json:"access_token_lifetime,omitzero"`
	AccessTokenType                       string   `json:"access_token_type,omitzero"`
	AllowedCORSOrigins                    []string `json:"allowed_cors_origins,omitzero"`
	AllowedIdentityTokenSigningAlgorithms []string `json:"allowed_identity_token_signing_algorithms,omitzero"`
	AllowRememberConsent                  *bool    `json:"allow_remember_consent,omitzero"`
	AuthorizationCodeLifetime             *int64   `json:"authorization_code_lifetime,omitzero"`
	ConsentLifetime                       *int64   `json:"consent_lifetime,omitzero"`
	CoordinateLifetimeWithUserSession     *bool    `json:"coordinate_lifetime_with_user_session,omitzero"`
	EnableLocalLogin                      *bool    `json:"enable_local_login,omitzero"`
	IdentityProviderRestrictions          []string `json:"identity_provider_restrictions,omitzero"`
	IdentityTokenLifetime                 *int64   `json:"identity_token_lifetime,omitzero"`
	RefreshTokenExpiration                string   `json:"refresh_token_expiration,omitzero"`
	RefreshTokenUsage                     string   `json:"refresh_token_usage,omitzero"`
	RequireClientSecret                   *bool    `json:"require_client_secret,omitzero"`
	RequireConsent                        *bool    `json:"require_consent,omitzero"`
	SlidingRefreshTokenLifetime           *int64   `json:"sliding_refresh_token_lifetime,omitzero"`
	UpdateAccessTokenClaimsOnRefresh      *bool    `json:"update_access_token_claims_on_refresh,omitzero"`

	// Other holds the members without a field, by name: language-tagged members such as "client_name#ja" and extension
	// members. In a request it holds every unknown member.
	Other map[string]jsontext.Value `json:",embed"`
}
