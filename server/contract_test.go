package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"registrar/server"
)

// A contract is the part of openapi.yaml for one listener.
type contract struct {
	doc    *openapi3.T
	router routers.Router
	errors *openapi3.ResponseRef // the response to calls that are not in the document
}

// contracts returns the contracts of the listeners by name.
var contracts = sync.OnceValues(func() (map[string]*contract, error) {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.JSONBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/jwt", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/wasm", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/javascript", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/typescript", openapi3filter.PlainBodyDecoder)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(server.OpenAPI()))
	if err != nil {
		return nil, err
	}
	for _, schema := range doc.Components.Schemas {
		closeSchema(schema)
	}
	list := map[string]*contract{}
	for listener, component := range map[string]string{"public": "Error", "admin": "Problem"} {
		c := &contract{doc: new(*doc), errors: doc.Components.Responses[component]}
		c.doc.Servers, c.doc.Paths = nil, openapi3.NewPaths()
		for path, item := range doc.Paths.Map() {
			if listensOn(doc, item)[listener] {
				anywhere := *item
				anywhere.Servers = nil // tests use other ports
				c.doc.Paths.Set(path, &anywhere)
			}
		}
		if c.router, err = gorillamux.NewRouter(c.doc); err != nil {
			return nil, err
		}
		list[listener] = c
	}
	return list, nil
})

// listensOn returns the listeners that serve a path: "public", "admin".
func listensOn(doc *openapi3.T, item *openapi3.PathItem) map[string]bool {
	servers := item.Servers
	if len(servers) == 0 {
		servers = doc.Servers
	}
	list := map[string]bool{}
	for _, s := range servers {
		list[strings.Fields(s.Description)[1]] = true // "the public listener"
	}
	return list
}

// closeSchema forbids members that are not in the document, unless it allows them explicitly, so that tests detect
// undocumented members.
func closeSchema(ref *openapi3.SchemaRef) {
	s := ref.Value
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		s.AdditionalProperties.Has = new(bool)
	}
	for _, property := range s.Properties {
		closeSchema(property)
	}
	if s.Items != nil {
		closeSchema(s.Items)
	}
}

// checked wraps a listener's handler to check its responses against openapi.yaml, and the requests that it accepts.
func checked(t testing.TB, listener string, h http.Handler) http.Handler {
	t.Helper()
	list, err := contracts()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	c := list[listener]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		r.Body = teeBody{io.TeeReader(r.Body, &sent), r.Body}
		answer := &recorder{ResponseWriter: w}
		h.ServeHTTP(answer, r)
		if err := c.check(r, sent.Bytes(), answer); err != nil {
			t.Errorf("openapi.yaml: %s %s, answered %d: %v", r.Method, r.URL, answer.status, err)
		}
	})
}

// A checkedTransport checks the responses of a listener against openapi.yaml.
type checkedTransport struct {
	t        testing.TB
	listener string
}

// RoundTrip implements [http.RoundTripper].
func (c checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	list, err := contracts()
	if err != nil {
		return nil, err
	}
	var sent bytes.Buffer
	if r.Body != nil {
		r.Body = teeBody{io.TeeReader(r.Body, &sent), r.Body}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer := &recorder{ResponseWriter: httptest.NewRecorder(), status: response.StatusCode}
	maps.Copy(answer.Header(), response.Header)
	if _, err := answer.body.ReadFrom(response.Body); err != nil {
		return nil, err
	}
	if err := list[c.listener].check(r, sent.Bytes(), answer); err != nil {
		c.t.Errorf("openapi.yaml: %s %s, answered %d: %v", r.Method, r.URL, answer.status, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(answer.body.Bytes()))
	return response, nil
}

// check returns how an exchange differs from the document.
func (c *contract) check(r *http.Request, sent []byte, a *recorder) error {
	request := r.Clone(context.Background())
	request.Body = io.NopCloser(bytes.NewReader(sent))
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		if strings.Contains(request.URL.Path, path) {
			request.URL.Path, request.URL.RawPath = path, "" // an issuer's path may precede or follow it
		}
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true,
		MultiError:          true,
		SkipSettingDefaults: true, AuthenticationFunc: bearerSent}
	if r.Method == http.MethodHead { // answered as GET, without the body
		request.Method, options.ExcludeResponseBody = http.MethodGet, true
	}
	route, params, err := c.router.FindRoute(request)
	for name, value := range params {
		if decoded, err := url.PathUnescape(value); err == nil {
			params[name] = decoded
		}
	}
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route,
		Options: options}
	refused := a.status >= 300
	switch {
	case err != nil && r.Method == http.MethodOptions && a.status == http.StatusNoContent && a.body.Len() == 0:
		return nil // every path answers preflight requests
	case err != nil && !refused:
		return err
	case err != nil:
		responses := openapi3.NewResponses(openapi3.WithStatus(a.status, c.errors))
		input.Route = &routers.Route{Spec: c.doc, Operation: &openapi3.Operation{Responses: responses}}
	case !refused:
		if err := openapi3filter.ValidateRequest(request.Context(), input); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	return a.check(input)
}

// bearerSent returns an error if a request lacks the token that the call needs.
func bearerSent(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	scheme, token, _ := strings.Cut(input.RequestValidationInput.Request.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, input.SecurityScheme.Scheme) || token == "" {
		return errors.New("no token")
	}
	return nil
}

// A recorder records a response while it is written.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recorder) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.body.Write(b)
	return a.ResponseWriter.Write(b)
}

// Unwrap returns the wrapped writer, for [http.ResponseController].
func (a *recorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// check returns how the response, or one of its lines, differs from the document.
func (a *recorder) check(request *openapi3filter.RequestValidationInput) error {
	documented := request.Route.Operation.Responses.Status(a.status)
	if documented != nil && len(documented.Value.Content) == 0 && a.body.Len() > 0 {
		return errors.New("unexpected body")
	}
	parts := [][]byte{a.body.Bytes()}
	if a.Header().Get("Content-Type") == "application/x-ndjson" {
		parts = bytes.SplitAfter(bytes.TrimSuffix(parts[0], []byte("\n")), []byte("\n"))
	}
	for _, part := range parts {
		input := &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: a.status,
			Header: a.Header(), Options: request.Options}
		if err := openapi3filter.ValidateResponse(request.Request.Context(), input.SetBodyBytes(part)); err != nil {
			return fmt.Errorf("the answer: %w\n%s", err, part)
		}
	}
	return nil
}

// A teeBody is a request body whose reads are recorded.
type teeBody struct {
	io.Reader
	io.Closer
}
