package engine

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func TestPatchMetadata(t *testing.T) {
	for _, tt := range []struct{ name, step, patch, want string }{
		{"a member", "set_client_name", `{"client_name":"B","scope":"x"}`, `{"client_name":"B","scope":"x"}`},
		{"null removes", "set_client_name", `{"client_name":null}`, `{"client_name":null}`},
		{"URIs stay byte for byte", "set_client_name", `{"redirect_uris":["https://app.example/?a=1&b=<"]}`,
			`{"redirect_uris":["https://app.example/?a=1&b=<"]}`},
		{"a listed extension member", "build_response", `{"tier":{"a":1}}`, `{"tier":{"a":1}}`},
		{"not an object", "set_client_name", `[]`, ""},
		{"null", "set_client_name", `null`, ""},
		{"not JSON", "set_client_name", `{`, ""},
		{"member given twice", "set_client_name", `{"scope":"a","scope":"b"}`, ""},
		{"wrong type", "set_client_name", `{"client_name":1}`, ""},
		{"client ID", "set_client_name", `{"client_id":"a"}`, ""},
		{"client secret", "set_client_name", `{"client_secret":"a"}`, ""},
		{"expiry", "set_client_name", `{"client_secret_expires_at":1}`, ""},
		{"issue time", "set_client_name", `{"client_id_issued_at":1}`, ""},
		{"management", "set_client_name", `{"registration_access_token":"a"}`, ""},
		{"unlisted extension member", "set_client_name", `{"secret_thing":1}`, ""},
		{"deeply nested", "set_client_name", `{"tier":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
			""},
		{"too large", "set_client_name", `{"client_name":"` + strings.Repeat("a", 256<<10) + `"}`, ""},
		{"nested in a string only", "build_response", `{"tier":"\"` + strings.Repeat("[", 200) + `"}`,
			`{"tier":"\"` + strings.Repeat("[", 200) + `"}`},
		{"known member in build_response", "build_response", `{"client_name":"B"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, Config{Options: Options{EchoExtensions: []string{"tier"}}})
			r := &Registration{Client: &Client{}, engine: e, Response: []byte("{}")}
			r.Client.Metadata.ClientName = "A"
			err := r.PatchMetadata(Patcher{Step: tt.step}, []byte(tt.patch))
			if tt.want == "" {
				if err == nil || r.Client.Metadata.ClientName != "A" || r.Client.Metadata.Scope != "" ||
					r.Response == nil {
					t.Errorf("got %v and the client %+v, want an error and no change", err, r.Client.Metadata)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			document, err := r.Client.Document()
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(document, &got); err != nil {
				t.Fatal(err)
			}
			checkMembers(t, got, tt.want)
			if r.Response != nil {
				t.Error("the patch kept an old response")
			}
		})
	}
}

// The examples of RFC 7396, appendix A, as values of a member. null removes the member.
func TestMergePatch(t *testing.T) {
	for _, tt := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, ``},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{``, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		t.Run(tt[0]+" and "+tt[1], func(t *testing.T) {
			r := &Registration{Client: &Client{},
				engine: newEngine(t, Config{Options: Options{EchoExtensions: []string{"tier"}}})}
			if tt[0] != "" {
				r.Client.Metadata.setOther("tier", jsontext.Value(tt[0]))
			}
			if err := r.PatchMetadata(Patcher{Step: "set_client_name"}, []byte(`{"tier":`+tt[1]+`}`)); err != nil {
				t.Fatal(err)
			}
			got := r.Client.Metadata.Other["tier"]
			if err := got.Canonicalize(); tt[2] != "" && err != nil || string(got) != tt[2] {
				t.Errorf("got %s and %v, want %s", got, err, tt[2])
			}
		})
	}
}
