package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The application types of OpenID Connect Dynamic Client Registration 1.0 §2.
const (
	applicationWeb    = "web"
	applicationNative = "native"
)

var (
	redirectURI = uriRule{code: InvalidRedirectURI}
	// OpenID Connect Dynamic Client Registration 1.0 §2: the fragment is a hash of the request object.
	requestURI = uriRule{code: InvalidClientMetadata, schemes: []string{"https"}, fragment: true}
)

// setRedirectURIs sets the application type and the redirect URIs, and copies the members that depend on them.
func setRedirectURIs(ctx context.Context, r *Registration) error {
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	sent := in.ApplicationType
	if err := choice("application_type", sent, applicationWeb, applicationNative); err != nil {
		if !o.narrows() {
			return err
		}
		sent = "" // the redirect URIs decide
	}
	if err := o.checkRedirectCount(in.RedirectURIs); err != nil {
		return err
	}
	uris, err := r.parseRedirectURIs(in.RedirectURIs)
	if err != nil {
		return err
	}
	if err := r.checkPresence(uris); err != nil {
		return err
	}
	kind := o.applicationType(sent, uris)
	implicit := slices.Contains(out.GrantTypes, grantImplicit)
	for i, u := range uris {
		if err := r.engine.checkRedirectURI(u, kind, implicit); err != nil {
			return RefuseAs(InvalidRedirectURI, "redirect_uris[%d] %v", i, err)
		}
		if err := r.engine.checkAllowedRedirectURI(u, kind); err != nil {
			return RefuseAs(InvalidRedirectURI, "redirect_uris[%d] %v", i, err)
		}
	}
	if err := checkSubject(in, uris); err != nil {
		return err
	}
	if err := r.checkSector(ctx, in); err != nil {
		return err
	}
	if err := requestURI.checkAll("request_uris", in.RequestURIs); err != nil {
		return err
	}
	out.RedirectURIs = in.RedirectURIs
	out.ApplicationType = kind
	out.RequestURIs = in.RequestURIs
	out.SectorIdentifierURI = in.SectorIdentifierURI
	out.SubjectType = in.SubjectType
	return nil
}

func (o *Options) checkRedirectCount(uris []string) error {
	return tooMany(InvalidRedirectURI, "redirect_uris", len(uris), o.MaxRedirectURIs)
}

// parseRedirectURIs parses redirect URIs. It remembers the last list that it parsed, so that the invariants need only
// compare a list that has not changed. Callers must not modify what it returns.
func (r *Registration) parseRedirectURIs(list []string) ([]uri, error) {
	if slices.EqualFunc(list, r.redirects, func(s string, u uri) bool { return s == u.text }) {
		return r.redirects, nil
	}
	uris := make([]uri, len(list))
	for i, s := range list {
		u, err := redirectURI.checkElement("redirect_uris", i, s)
		if err != nil {
			return nil, err
		}
		uris[i] = u
	}
	r.redirects = uris
	return uris, nil
}

// checkPresence refuses redirect URIs that are missing (RFC 7591 §5) or unused.
func (r *Registration) checkPresence(uris []uri) error {
	grants := r.Client.Metadata.GrantTypes
	switch {
	case usesAuthorizationEndpoint(grants) && len(uris) == 0:
		return RefuseAs(InvalidRedirectURI, "redirect_uris must name at least one URI: "+
			"the grant types authorization_code and implicit need it")
	case len(uris) > 0 && len(grants) == 1 && grants[0] == grantClientCredentials && !r.keepsUnusedURIs():
		// No RFC says this; IdentityServer does.
		return RefuseAs(InvalidRedirectURI, "redirect_uris must be left out if grant_types is only client_credentials")
	}
	return nil
}

// keepsUnusedURIs reports whether the client may keep redirect URIs without a use: it sent more grant types than it was
// left with, or it was registered so, and sends what it was answered.
func (r *Registration) keepsUnusedURIs() bool {
	return len(r.Request.Metadata.GrantTypes) > 1 || r.Mode == ModeReplay ||
		r.current != nil && len(r.current.Metadata.RedirectURIs) > 0
}

// applicationType returns the client's application type, given the one that it sent. "" means none: then the redirect
// URIs decide, since widely used native clients send none.
func (o *Options) applicationType(sent string, uris []uri) string {
	private := slices.ContainsFunc(uris, func(u uri) bool { return !u.isHTTP() })
	switch {
	case sent == applicationWeb && private && o.WebCustomScheme == CustomSchemeNative:
		return applicationNative
	case sent != "":
		return sent
	case private || slices.ContainsFunc(uris, func(u uri) bool { return u.scheme == "http" && u.isLoopback() }):
		return applicationNative
	}
	return applicationWeb
}

// checkRedirectURI applies the rules that hold after the scripts too. The error follows the member's name in a
// sentence.
func (e *Engine) checkRedirectURI(u uri, kind string, implicit bool) error {
	switch {
	case kind == applicationWeb && !u.isHTTP():
		return fmt.Errorf("has the private-use scheme '%s', which is for native applications: "+
			"set application_type to native", u.scheme)
	case kind == applicationWeb && implicit && (u.scheme != "https" || u.isLoopback()):
		// OpenID Connect Dynamic Client Registration 1.0 §2, application_type.
		return fmt.Errorf("must be https and not on localhost for a web client with the implicit grant")
	case u.scheme == "http" && !u.isLoopback() && !e.redirectHosts.contain(u.host):
		return fmt.Errorf("must be https: http is only for loopback hosts, such as localhost, 127.0.0.1 and [::1]")
	}
	return nil
}

// checkAllowedRedirectURI applies the rules of the operator's options that scripts may overrule. The error follows the
// member's name in a sentence.
func (e *Engine) checkAllowedRedirectURI(u uri, kind string) error {
	o := &e.options
	switch {
	case kind == applicationWeb && u.scheme == "http" && o.RefuseWebLoopback && !e.redirectHosts.contain(u.host):
		return fmt.Errorf("must be https: web clients may not use http here, not even on localhost")
	case !u.isHTTP() && o.NativeScheme == NativeSchemeReverseDomain && !strings.Contains(u.scheme, "."):
		// RFC 8252 §7.1.
		return fmt.Errorf("has the scheme '%s', which must be a domain name in reverse, such as com.example.app",
			u.scheme)
	}
	return nil
}

// checkSubject checks the subject type, and that the host for pairwise subject identifiers is unambiguous. Ports do not
// matter: the sector identifier is the host (OpenID Connect Core 1.0 §8.1).
func checkSubject(in *Metadata, uris []uri) error {
	if err := choice("subject_type", in.SubjectType, "public", "pairwise"); err != nil {
		return err
	}
	if in.SectorIdentifierURI != "" {
		_, err := httpsOnly.check("sector_identifier_uri", in.SectorIdentifierURI)
		return err
	}
	if in.SubjectType != "pairwise" {
		return nil
	}
	for i, u := range uris {
		if !strings.EqualFold(u.host, uris[0].host) {
			return Refuse("redirect_uris[%d] and redirect_uris[0] have different hosts: "+
				"subject_type pairwise then needs a sector_identifier_uri", i)
		}
	}
	return nil
}
