package engine

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// setClientName copies the client's names and contacts. Metadata.checkStrings checks them.
func setClientName(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	var tagged map[string]jsontext.Value
	for name, raw := range in.Other {
		if member, _, ok := localized(name); ok && member == "client_name" {
			tagged = out.extended(tagged, name, raw)
		}
	}
	if tagged != nil {
		out.Other = tagged
	}
	out.ClientName = in.ClientName
	out.Contacts = in.Contacts
	return nil
}

// setUserInterfaceProperties copies the members that the authorization server's pages use.
func setUserInterfaceProperties(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	var hosts map[string]bool // of the redirect URIs; nil until it is needed
	page := func(member, s string) error {
		if s == "" {
			return nil
		}
		u, err := webPage.check(member, s)
		if err != nil || !r.engine.options.URIsOnRedirectHost {
			return err
		}
		if hosts == nil {
			hosts = hostsOf(out.RedirectURIs)
		}
		if !hosts[strings.ToLower(u.host)] {
			return Refuse("%s must be on the host of a redirect URI", member)
		}
		return nil
	}
	for _, p := range [...]struct{ member, value string }{
		{"client_uri", in.ClientURI}, {"logo_uri", in.LogoURI}, {"tos_uri", in.TOSURI}, {"policy_uri", in.PolicyURI},
	} {
		if err := page(p.member, p.value); err != nil {
			return err
		}
	}
	var tagged map[string]jsontext.Value
	err := in.eachLocalized(func(name, member string, raw jsontext.Value, value string) error {
		if member == "client_name" {
			return nil
		}
		tagged = out.extended(tagged, name, raw)
		return page(name, value)
	})
	if err != nil {
		return err
	}
	if in.InitiateLoginURI != "" {
		if _, err := httpsOnly.check("initiate_login_uri", in.InitiateLoginURI); err != nil {
			return err
		}
	}
	if err := positive("consent_lifetime", in.ConsentLifetime); err != nil {
		return err
	}
	if tagged != nil {
		out.Other = tagged
	}
	out.ClientURI, out.LogoURI, out.TOSURI, out.PolicyURI = in.ClientURI, in.LogoURI, in.TOSURI, in.PolicyURI
	out.InitiateLoginURI = in.InitiateLoginURI
	out.EnableLocalLogin = in.EnableLocalLogin
	out.IdentityProviderRestrictions = in.IdentityProviderRestrictions
	out.RequireConsent = in.RequireConsent
	out.AllowRememberConsent = in.AllowRememberConsent
	out.ConsentLifetime = in.ConsentLifetime
	return nil
}

// hostsOf returns the hosts of the redirect URIs, in lower case (RFC 7591 §5).
func hostsOf(redirectURIs []string) map[string]bool {
	hosts := make(map[string]bool)
	for _, s := range redirectURIs {
		if u, problem := redirectURI.read(s); problem == "" {
			hosts[strings.ToLower(u.host)] = true
		}
	}
	return hosts
}

// eachLocalized calls f for each language-tagged member, until f returns an error. name includes the tag; raw and value
// are the same string as JSON and decoded.
func (m *Metadata) eachLocalized(f func(name, member string, raw jsontext.Value, value string) error) error {
	for name, raw := range m.Other {
		member, _, ok := localized(name)
		if !ok {
			continue
		}
		value, err := text(raw)
		if err != nil {
			return err
		}
		if err := f(name, member, raw, value); err != nil {
			return err
		}
	}
	return nil
}
