package engine

import "testing"

// usual is what a confidential web client sends: about 500 bytes.
const usual = `{"client_name":"Example Application 17","redirect_uris":["https://app17.example.com/oauth/callback","https://app17.example.com/oauth/silent-renew"],` +
	`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic",` +
	`"scope":"openid profile email offline_access","client_uri":"https://www.example.com/","contacts":["ops@example.com"],` +
	`"software_id":"4NRB1-0XZABZI9E6-5SM3R","software_version":"2.17.1"}`

// sizes are the requests that the parts of a registration are measured with.
var sizes = []struct{ name, body string }{{"minimal", minimal}, {"usual", usual}, {"every member", everyMember[0]}}

// measure measures f for each size of request.
func measure(b *testing.B, f func(b *testing.B, body []byte)) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, []byte(size.body))
		})
	}
}

// BenchmarkParseRequest is the decoding of a request alone.
func BenchmarkParseRequest(b *testing.B) {
	measure(b, func(b *testing.B, body []byte) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := ParseRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSteps is all eighteen built-in steps and the invariants, of a request that was decoded, with nothing stored.
func BenchmarkSteps(b *testing.B) {
	measure(b, func(b *testing.B, body []byte) {
		register := registering(b, body)
		for b.Loop() {
			register()
		}
	})
}

// BenchmarkResponse is the writing of the answer alone.
func BenchmarkResponse(b *testing.B) {
	measure(b, func(b *testing.B, body []byte) {
		r := registering(b, body)()
		for b.Loop() {
			if _, err := r.render(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPatchMetadata is a script's patch of two members.
func BenchmarkPatchMetadata(b *testing.B) {
	measure(b, func(b *testing.B, body []byte) {
		r := registering(b, body)()
		for b.Loop() {
			if err := r.PatchMetadata("set_client_name", []byte(`{"client_name":"patched","contacts":["ops@app.example"]}`)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// registering decodes a request, and returns what takes it through an engine that stores nothing.
func registering(b testing.TB, body []byte) (register func() *Registration) {
	e := newEngine(b, Config{Store: discard{}, Options: Options{RegistrationEndpoint: "https://as.example/register"}})
	request, err := ParseRequest(body)
	if err != nil {
		b.Fatal(err)
	}
	return func() *Registration {
		r, err := e.Register(b.Context(), request, &Caller{Auth: AuthNone})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
}
