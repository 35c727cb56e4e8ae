package server_test

import (
	"cmp"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// A body with a content coding is refused on every call that takes a body.
func TestContentEncoding(t *testing.T) {
	s := newRoutedSite(t)
	bodies := map[string]string{"/admin/v1/clients/seen": `{"client_ids":[]}`,
		"/admin/v1/clients/{client_id}/verify-secret": `{"client_secret":"a"}`,
		// Refused, since the client is still needed as it is.
		"/admin/v1/clients/{client_id}/disable":       `[]`,
		"/admin/v1/clients/{client_id}/reissue-token": `[]`}
	called := 0
	for path, item := range loadOpenAPI(t).Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody == nil {
				continue
			}
			for mediaType := range maps.Keys(operation.RequestBody.Value.Content) {
				called++
				listener := "public"
				if strings.HasPrefix(path, "/admin/") {
					listener = "admin"
				}
				r := route{listener, method, strings.ReplaceAll(path, "{client_id}", ":id")}
				send := func(coding string) *exchange {
					return s.do(method, s.base(r)+s.target(r), cmp.Or(bodies[path], "{}"),
						"Content-Type: "+mediaType, "Content-Encoding: "+coding,
						"Authorization: "+s.token(r, true))
				}
				for _, coding := range []string{"gzip", "GZIP", "br", "x-unknown", "identity, gzip",
					"aes128gcm,identity"} {
					e := send(coding).want(http.StatusUnsupportedMediaType).wantHeader("Accept-Encoding", "identity")
					if !strings.Contains(e.body, "Content-Encoding") {
						t.Errorf("%s %s: got %s, want Content-Encoding in it", method, path, e.body)
					}
				}
				for _, coding := range []string{"identity", "Identity", "identity, identity", ","} {
					if e := send(coding); e.status == http.StatusUnsupportedMediaType {
						t.Errorf("%s %s, %s: got %s", method, path, coding, e.body)
					}
				}
			}
		}
	}
	if called < 10 {
		t.Errorf("%d calls take a body, want at least 10", called)
	}
	s.register(`{`+web+`}`, "Content-Type: text/plain").want(http.StatusUnsupportedMediaType).
		wantHeader("Accept-Encoding", "")
}
