package engine

import "testing"

// usual is a typical request of a confidential web client, about 500 bytes.
const usual = `{"client_name":"Example Application 17",` +
	`"redirect_uris":["https://app17.example.com/oauth/callback","https://app17.example.com/oauth/silent-renew"],` +
	`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],` +
	`"token_endpoint_auth_method":"client_secret_basic","scope":"openid profile email offline_access",` +
	`"client_uri":"https://www.example.com/","contacts":["ops@example.com"],` +
	`"software_id":"4NRB1-0XZABZI9E6-5SM3R","software_version":"2.17.1"}`

// sizes lists the requests of the benchmarks.
var sizes = []struct{ name, body string }{{"minimal", minimal}, {"usual", usual}, {"every member", everyMember[0]}}

// measure runs f as a benchmark for each of sizes.
func measure(b *testing.B, f func(b *testing.B, body []byte)) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, []byte(size.body))
		})
	}
}

// BenchmarkParseRequest measures decoding a request.
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

// BenchmarkSteps measures all eighteen built-in steps and the invariants for a decoded request, without storing a
// client.
func BenchmarkSteps(b *testing.B) {
	measure(b, func(b *testing.B, body []byte) {
		register := registering(b, body)
		for b.Loop() {
			register()
		}
	})
}

// BenchmarkResponse measures writing the response.
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

// BenchmarkPatchMetadata measures a script's patch of two members.
func BenchmarkPatchMetadata(b *testing.B) {
	patch := []byte(`{"client_name":"patched","contacts":["ops@app.example"]}`)
	measure(b, func(b *testing.B, body []byte) {
		r := registering(b, body)()
		for b.Loop() {
			if err := r.PatchMetadata(Patcher{Step: "set_client_name"}, patch); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPatchRequest measures a script's patch of two members of the request.
func BenchmarkPatchRequest(b *testing.B) {
	patch := []byte(`{"client_name":"patched","contacts":["ops@app.example"]}`)
	measure(b, func(b *testing.B, body []byte) {
		r := registering(b, body)()
		r.reached = 0
		for b.Loop() {
			r.Request = r.sent
			if err := r.PatchRequest(Patcher{Step: "set_scopes"}, patch); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// registering decodes a request, and returns a function that registers it with an engine that stores nothing.
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
