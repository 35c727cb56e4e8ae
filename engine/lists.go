package engine

import "registrar/internal/displaytext"

// A listMember is a member that is a list of strings.
type listMember struct {
	name   string
	values func(*Metadata) *[]string
	uris   bool // the steps check the values, and name a wrong one by its index in the list as sent
	// problem returns what is wrong with the characters of a value, or ""; nil means that uriRule checks them.
	problem func(string) string
}

// listMembers are the members that are lists. Callers must not modify it.
var listMembers = []listMember{
	{"redirect_uris", func(m *Metadata) *[]string { return &m.RedirectURIs }, true, nil},
	{"grant_types", func(m *Metadata) *[]string { return &m.GrantTypes }, false, displaytext.Control},
	{"response_types", func(m *Metadata) *[]string { return &m.ResponseTypes }, false, displaytext.Control},
	{"contacts", func(m *Metadata) *[]string { return &m.Contacts }, false, displaytext.Problem},
	{"default_acr_values", func(m *Metadata) *[]string { return &m.DefaultACRValues }, false, displaytext.Control},
	{"request_uris", func(m *Metadata) *[]string { return &m.RequestURIs }, true, nil},
	{"post_logout_redirect_uris", func(m *Metadata) *[]string { return &m.PostLogoutRedirectURIs }, true, nil},
	{"authorization_details_types", func(m *Metadata) *[]string { return &m.AuthorizationDetailsTypes }, false,
		displaytext.Control},
	{"allowed_cors_origins", func(m *Metadata) *[]string { return &m.AllowedCORSOrigins }, true, displaytext.Control},
	{"allowed_identity_token_signing_algorithms",
		func(m *Metadata) *[]string { return &m.AllowedIdentityTokenSigningAlgorithms }, false, displaytext.Control},
	{"identity_provider_restrictions", func(m *Metadata) *[]string { return &m.IdentityProviderRestrictions }, false,
		displaytext.Control},
}

// checkLists refuses null and "" in lists of strings, and lists that are too long.
func checkLists(m *Metadata) error {
	for _, l := range listMembers {
		values := *l.values(m)
		if len(values) == 0 {
			continue
		}
		code, most := InvalidClientMetadata, maxList
		if l.name == "redirect_uris" {
			code, most = InvalidRedirectURI, len(values) // Options.MaxRedirectURIs
		}
		if err := tooMany(code, l.name, len(values), most); err != nil {
			return err
		}
		for i, v := range values {
			if v == "" {
				return RefuseAs(code, "%s[%d] must be a non-empty string", l.name, i)
			}
		}
	}
	return nil
}
