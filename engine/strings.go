package engine

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/displaytext"
	"registrar/internal/strictjson"
)

// checkStrings refuses characters that do not belong in metadata: a line break or a change of direction in a name
// could forge a line of a consent page, and no other string needs control characters. It leaves out scope, URIs and
// the software statement, whose grammars are narrower, and language-tagged members.
func (m *Metadata) checkStrings() error {
	if err := checkReadable("client_name", m.ClientName); err != nil {
		return err
	}
	for _, s := range [...]struct{ name, value string }{
		{"token_endpoint_auth_method", m.TokenEndpointAuthMethod},
		{"software_id", m.SoftwareID},
		{"software_version", m.SoftwareVersion},
		{"application_type", m.ApplicationType},
		{"subject_type", m.SubjectType},
		{"id_token_signed_response_alg", m.IDTokenSignedResponseAlg},
		{"id_token_encrypted_response_alg", m.IDTokenEncryptedResponseAlg},
		{"id_token_encrypted_response_enc", m.IDTokenEncryptedResponseEnc},
		{"userinfo_signed_response_alg", m.UserInfoSignedResponseAlg},
		{"userinfo_encrypted_response_alg", m.UserInfoEncryptedResponseAlg},
		{"userinfo_encrypted_response_enc", m.UserInfoEncryptedResponseEnc},
		{"request_object_signing_alg", m.RequestObjectSigningAlg},
		{"request_object_encryption_alg", m.RequestObjectEncryptionAlg},
		{"request_object_encryption_enc", m.RequestObjectEncryptionEnc},
		{"token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg},
		{"tls_client_auth_subject_dn", m.TLSClientAuthSubjectDN},
		{"tls_client_auth_san_dns", m.TLSClientAuthSANDNS},
		{"tls_client_auth_san_uri", m.TLSClientAuthSANURI},
		{"tls_client_auth_san_ip", m.TLSClientAuthSANIP},
		{"tls_client_auth_san_email", m.TLSClientAuthSANEmail},
		{"introspection_signed_response_alg", m.IntrospectionSignedResponseAlg},
		{"introspection_encrypted_response_alg", m.IntrospectionEncryptedResponseAlg},
		{"introspection_encrypted_response_enc", m.IntrospectionEncryptedResponseEnc},
		{"authorization_signed_response_alg", m.AuthorizationSignedResponseAlg},
		{"authorization_encrypted_response_alg", m.AuthorizationEncryptedResponseAlg},
		{"authorization_encrypted_response_enc", m.AuthorizationEncryptedResponseEnc},
		{"access_token_type", m.AccessTokenType},
		{"refresh_token_expiration", m.RefreshTokenExpiration},
		{"refresh_token_usage", m.RefreshTokenUsage},
	} {
		if s.value == "" {
			continue
		}
		if problem := displaytext.Control(s.value); problem != "" {
			return Refuse("%s %s", s.name, problem)
		}
	}
	for _, l := range listMembers {
		if l.problem == nil {
			continue
		}
		for i, value := range *l.values(m) {
			if problem := l.problem(value); problem != "" {
				return Refuse("%s[%d] %s", l.name, i, problem)
			}
		}
	}
	return checkRawStrings("jwks", m.JWKS)
}

// checkReadable refuses a text that people cannot read safely; "" means that the member is missing.
func checkReadable(member, text string) error {
	if text == "" {
		return nil
	}
	if problem := displaytext.Problem(text); problem != "" {
		return Refuse("%s %s", member, problem)
	}
	return nil
}

// checkTaggedName checks a language-tagged form of client_name, a JSON string.
func checkTaggedName(name string, value jsontext.Value) error {
	var buffer [64]byte
	b, err := jsontext.AppendUnquote(buffer[:0], value)
	if err != nil {
		return Refuse("%s must be a string", name)
	}
	if problem := displaytext.Problem(string(b)); problem != "" {
		return Refuse("%s %s", name, problem)
	}
	return nil
}

// checkStringInvariants checks the characters of the client's metadata again.
func checkStringInvariants(r *Registration) error {
	m := &r.Client.Metadata
	if err := m.checkStrings(); err != nil {
		return err
	}
	for name, value := range m.Other {
		if member, _, ok := localized(name); ok && member == "client_name" {
			if err := checkTaggedName(name, value); err != nil {
				return err
			}
		}
	}
	return m.checkExtensionStrings()
}

// checkExtensionStrings refuses control characters in the extension members to register. It is not a step: it runs
// after the validation steps, since most members that a client sends are ignored.
func checkExtensionStrings(_ context.Context, r *Registration) error {
	return r.Client.Metadata.checkExtensionStrings()
}

func (m *Metadata) checkExtensionStrings() error {
	for name, value := range m.Other {
		if _, _, ok := localized(name); ok {
			continue
		}
		if err := checkRawStrings(name, value); err != nil {
			return err
		}
	}
	return nil
}

// checkRawStrings refuses control characters in the strings of a member, names of nested members included.
func checkRawStrings(member string, value jsontext.Value) error {
	if !mayHoldControl(value) {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(value), checkedNames)
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return Refuse("%s is not valid JSON", member)
		case token.Kind() != '"':
			continue
		}
		if problem := displaytext.Control(token.String()); problem != "" {
			return Refuse("%s %s", strictjson.NameOf(member, d.StackPointer()), problem)
		}
	}
}

// mayHoldControl reports whether JSON holds an escape, U+007F, or the first byte of U+0080 to U+009F: JSON has all
// other control characters only as escapes.
func mayHoldControl(value jsontext.Value) bool {
	return bytes.IndexByte(value, '\\') >= 0 || bytes.IndexByte(value, 0x7f) >= 0 || bytes.IndexByte(value, 0xc2) >= 0
}
