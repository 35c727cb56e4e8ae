package engine

import (
	"errors"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// How much room metadata gets at first, in bytes of JSON.
const (
	encodedSize  = 1 << 10 // where their size is not known; most clients have less
	defaultsSize = 256     // for the members that a client left out
	maxGuess     = 8 << 10 // for those that it sent, of which some may have been dropped
)

// encode returns the metadata as JSON, for the store. It is deterministic, distinguishes nil from empty lists, and
// preserves the escaping of strings in raw values.
func (m *Metadata) encode() (jsontext.Value, error) {
	w := memberWriter{b: make(jsontext.Value, 0, encodedSize)}
	m.write(&w)
	return w.result()
}

// document returns the metadata as scripts read it, with a client ID unless that is "". It is deterministic, has [] for
// redirect URIs that are nil, and the shortest form of each string.
func (m *Metadata) document(id string) (jsontext.Value, error) {
	w := memberWriter{b: make(jsontext.Value, 0, encodedSize), shortest: true}
	if id != "" {
		w.text("client_id", id)
		if _, twice := m.Other["client_id"]; twice {
			w.fail("client_id", errTwice)
		}
	}
	m.write(&w)
	return w.result()
}

// roomForMetadata returns about how many bytes the client's metadata take as JSON.
func (r *Registration) roomForMetadata() int {
	if r.Request == nil { // a client reads its registration
		return encodedSize
	}
	return min(r.MetadataSize(), maxGuess) + defaultsSize
}

// write writes the members and ends the object. Their order is that of the fields.
func (m *Metadata) write(w *memberWriter) {
	m.writeOAuth(w)
	m.writeOpenID(w)
	m.writeLogout(w)
	m.writeCertificates(w)
	m.writeSecurity(w)
	m.writeJARM(w)
	m.writeIdentityServer(w)
	m.writeOther(w)
	w.end()
}

func (m *Metadata) writeOAuth(w *memberWriter) {
	w.list("redirect_uris", m.RedirectURIs)
	w.optionalText("token_endpoint_auth_method", m.TokenEndpointAuthMethod)
	w.optionalList("grant_types", m.GrantTypes)
	w.optionalList("response_types", m.ResponseTypes)
	w.optionalText("client_name", m.ClientName)
	w.optionalText("client_uri", m.ClientURI)
	w.optionalText("logo_uri", m.LogoURI)
	w.optionalText("scope", m.Scope)
	w.optionalList("contacts", m.Contacts)
	w.optionalText("tos_uri", m.TOSURI)
	w.optionalText("policy_uri", m.PolicyURI)
	w.optionalText("jwks_uri", m.JWKSURI)
	w.optionalRaw("jwks", m.JWKS)
	w.optionalText("software_id", m.SoftwareID)
	w.optionalText("software_version", m.SoftwareVersion)
	w.optionalText("software_statement", m.SoftwareStatement)
}

func (m *Metadata) writeOpenID(w *memberWriter) {
	w.optionalText("application_type", m.ApplicationType)
	w.optionalText("sector_identifier_uri", m.SectorIdentifierURI)
	w.optionalText("subject_type", m.SubjectType)
	w.optionalText("id_token_signed_response_alg", m.IDTokenSignedResponseAlg)
	w.optionalText("id_token_encrypted_response_alg", m.IDTokenEncryptedResponseAlg)
	w.optionalText("id_token_encrypted_response_enc", m.IDTokenEncryptedResponseEnc)
	w.optionalText("userinfo_signed_response_alg", m.UserInfoSignedResponseAlg)
	w.optionalText("userinfo_encrypted_response_alg", m.UserInfoEncryptedResponseAlg)
	w.optionalText("userinfo_encrypted_response_enc", m.UserInfoEncryptedResponseEnc)
	w.optionalText("request_object_signing_alg", m.RequestObjectSigningAlg)
	w.optionalText("request_object_encryption_alg", m.RequestObjectEncryptionAlg)
	w.optionalText("request_object_encryption_enc", m.RequestObjectEncryptionEnc)
	w.optionalText("token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg)
	w.optionalNumber("default_max_age", m.DefaultMaxAge)
	w.optionalBoolean("require_auth_time", m.RequireAuthTime)
	w.optionalList("default_acr_values", m.DefaultACRValues)
	w.optionalText("initiate_login_uri", m.InitiateLoginURI)
	w.optionalList("request_uris", m.RequestURIs)
}

func (m *Metadata) writeLogout(w *memberWriter) {
	w.optionalList("post_logout_redirect_uris", m.PostLogoutRedirectURIs)
	w.optionalText("frontchannel_logout_uri", m.FrontChannelLogoutURI)
	w.optionalBoolean("frontchannel_logout_session_required", m.FrontChannelLogoutSessionRequired)
	w.optionalText("backchannel_logout_uri", m.BackChannelLogoutURI)
	w.optionalBoolean("backchannel_logout_session_required", m.BackChannelLogoutSessionRequired)
}

func (m *Metadata) writeCertificates(w *memberWriter) {
	w.optionalText("tls_client_auth_subject_dn", m.TLSClientAuthSubjectDN)
	w.optionalText("tls_client_auth_san_dns", m.TLSClientAuthSANDNS)
	w.optionalText("tls_client_auth_san_uri", m.TLSClientAuthSANURI)
	w.optionalText("tls_client_auth_san_ip", m.TLSClientAuthSANIP)
	w.optionalText("tls_client_auth_san_email", m.TLSClientAuthSANEmail)
	w.optionalBoolean("tls_client_certificate_bound_access_tokens", m.TLSClientCertificateBoundAccessTokens)
}

func (m *Metadata) writeSecurity(w *memberWriter) {
	w.optionalBoolean("require_signed_request_object", m.RequireSignedRequestObject)
	w.optionalBoolean("require_pushed_authorization_requests", m.RequirePushedAuthorizationRequests)
	w.optionalList("authorization_details_types", m.AuthorizationDetailsTypes)
	w.optionalBoolean("dpop_bound_access_tokens", m.DPoPBoundAccessTokens)
	w.optionalText("introspection_signed_response_alg", m.IntrospectionSignedResponseAlg)
	w.optionalText("introspection_encrypted_response_alg", m.IntrospectionEncryptedResponseAlg)
	w.optionalText("introspection_encrypted_response_enc", m.IntrospectionEncryptedResponseEnc)
}

func (m *Metadata) writeJARM(w *memberWriter) {
	w.optionalText("authorization_signed_response_alg", m.AuthorizationSignedResponseAlg)
	w.optionalText("authorization_encrypted_response_alg", m.AuthorizationEncryptedResponseAlg)
	w.optionalText("authorization_encrypted_response_enc", m.AuthorizationEncryptedResponseEnc)
}

func (m *Metadata) writeIdentityServer(w *memberWriter) {
	w.optionalNumber("absolute_refresh_token_lifetime", m.AbsoluteRefreshTokenLifetime)
	w.optionalNumber("access_token_lifetime", m.AccessTokenLifetime)
	w.optionalText("access_token_type", m.AccessTokenType)
	w.optionalList("allowed_cors_origins", m.AllowedCORSOrigins)
	w.optionalList("allowed_identity_token_signing_algorithms", m.AllowedIdentityTokenSigningAlgorithms)
	w.optionalBoolean("allow_remember_consent", m.AllowRememberConsent)
	w.optionalNumber("authorization_code_lifetime", m.AuthorizationCodeLifetime)
	w.optionalNumber("consent_lifetime", m.ConsentLifetime)
	w.optionalBoolean("coordinate_lifetime_with_user_session", m.CoordinateLifetimeWithUserSession)
	w.optionalBoolean("enable_local_login", m.EnableLocalLogin)
	w.optionalList("identity_provider_restrictions", m.IdentityProviderRestrictions)
	w.optionalNumber("identity_token_lifetime", m.IdentityTokenLifetime)
	w.optionalText("refresh_token_expiration", m.RefreshTokenExpiration)
	w.optionalText("refresh_token_usage", m.RefreshTokenUsage)
	w.optionalBoolean("require_client_secret", m.RequireClientSecret)
	w.optionalBoolean("require_consent", m.RequireConsent)
	w.optionalNumber("sliding_refresh_token_lifetime", m.SlidingRefreshTokenLifetime)
	w.optionalBoolean("update_access_token_claims_on_refresh", m.UpdateAccessTokenClaimsOnRefresh)
}

// writeOther writes the members without a field, sorted.
func (m *Metadata) writeOther(w *memberWriter) {
	if len(m.Other) == 0 {
		return
	}
	names := slices.AppendSeq(make([]string, 0, len(m.Other)), maps.Keys(m.Other))
	slices.Sort(names)
	for _, name := range names {
		if m.hasField(name) {
			w.fail(name, errTwice)
		}
		w.other(name, m.Other[name])
	}
}

var errTwice = errors.New("the member is there twice")

// hasField reports whether the member of that name has a field, and is written.
func (m *Metadata) hasField(name string) bool {
	index, known := memberIndices()[name]
	return known && (name == "redirect_uris" || !reflect.ValueOf(m).Elem().Field(index).IsZero())
}

// Encoded returns c as JSON, for a store: deterministic, and with the escaping of strings in raw values.
func (c *Caller) Encoded() (string, error) {
	w := memberWriter{b: make(jsontext.Value, 0, 128)} // more than most callers take
	w.text("auth", string(c.Auth))
	w.optionalText("issuer", c.Issuer)
	w.optionalText("subject", c.Subject)
	w.optionalText("token_id", c.TokenID)
	w.optionalList("scopes", c.Scopes)
	if c.IP != (netip.Addr{}) {
		var text [64]byte
		w.text("ip", string(c.IP.AppendTo(text[:0])))
	}
	w.optionalRaw("claims", c.Claims)
	w.end()
	b, err := w.result()
	return string(b), err
}
