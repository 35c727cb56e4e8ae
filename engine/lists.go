package engine

import "registrar/internal/displaytext"

// A listMember is a member that is a list of strings.
type listMember struct {
	name   string
	values *[]string
	uris   bool // the steps check the values, and name a wrong one by its index in the list as sent
	// problem returns what is wrong with the characters of a value, or ""; nil means that uriRule checks them.
	problem func(string) string
}

// lists returns the members of m that are lists.
func (m *Metadata) lists() [11]listMember {
	return [...]listMember{
		{"redirect_uris", &m.RedirectURIs, true, nil},
		{"grant_types", &m.GrantTypes, false, displaytext.Control},
		{"response_types", &m.ResponseTypes, false, displaytext.Control},
		{"contacts", &m.Contacts, false, displaytext.Problem},
		{"default_acr_values", &m.DefaultACRValues, false, displaytext.Control},
		{"request_uris", &m.RequestURIs, true, nil},
		{"post_logout_redirect_uris", &m.PostLogoutRedirectURIs, true, nil},
		{"authorization_details_types", &m.AuthorizationDetailsTypes, false, displaytext.Control},
		{"allowed_cors_origins", &m.AllowedCORSOrigins, true, displaytext.Control},
		{"allowed_identity_token_signing_algorithms", &m.AllowedIdentityTokenSigningAlgorithms, false,
			displaytext.Control},
		{"identity_provider_restrictions", &m.IdentityProviderRestrictions, false, displaytext.Control},
	}
}

// checkLists refuses null and "" in lists of strings, and lists that are too long.
func checkLists(m *Metadata) error {
	for _, l := range m.lists() {
		code, most := InvalidClientMetadata, maxList
		if l.name == "redirect_uris" {
			code, most = InvalidRedirectURI, len(*l.values) // Options.MaxRedirectURIs
		}
		if err := tooMany(code, l.name, len(*l.values), most); err != nil {
			return err
		}
		for i, v := range *l.values {
			if v == "" {
				return RefuseAs(code, "%s[%d] must be a non-empty string", l.name, i)
			}
		}
	}
	return nil
}
