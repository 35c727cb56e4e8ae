package engine

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Advertised holds the lists of an authorization server's metadata (RFC 8414 §2) that limit what clients may register,
// by their names, such as grant_types_supported. A list that is missing limits nothing.
type Advertised map[string][]string

// responseTypesSupported is the list whose values are compared word by word. Those of the others are compared exactly.
const responseTypesSupported = "response_types_supported"

// A bound is a list and the client member whose values it limits.
type bound struct {
	list, member string
	values       func(*Metadata) []string
}

// bounds returns the lists of RFC 8414 §2, OpenID Connect Discovery 1.0 §3, RFC 9396 §10, RFC 9701 §7 and JARM §4
// that match a client member. It leaves out scopes_supported, which need not name every scope.
func bounds() []bound {
	one := func(list, member string, value func(*Metadata) string) bound {
		return bound{list, member, func(m *Metadata) []string {
			if v := value(m); v != "" {
				return []string{v}
			}
			return nil
		}}
	}
	return []bound{
		{"grant_types_supported", "grant_types", func(m *Metadata) []string { return m.GrantTypes }},
		{responseTypesSupported, "response_types", func(m *Metadata) []string { return m.ResponseTypes }},
		{"acr_values_supported", "default_acr_values", func(m *Metadata) []string { return m.DefaultACRValues }},
		{"authorization_details_types_supported", "authorization_details_types",
			func(m *Metadata) []string { return m.AuthorizationDetailsTypes }},
		{"id_token_signing_alg_values_supported", "allowed_identity_token_signing_algorithms",
			func(m *Metadata) []string { return m.AllowedIdentityTokenSigningAlgorithms }},
		one("subject_types_supported", "subject_type", func(m *Metadata) string { return m.SubjectType }),
		one(authMethods, "token_endpoint_auth_method",
			func(m *Metadata) string { return m.TokenEndpointAuthMethod }),
		one(clientAssertionAlgs, "token_endpoint_auth_signing_alg",
			func(m *Metadata) string { return m.TokenEndpointAuthSigningAlg }),
		one("id_token_signing_alg_values_supported", "id_token_signed_response_alg",
			func(m *Metadata) string { return m.IDTokenSignedResponseAlg }),
		one("id_token_encryption_alg_values_supported", "id_token_encrypted_response_alg",
			func(m *Metadata) string { return m.IDTokenEncryptedResponseAlg }),
		one("id_token_encryption_enc_values_supported", "id_token_encrypted_response_enc",
			func(m *Metadata) string { return m.IDTokenEncryptedResponseEnc }),
		one("userinfo_signing_alg_values_supported", "userinfo_signed_response_alg",
			func(m *Metadata) string { return m.UserInfoSignedResponseAlg }),
		one("userinfo_encryption_alg_values_supported", "userinfo_encrypted_response_alg",
			func(m *Metadata) string { return m.UserInfoEncryptedResponseAlg }),
		one("userinfo_encryption_enc_values_supported", "userinfo_encrypted_response_enc",
			func(m *Metadata) string { return m.UserInfoEncryptedResponseEnc }),
		one(requestObjectAlgs, "request_object_signing_alg",
			func(m *Metadata) string { return m.RequestObjectSigningAlg }),
		one("request_object_encryption_alg_values_supported", "request_object_encryption_alg",
			func(m *Metadata) string { return m.RequestObjectEncryptionAlg }),
		one("request_object_encryption_enc_values_supported", "request_object_encryption_enc",
			func(m *Metadata) string { return m.RequestObjectEncryptionEnc }),
		one("introspection_signing_alg_values_supported", "introspection_signed_response_alg",
			func(m *Metadata) string { return m.IntrospectionSignedResponseAlg }),
		one("introspection_encryption_alg_values_supported", "introspection_encrypted_response_alg",
			func(m *Metadata) string { return m.IntrospectionEncryptedResponseAlg }),
		one("introspection_encryption_enc_values_supported", "introspection_encrypted_response_enc",
			func(m *Metadata) string { return m.IntrospectionEncryptedResponseEnc }),
		one("authorization_signing_alg_values_supported", "authorization_signed_response_alg",
			func(m *Metadata) string { return m.AuthorizationSignedResponseAlg }),
		one("authorization_encryption_alg_values_supported", "authorization_encrypted_response_alg",
			func(m *Metadata) string { return m.AuthorizationEncryptedResponseAlg }),
		one("authorization_encryption_enc_values_supported", "authorization_encrypted_response_enc",
			func(m *Metadata) string { return m.AuthorizationEncryptedResponseEnc }),
	}
}

// ReadAdvertised returns the lists of an authorization server's metadata that limit clients. Its errors name the list.
func ReadAdvertised(document map[string]jsontext.Value) (Advertised, error) {
	a := Advertised{}
	for _, b := range bounds() {
		value, there := document[b.list]
		if !there || value.Kind() == 'n' {
			continue
		}
		var list []string
		if err := json.Unmarshal(value, &list); err != nil {
			return nil, Refuse("%s must be a list of strings", b.list)
		}
		a[b.list] = list
	}
	return a, nil
}

// checkAdvertised refuses a client with a value that the discovery document does not list as supported. It is not a
// step: it runs after the validation steps, and again with the invariants.
func checkAdvertised(_ context.Context, r *Registration) error {
	if len(r.advertised) == 0 {
		return nil
	}
	for _, b := range bounds() {
		list, bounded := r.advertised[b.list]
		if !bounded {
			continue
		}
		for _, value := range b.values(&r.Client.Metadata) {
			if !r.advertised.offers(b.list, value) {
				return Refuse("%s '%s' is not among the %s of this server, which are %s",
					b.member, value, b.list, strings.Join(list, ", "))
			}
		}
	}
	return nil
}
