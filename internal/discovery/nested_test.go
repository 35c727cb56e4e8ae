package discovery

import "testing"

// A document cannot lead clients to register elsewhere, at any depth.
func TestOtherRegistrationEndpointsAreRemoved(t *testing.T) {
	document := `{"issuer":"https://auth.example","n":1.50,` +
		`"list":["registration_endpoint",{"a":1,"registration_endpoint":{"x":[1]}}],
		"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t","registration_endpoint":"https://mtls.example/r",
		"signed_metadata":"a.b.c","deep":{"registration\u005fendpoint":null,"text":"registration_endpoint"}},
		"registration_endpoint":["https://old.example"],"only":{"registration_endpoint":"x"},"empty":[],"é":"\u00e9"}`
	want := `{"empty":[],"issuer":"https://auth.example","list":["registration_endpoint",{"a":1}],` +
		`"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t","deep":{"text":"registration_endpoint"}},` +
		`"n":1.50,"only":{},"registration_endpoint":"https://auth.example/register","é":"é"}`
	u := &upstream{}
	u.say(document)
	for name, c := range map[string]Config{
		"the operator's": {Document: []byte(document)},
		"upstream's":     {Upstream: "https://auth.example/d", Fetch: u.fetch},
		"merged": {Upstream: "https://auth.example/d", Fetch: u.fetch,
			Document: []byte(`{"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t",
				"registration_endpoint":"https://auth.example/register","deep":{"text":"registration_endpoint"}}}`)},
	} {
		s, err := newSource(c)
		if err == nil {
			err = s.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Document()
		if err != nil || string(got) != want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}
