package server_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/server"
)

// openapi.yaml has exactly the routes of each listener.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	got := map[string]bool{}
	for _, r := range allRoutes(t) {
		if r.method != http.MethodHead { // as GET: see TestHead
			got[r.listener+" "+r.method+" "+parameter.ReplaceAllString(r.path, "{}")] = true
		}
	}
	want := map[string]bool{}
	doc := loadOpenAPI(t)
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if method == http.MethodOptions {
				continue // not a route: see TestOptions
			}
			for listener := range listensOn(doc, item) {
				want[listener+" "+method+" "+parameter.ReplaceAllString(path, "{}")] = true
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("openapi.yaml (-) and the routes (+) differ:\n%s", diff)
	}
}

// The CORS middleware answers OPTIONS requests, plain and preflight.
func TestOptions(t *testing.T) {
	s := newSite(t, advertising(t, "https://auth.example", `{"issuer":"https://auth.example"}`, setup{}))
	for path, item := range loadOpenAPI(t).Paths.Map() {
		if item.Options == nil {
			continue
		}
		target := s.public.URL + parameter.ReplaceAllString(path, "1")
		plain := s.do("OPTIONS", target, "").want(http.StatusNoContent)
		preflight := s.do("OPTIONS", target, "", "Origin: https://spa.example", "Access-Control-Request-Method: POST").
			want(http.StatusNoContent)
		for method := range item.Operations() {
			for name, value := range map[string]string{
				"Allow":                        plain.header.Get("Allow"),
				"Access-Control-Allow-Methods": preflight.header.Get("Access-Control-Allow-Methods"),
			} {
				if !slices.Contains(strings.Split(value, ", "), method) {
					t.Errorf("OPTIONS %s: %s is %q, want %s in it", path, name, value, method)
				}
			}
		}
	}
}

// parameter matches a path parameter of Echo or OpenAPI.
var parameter = regexp.MustCompile(`:[a-z_]+|\{[a-z_]+\}`)

