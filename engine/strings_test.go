package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// throughEveryDoor registers a client with a member, in each way in which metadata reaches the server, and returns the
// errors. The member tier is echoed.
func throughEveryDoor(t *testing.T, name, value string) map[string]error {
	t.Helper()
	member := `"` + name + `":` + value
	body := `{"redirect_uris":["https://app.example/cb"],` + member + `}`
	if name == "redirect_uris" {
		body = `{` + member + `}`
	}
	c := newIssuer("board").trusting(Options{EchoExtensions: []string{"tier"}, RegistrationEndpoint: endpoint})
	e := newEngine(t, c)
	run := func(body string, do func(*Request) error) error {
		request, err := ParseRequest([]byte(body))
		if err != nil {
			return err
		}
		return do(request)
	}
	register := func(request *Request) error {
		_, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		return err
	}
	errs := map[string]error{}
	errs["request"] = run(body, register)
	errs["update"] = run(minimal, func(request *Request) error {
		r, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		if err != nil {
			t.Fatal(err)
		}
		return run(strings.Replace(body, "{", `{"client_id":"`+r.Client.ID+`",`, 1), func(request *Request) error {
			_, err := e.Update(t.Context(), r.Client, r.Token, request)
			return err
		})
	})
	document := strings.Replace(body, "{", `{"client_id":"`+documentURL+`",`, 1)
	_, errs["document"] = e.ResolveDocument(t.Context(), documentURL, []byte(document), &Caller{Auth: AuthNone}, "")
	statement := newIssuer("board").sign(t, `{"iss":"board",`+member+`}`, nil)
	errs["statement"] = run(withStatement(statement), register)
	errs["dry run"] = run(minimal, func(request *Request) error {
		request.Statement = jsontext.Value(`{` + member + `}`)
		_, err := e.Preview(t.Context(), request, &Caller{Auth: AuthNone}, override(func(*Registration, *Steps) {}))
		return err
	})
	e.overrides = override(func(_ *Registration, s *Steps) {
		base := s.AddClientID
		s.AddClientID = func(ctx context.Context, r *Registration) error {
			return errors.Join(base(ctx, r), r.PatchMetadata(Patcher{Step: "add_client_id"}, []byte(`{`+member+`}`)))
		}
	})
	errs["patch"] = run(minimal, register)
	e.overrides = override(func(_ *Registration, s *Steps) {
		base := s.AddClientID
		s.AddClientID = func(ctx context.Context, r *Registration) error {
			m := &r.Client.Metadata
			others := m.Other
			if err := json.Unmarshal([]byte(`{`+member+`}`), m); err != nil {
				t.Fatal(err)
			}
			for n, v := range m.Other {
				others = m.extended(others, n, v)
			}
			m.Other = others
			return base(ctx, r)
		}
	})
	errs["invariants"] = run(minimal, register)
	return errs
}

// No string of the metadata holds a control character, whatever way it comes.
func TestControlCharactersAreRefused(t *testing.T) {
	values := map[string]string{ // JSON of a value around the character
		"client_name#ja": `"a%sb"`, "logo_uri#ja": `"https://app.example/%s"`,
		"tier": `{"a":["b%s"]}`,
		"jwks": `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"%s"}]}`,
	}
	for f := range reflect.TypeFor[Metadata]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Type == reflect.TypeFor[[]string]():
			values[name] = `["https://app.example/%s"]`
		case f.Type.Kind() == reflect.String:
			values[name] = `"https://app.example/%s"`
		}
	}
	delete(values, "software_statement") // it has a grammar of its own, and only a request has one
	if len(values) < 50 {
		t.Fatalf("only %d members hold strings", len(values))
	}
	for name, value := range values {
		for _, c := range []string{`\u0000`, `\n`, "\u007f", `\u0085`, "\u009f"} {
			value := fmt.Sprintf(value, c)
			for door, err := range throughEveryDoor(t, name, value) {
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s, %s %+q: got %v, want a refusal that names the member", door, name, value, err)
				}
				if _, broken := errors.AsType[*InvariantError](err); broken && door != "patch" && door != "invariants" {
					t.Errorf("%s, %s %+q: %v", door, name, value, err)
				}
			}
		}
	}
}

// Texts that people read hold nothing that forges what they show, whatever way they come.
func TestReadableTexts(t *testing.T) {
	for _, name := range []string{"client_name", "client_name#he", "contacts"} {
		for _, text := range []string{"a\u2028b", "a\u202eb", "a\u2066b\u2069", "a\u200bb", "a\u00adb", "\ufeffa",
			"a\u200db", "\u00a0", "\u2800", "\u200e"} {
			for door, err := range throughEveryDoor(t, name, textOrList(t, name, text)) {
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s, %s %+q: got %v, want a refusal that names the member", door, name, text, err)
				}
			}
		}
		for _, text := range []string{"می\u200cخواهم", "ශ්\u200dරී ලංකා", "👨\u200d👩\u200d👧", "❤\ufe0f",
			"\u200fשלום\u200e", "アプリ"} {
			for door, err := range throughEveryDoor(t, name, textOrList(t, name, text)) {
				if err != nil {
					t.Errorf("%s, %s %+q: %v", door, name, text, err)
				}
			}
		}
	}
}

// textOrList returns a text as JSON, in a list if the member is one.
func textOrList(t *testing.T, member, text string) string {
	t.Helper()
	var value any = text
	if member == "contacts" {
		value = []string{"ops@app.example", text}
	}
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
