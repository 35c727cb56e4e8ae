package engine

import (
	"math/bits"
	"slices"
	"sync"
)

// stepMembers lists the members that each built-in step sets in the client, in the order of the steps. A step sets its
// members whether the request has them or not, so it overwrites what a script patched before it. Of the language-tagged
// forms of a member, which are not listed, it sets those that the request has. Steps that are not listed set none.
var stepMembers = [...]struct {
	step    string
	members []string
}{
	{"validate_software_statement", []string{"software_id", "software_version", "software_statement"}},
	{"set_grant_types", []string{
		"token_endpoint_auth_method", "grant_types", "response_types", "require_pushed_authorization_requests",
		"authorization_details_types", "absolute_refresh_token_lifetime", "authorization_code_lifetime",
		"refresh_token_expiration", "refresh_token_usage", "sliding_refresh_token_lifetime"}},
	{"set_redirect_uris", []string{
		"redirect_uris", "application_type", "sector_identifier_uri", "subject_type", "request_uris"}},
	{"set_scopes", []string{"scope"}},
	{stepSetDefaultScopes, []string{"scope"}},
	{"set_secrets", []string{
		"jwks_uri", "jwks", "request_object_signing_alg", "request_object_encryption_alg",
		"request_object_encryption_enc", "token_endpoint_auth_signing_alg", "tls_client_auth_subject_dn",
		"tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
		"require_signed_request_object", "dpop_bound_access_tokens"}},
	{"set_client_name", []string{"client_name", "contacts"}},
	{"set_logout_parameters", []string{
		"post_logout_redirect_uris", "frontchannel_logout_uri", "frontchannel_logout_session_required",
		"backchannel_logout_uri", "backchannel_logout_session_required"}},
	{"set_max_age", []string{"default_max_age", "require_auth_time", "default_acr_values"}},
	{"set_user_interface_properties", []string{
		"client_uri", "logo_uri", "tos_uri", "policy_uri", "initiate_login_uri", "allow_remember_consent",
		"consent_lifetime", "enable_local_login", "identity_provider_restrictions", "require_consent"}},
	{"set_public_client_properties", []string{"allowed_cors_origins", "require_client_secret"}},
	{"set_access_token_properties", []string{
		"tls_client_certificate_bound_access_tokens", "introspection_signed_response_alg",
		"introspection_encrypted_response_alg", "introspection_encrypted_response_enc", "access_token_lifetime",
		"access_token_type", "update_access_token_claims_on_refresh"}},
	{"set_id_token_properties", []string{
		"id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
		"userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
		"authorization_signed_response_alg", "authorization_encrypted_response_alg",
		"authorization_encrypted_response_enc", "allowed_identity_token_signing_algorithms",
		"identity_token_lifetime"}},
	{"set_server_side_session_properties", []string{"coordinate_lifetime_with_user_session"}},
}

// stepNumber returns the place of a step in StepTable, or -1 for another name.
func stepNumber(name string) int {
	return slices.Index(stepNames(), name)
}

// stepNames returns the names of the steps in the order of StepTable. Callers must not modify the slice.
var stepNames = sync.OnceValue(func() []string {
	var names []string
	for _, step := range StepTable() {
		names = append(names, step.Name)
	}
	return names
})

// setterOf returns the name of the first built-in step that sets a member of the client, or "" if none does.
func setterOf(member string) string {
	if steps := settersOf(member); steps != 0 {
		return stepNames()[bits.TrailingZeros32(steps)]
	}
	return ""
}

// settersOf returns the built-in steps that set a member of the client, language-tagged ones included, as bits, by
// their numbers in StepTable.
func settersOf(member string) (steps uint32) {
	if name, _, ok := localized(member); ok {
		member = name
	}
	for _, row := range stepMembers {
		if slices.Contains(row.members, member) {
			steps |= 1 << stepNumber(row.step)
		}
	}
	return steps
}