// loadOpenAPI parses and validates openapi.yaml.
func loadOpenAPI(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(server.OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

// openapi.yaml has the members of engine.Metadata, with their types.
func TestOpenAPIHasEveryMember(t *testing.T) {
	kinds := map[reflect.Type]string{
		reflect.TypeFor[string](): "string", reflect.TypeFor[[]string](): "array", reflect.TypeFor[*bool](): "boolean",
		reflect.TypeFor[*int64](): "integer", reflect.TypeFor[jsontext.Value](): "object",
	}
	want := map[string]string{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[engine.Metadata]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			want[name] = kinds[field.Type]
		}
	}
	got := map[string]string{}
	for name, property := range loadOpenAPI(t).Components.Schemas["ClientMetadata"].Value.Properties {
		got[name] = property.Value.Type.Slice()[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("engine.Metadata (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

// Calls without a token get 401 if and only if the document requires one.
func TestOpenAPISaysWhatNeedsAToken(t *testing.T) {
	s := newSite(t, setup{})
	doc := loadOpenAPI(t)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			needed := operation.Security != nil &&
				!slices.ContainsFunc(*operation.Security,
					func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
			for listener := range listensOn(doc, item) {
				base := map[string]string{"public": s.public.URL, "admin": s.admin.URL}[listener]
				e := s.do(method, base+parameter.ReplaceAllString(path, "1"), "")
				if refused := e.status == http.StatusUnauthorized; refused != needed {
					t.Errorf("%s %s: got %d, but the document says token needed: %t", method, path, e.status, needed)
				}
			}
		}
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	s := newSite(t, setup{})
	for _, base := range []string{s.public.URL, s.admin.URL} {
		e := s.do("GET", base+"/openapi.yaml", "").want(http.StatusOK).wantHeader("Content-Type", "application/yaml")
		if e.body != server.OpenAPI() {
			t.Errorf("%s/openapi.yaml differs from the file", base)
		}
	}
}

// The check in every test detects differences from the document.
func TestExchangesAreChecked(t *testing.T) {
	const problem, registered = `{"type":"about:blank","title":"t","status":409}`,
		`{"client_id":"a","redirect_uris":[]}`
	list, err := contracts()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		listener, method, path, sent string
		status                       int
		header, answered             string
		want                         string // part of the error; "" means a valid exchange
	}{
		"right": {"public", "POST", "/register", `{"x":1,"client_name":null}`, 201,
			"Cache-Control: no-store", registered, ""},
		"right refusal": {"admin", "DELETE", "/admin/v1/modules/x", ``, 409,
			"Content-Type: application/problem+json, Cache-Control: no-store", problem, ""},
		"right path of an issuer": {"public", "GET", "/.well-known/oauth-authorization-server/a/b", ``, 200, "",
			`{"issuer":"a","registration_endpoint":"https://a.example"}`, ""},
		"right preflight": {"public", "OPTIONS", "/healthz", ``, 204, "", ``, ""},
		"member unknown": {"admin", "POST", "/admin/v1/clients/a/verify-secret", `{"client_secret":"s"}`,
			200, "Authorization: Bearer a", `{"valid":true,"why":1}`, "why"},
		"member missing": {"public", "POST", "/register", `{}`, 201, "Cache-Control: no-store",
			`{"client_id":"a"}`, "redirect_uris"},
		"header missing": {"public", "POST", "/register", `{}`, 201, "", registered, "Cache-Control"},
		"challenge missing": {"public", "POST", "/register", `{}`, 401, "Cache-Control: no-store",
			`{"error":"invalid_token","error_description":"d"}`, "WWW-Authenticate"},
		"status unknown": {"public", "POST", "/register", `{}`, 409, "", `{}`, "status is not supported"},
		"error of the wrong kind": {"public", "POST", "/nowhere", `{}`, 404,
			"Content-Type: application/problem+json, Cache-Control: no-store", problem, "Content-Type"},
		"error code unknown": {"public", "POST", "/register", `{}`, 400, "Cache-Control: no-store",
			`{"error":"wrong","error_description":"d"}`, "invalid_redirect_uri"},
		"call unknown": {"public", "GET", "/register", ``, 200, "", `{}`, "method not allowed"},
		"call of the other one": {"public", "GET", "/admin/v1/modules", ``, 200, "Authorization: Bearer a",
			`{"modules":[]}`, "no matching operation"},
		"body where none is": {"admin", "DELETE", "/admin/v1/clients/a", ``, 204, "Authorization: Bearer a",
			`{}`, "unexpected body"},
		"line that is wrong": {"admin", "POST", "/admin/v1/replay", `{}`, 200,
			"Authorization: Bearer a, Content-Type: application/x-ndjson",
			"{\"progress\":{\"done\":0,\"of\":1}}\n{\"progress\":{}}\n", "done"},
		"request without a token": {"admin", "GET", "/admin/v1/modules", ``, 200, "", `{"modules":[]}`, "no token"},
		"request of the wrong type": {"public", "POST", "/register", `{"redirect_uris":"a"}`, 201,
			"Cache-Control: no-store", registered, "redirect_uris"},
		"request that was refused": {"public", "POST", "/register", `{"redirect_uris":"a"}`, 400,
			"Cache-Control: no-store", `{"error":"invalid_redirect_uri","error_description":"d"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, nil)
			a := &recorder{ResponseWriter: httptest.NewRecorder()}
			for _, header := range []http.Header{r.Header, a.Header()} {
				if tt.sent != "" || tt.answered != "" {
					header.Set("Content-Type", "application/json")
				}
			}
			for _, line := range strings.Split(tt.header, ", ") {
				switch name, value, _ := strings.Cut(line, ": "); name {
				case "":
				case "Authorization":
					r.Header.Set(name, value)
				default:
					a.Header().Set(name, value)
				}
			}
			a.WriteHeader(tt.status)
			a.Write([]byte(tt.answered))
			err := list[tt.listener].check(r, []byte(tt.sent), a)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
