package engine

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// checkInvariants checks the result of the steps against the rules that no script can weaken. It returns an
// *[InvariantError] that names the scripts that acted.
func (r *Registration) checkInvariants() error {
	checks := [...]func(*Registration) error{
		checkID, checkIdentity, checkToken, checkSharedSecret, checkMetadata, checkResponse,
	}
	return r.checkAll(checks[:])
}

// checkAll returns the first error of checks, as an *[InvariantError].
func (r *Registration) checkAll(checks []func(*Registration) error) error {
	for _, check := range checks {
		if err := check(r); err != nil {
			return &InvariantError{Rule: err.Error(), Scripts: slices.Clone(r.Client.Provenance.Acts)}
		}
	}
	return nil
}

// checkMetadata checks the client's metadata.
func checkMetadata(r *Registration) error {
	for _, check := range [...]func(*Registration) error{
		checkGrants, checkRedirects, checkURIs, checkScope,
		func(r *Registration) error { return checkLists(&r.Client.Metadata) }, checkRepeats, checkStringInvariants,
		func(r *Registration) error { return r.checkOwnKeys(&r.Client.Metadata) },
		func(r *Registration) error { return checkAdvertised(context.Background(), r) },
		checkExtensions,
	} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func checkID(r *Registration) error {
	if r.Operation == OperationMetadataDocument {
		return checkDocumentID(r)
	}
	return CheckClientID(r.Client.ID)
}

// checkSharedSecret checks that the client has a valid secret if and only if it authenticates with one.
func checkSharedSecret(r *Registration) error {
	method, secret := r.Client.Metadata.TokenEndpointAuthMethod, r.Client.Secret
	switch {
	case !usesSharedSecret(method) && (secret != nil || r.Secret != ""):
		return fmt.Errorf("the client has a secret, which token_endpoint_auth_method %q does not use", method)
	case !usesSharedSecret(method):
		return nil
	case secret == nil:
		return fmt.Errorf("the client has no secret, which token_endpoint_auth_method %q needs", method)
	case r.current != nil && secret == r.current.Secret && r.Secret == "":
		return nil // an update that keeps the secret
	case !r.salted.is(secret, r.Secret) && secret.hash(r.Secret) != secret.Hash:
		return fmt.Errorf("the client's secret does not match its hash")
	case !secret.ExpiresAt.Equal(secret.ExpiresAt.Truncate(time.Second)):
		return fmt.Errorf("the expiry of the secret is not in whole seconds")
	}
	return CheckSecret(r.Secret)
}

func checkGrants(r *Registration) error {
	m := &r.Client.Metadata
	if err := checkAuthMethod(m.TokenEndpointAuthMethod); err != nil {
		return err
	}
	if m.TokenEndpointAuthMethod == "" || len(m.GrantTypes) == 0 {
		return fmt.Errorf("the client has no token_endpoint_auth_method or no grant_types")
	}
	for i, s := range m.ResponseTypes {
		switch {
		case !isResponseType(s):
			return fmt.Errorf("response_types[%d] '%s' is not a response type of RFC 6749", i, s)
		case r.spelling(s) != s:
			return fmt.Errorf("response_types[%d] '%s' must be '%s', as the server lists it", i, s, r.spelling(s))
		}
	}
	if problem := mismatch(m.GrantTypes, m.ResponseTypes); problem != "" {
		return fmt.Errorf("%s", problem)
	}
	if m.ResponseTypes == nil && !usesAuthorizationEndpoint(m.GrantTypes) {
		m.ResponseTypes = []string{} // as in fit: a list that is left out means code
	}
	return nil
}

// checkRedirects checks that the redirect URIs are safe for the application type. Of the operator's options, only
// HTTPRedirectHosts and MaxRedirectURIs matter.
func checkRedirects(r *Registration) error {
	m := &r.Client.Metadata
	if err := choice("application_type", m.ApplicationType, applicationWeb, applicationNative); err != nil {
		return err
	}
	if err := r.engine.options.checkRedirectCount(m.RedirectURIs); err != nil {
		return err
	}
	uris, err := r.parseRedirectURIs(m.RedirectURIs)
	if err != nil {
		return err
	}
	implicit := slices.Contains(m.GrantTypes, grantImplicit)
	if len(uris) == 0 && (implicit || slices.Contains(m.GrantTypes, grantAuthorizationCode)) {
		return fmt.Errorf("the client has no redirect_uris")
	}
	kind := cmp.Or(m.ApplicationType, applicationWeb) // OpenID Connect Dynamic Client Registration 1.0 §2
	for i, u := range uris {
		if err := r.engine.checkRedirectURI(u, kind, implicit); err != nil {
			return fmt.Errorf("redirect_uris[%d] %w", i, err)
		}
	}
	return nil
}

// checkURIs checks the schemes and the form of all URIs except redirect URIs, of origins, and of a certificate's names.
func checkURIs(r *Registration) error {
	m := &r.Client.Metadata
	for _, u := range [...]struct {
		rule          uriRule
		member, value string
	}{
		{webPage, "client_uri", m.ClientURI},
		{webPage, "logo_uri", m.LogoURI},
		{webPage, "tos_uri", m.TOSURI},
		{webPage, "policy_uri", m.PolicyURI},
		{httpsOnly, "jwks_uri", m.JWKSURI},
		{httpsOnly, "sector_identifier_uri", m.SectorIdentifierURI},
		{httpsOnly, "initiate_login_uri", m.InitiateLoginURI},
		{webPage, "frontchannel_logout_uri", m.FrontChannelLogoutURI},
		{webPage, "backchannel_logout_uri", m.BackChannelLogoutURI},
	} {
		if u.value == "" {
			continue
		}
		if _, err := u.rule.check(u.member, u.value); err != nil {
			return err
		}
	}
	err := m.eachLocalized(func(name, member string, _ jsontext.Value, value string) error {
		if member == "client_name" {
			return nil
		}
		_, err := webPage.check(name, value)
		return err
	})
	if err != nil {
		return err
	}
	if err := anyURI.checkAll("post_logout_redirect_uris", m.PostLogoutRedirectURIs); err != nil {
		return err
	}
	if err := requestURI.checkAll("request_uris", m.RequestURIs); err != nil {
		return err
	}
	if err := checkWrittenOrigins(m.AllowedCORSOrigins); err != nil {
		return err
	}
	return checkCertificateNames(m)
}

func checkScope(r *Registration) error {
	if err := checkScopeCount(r.Client.Metadata.Scope); err != nil {
		return err
	}
	if plainScope(r.Client.Metadata.Scope) != r.Client.Metadata.Scope {
		return fmt.Errorf("scope has a scope twice, or more than a space between scopes")
	}
	for s := range strings.SplitSeq(r.Client.Metadata.Scope, " ") {
		if s != "" && !IsScopeToken(s) {
			return fmt.Errorf("scope holds %q", s)
		}
	}
	return nil
}

// checkExtensions checks that the client has only the extension members that the operator lists.
func checkExtensions(r *Registration) error {
	for name := range r.Client.Metadata.Other {
		if _, _, ok := localized(name); !ok && !slices.Contains(r.engine.options.EchoExtensions, name) {
			return fmt.Errorf("the client has the extension member %q, which the operator does not echo", name)
		}
	}
	return nil
}

// checkResponse writes the response, and checks that a response from a step equals it.
func checkResponse(r *Registration) error {
	if r.Client.Metadata.RedirectURIs == nil {
		r.Client.Metadata.RedirectURIs = []string{} // responses always have the list; store what they have
	}
	want, err := r.render()
	if err != nil {
		return err
	}
	if r.Response != nil && !bytes.Equal(r.Response, want) {
		return fmt.Errorf("the response differs from the client")
	}
	r.Response = want
	return nil
}
