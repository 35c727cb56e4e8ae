package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/server"
)

// An owned is a client with its registration access token.
type owned struct {
	*site
	id, uri, token, secret string
	registered             map[string]any
}

func (s *site) own(body string) *owned {
	s.t.Helper()
	return s.owner(s.registered(body))
}

func (s *site) owner(members map[string]any) *owned {
	s.t.Helper()
	o := &owned{site: s, registered: members}
	o.id, _ = members["client_id"].(string)
	o.uri, _ = members["registration_client_uri"].(string)
	o.token, _ = members["registration_access_token"].(string)
	o.secret, _ = members["client_secret"].(string)
	if o.uri == "" || o.token == "" {
		s.t.Fatalf("the client cannot manage its registration: %v", members)
	}
	return o
}

func (o *owned) manage(method, body string, headers ...string) *exchange {
	o.t.Helper()
	return o.do(method, o.uri, body, append([]string{"Authorization: Bearer " + o.token}, headers...)...)
}

func (o *owned) get() *exchange { o.t.Helper(); return o.manage("GET", "") }

// put updates the client. members are those besides client_id.
func (o *owned) put(members string) *exchange {
	o.t.Helper()
	return o.manage("PUT", fmt.Sprintf(`{"client_id":%q,%s}`, o.id, members))
}

// putRefused checks that an update is refused with words in the description, and changes nothing.
func (o *owned) putRefused(body, words string) {
	o.t.Helper()
	before, stored := o.get().want(http.StatusOK).body, o.shown()
	e := o.manage("PUT", body).want(http.StatusBadRequest).wantMembers(map[string]any{"error": "invalid_client_metadata"})
	if got := e.json()["error_description"].(string); !strings.Contains(got, words) {
		o.t.Errorf("%s\ngot %q, want %q in it", body, got, words)
	}
	if after := o.get().want(http.StatusOK).body; after != before {
		o.t.Errorf("%s changed the client from %s to %s", body, before, after)
	}
	if after := o.shown(); after != stored {
		o.t.Errorf("%s changed what is stored from %s to %s", body, stored, after)
	}
}

// seenAt matches the member that a client gets a moment after its secret was verified.
var seenAt = regexp.MustCompile(`,"seen_at":"[^"]*"`)

// shown returns the client as the admin API shows it, but for when it was seen.
func (o *owned) shown() string {
	o.t.Helper()
	return seenAt.ReplaceAllString(
		o.call("GET", "/admin/v1/clients/"+url.PathEscape(o.id), "").want(http.StatusOK).body, "")
}

func (o *owned) verifies(secret string) bool {
	o.t.Helper()
	e := o.call("POST", "/admin/v1/clients/"+url.PathEscape(o.id)+"/verify-secret",
		fmt.Sprintf(`{"client_secret":%q}`, secret))
	return e.want(http.StatusOK).json()["valid"].(bool)
}

func testManagementMembers(t *testing.T, site siteFunc) {
	s := site(setup{})
	for _, body := range []string{`{` + web + `}`, `{` + web + `,"token_endpoint_auth_method":"none"}`} {
		o := s.own(body)
		if want := s.public.URL + "/register/" + o.id; o.uri != want || len(o.token) != 43 {
			t.Errorf("got %s and a token of %d characters, want %s and 43", o.uri, len(o.token), want)
		}
	}
	if a, b := s.own(`{`+web+`}`), s.own(`{`+web+`}`); a.token == b.token {
		t.Error("two clients have the same token")
	}
	// The URI escapes the client ID.
	c := &engine.Client{ID: `a/b%2F?c#d;e`, IssuedAt: time.Now(),
		Metadata: engine.Metadata{TokenEndpointAuthMethod: "none"}, TokenHash: new(engine.HashToken("weird"))}
	if err := s.store.AddClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o := &owned{site: s, id: c.ID, uri: s.public.URL + "/register/" + url.PathEscape(c.ID), token: "weird"}
	o.get().want(http.StatusOK).wantMembers(map[string]any{"client_id": c.ID, "registration_client_uri": o.uri})
}

func testReadOwn(t *testing.T, site siteFunc) {
	for _, lifetime := range []time.Duration{0, time.Hour} {
		o := site(setup{options: engine.Options{SecretLifetime: lifetime}}).
			own(`{` + web + `,"client_name":"App","scope":"a b"}`)
		e := o.get().want(http.StatusOK).wantHeader("Content-Type", "application/json").
			wantHeader("Cache-Control", "no-store").wantHeader("Pragma", "no-cache")
		want := o.registered
		delete(want, "client_secret")
		a, _ := json.Marshal(want, json.Deterministic(true))
		b, _ := json.Marshal(e.json(), json.Deterministic(true))
		if string(a) != string(b) {
			t.Errorf("got %s, want %s", b, a)
		}
	}
}

func testUpdateNamesClient(_ *testing.T, site siteFunc) {
	s := site(setup{})
	o, other := s.own(`{`+web+`}`), s.own(`{`+web+`}`)
	for body, words := range map[string]string{
		`{` + web + `}`:                                "client_id is missing",
		`{` + web + `,"client_id":null}`:               "client_id is missing",
		`{` + web + `,"client_id":""}`:                 "client_id is missing",
		`{` + web + `,"client_id":7}`:                  "client_id must be a string, not a number",
		`{` + web + `,"client_id":"` + other.id + `"}`: "client_id must be the client ID",
		`{` + web + `,"client_id":"` + o.id + `x"}`:    "client_id must be the client ID",
		`[]`: "must be a JSON object",
	} {
		o.putRefused(body, words)
	}
	o.manage("PUT", `{`+web+`}`, "Content-Type: text/plain").want(http.StatusUnsupportedMediaType)
}

func testUpdateReserved(t *testing.T, site siteFunc) {
	o := site(setup{}).own(`{` + web + `}`)
	for member, value := range map[string]string{"registration_access_token": `"` + o.token + `"`,
		"registration_client_uri": `"` + o.uri + `"`,
		"client_id_issued_at":     `1`, "client_secret_expires_at": `0`} {
		o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,%q:%s}`, o.id, web, member, value), member+" must be left out")
	}
	if strings.Contains(o.log.String(), o.token) {
		t.Error("the log shows the token")
	}
	o.put(web + `,"client_id_issued_at":null,"registration_client_uri":""`).want(http.StatusOK)
	checkRegisteredStatement(t, site)
}

func testUpdateSecret(t *testing.T, site siteFunc) {
	o := site(setup{}).own(`{` + web + `}`)
	o.put(web + `,"client_secret":"` + o.secret + `"`).want(http.StatusOK)
	rotated := o.call("POST", "/admin/v1/clients/"+o.id+"/rotate-secret", `{"grace":3600}`).want(http.StatusOK).
		json()["client_secret"].(string)
	for _, ok := range []string{o.secret, rotated} {
		o.put(web + `,"client_secret":"` + ok + `"`).want(http.StatusOK).
			wantMembers(map[string]any{"client_secret_expires_at": 0})
	}
	another := strings.Repeat("s", 43)
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"client_secret":%q}`, o.id, web, another),
		"client_secret is not this client's")
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"client_secret":7}`, o.id, web), "client_secret must be a string")
	if !o.verifies(rotated) || !o.verifies(o.secret) || o.verifies(another) {
		t.Error("an update changed the valid secrets")
	}
	o.call("POST", "/admin/v1/clients/"+o.id+"/rotate-secret", `{"grace":0}`).want(http.StatusOK)
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"client_secret":%q}`, o.id, web, rotated),
		"client_secret is not this client's")
	public := o.own(`{` + web + `,"token_endpoint_auth_method":"none"}`)
	public.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"client_secret":%q}`, public.id, web, another),
		"client_secret is not this client's")
}

func testUpdateResets(_ *testing.T, site siteFunc) {
	o := site(setup{options: engine.Options{DefaultScopes: []string{"basic"}, EchoExtensions: []string{"tier"}}}).
		own(`{` + web +
			`,"client_name":"App","client_name#ja":"アプリ","scope":"a","contacts":["ops@app.example"],` +
			`"grant_types":["authorization_code","refresh_token"],"tier":"gold"}`)
	want := map[string]any{"client_id": o.id, "client_id_issued_at": o.registered["client_id_issued_at"],
		"client_name": nil, "client_name#ja": nil, "scope": "basic",
		"contacts": nil, "tier": nil, "grant_types": []string{"authorization_code"},
		"policy_uri":                "https://app.example/p",
		"registration_access_token": o.token, "registration_client_uri": o.uri}
	o.put(web+`,"policy_uri":"https://app.example/p"`).want(http.StatusOK).wantHeader("Cache-Control", "no-store").
		wantMembers(want)
	o.get().want(http.StatusOK).wantMembers(want)
}

func testRefusedUpdate(_ *testing.T, site siteFunc) {
	o := site(setup{}).own(`{` + web + `,"client_name":"App"}`)
	for members, words := range map[string]string{
		`"redirect_uris":["https://app.example/"],"scope":["a"]`: "scope must be a string",
		`"grant_types":["password"]`:                             "not allowed here",
		web + `,"client_name":"Other","jwks":{"keys":[` + publicKey +
			`]},"jwks_uri":"https://app.example/"`: "exclude each other",
	} {
		o.putRefused(fmt.Sprintf(`{"client_id":%q,%s}`, o.id, members), words)
	}
	o.put(`"redirect_uris":["javascript:x"]`).want(http.StatusBadRequest).
		wantMembers(map[string]any{"error": "invalid_redirect_uri"})
	o.deploy("fail-unsafe-redirect")
	o.put(web + `,"client_name":"Other"`).want(http.StatusInternalServerError)
	o.deploy("refuse-scope")
	o.put(web + `,"client_name":"Other"`).want(http.StatusForbidden).
		wantMembers(map[string]any{"error": "insufficient_scope"})
	o.deploy("refuse-token")
	o.put(web + `,"client_name":"Other"`).want(http.StatusUnauthorized).wantChallenge("invalid_token")
	o.deploy()
	o.get().want(http.StatusOK).wantMembers(map[string]any{"client_name": "App",
		"redirect_uris": []string{"https://app.example/cb"}})
}

func testUpdateRunsScripts(t *testing.T, site siteFunc) {
	s := site(setup{})
	o := s.own(`{` + web + `}`)
	s.deploy("patch-metadata", "custom-secret", "prefix-id")
	o.put(web).want(http.StatusOK).wantMembers(map[string]any{"client_name": "patched", "client_id": o.id,
		"client_secret": nil, "client_secret_expires_at": 0})
	if !o.verifies(o.secret) {
		t.Error("an update that keeps the authentication method changed the secret")
	}
	var shown struct {
		Deployment int64
		Acts       []engine.Act
		Updated    struct {
			Deployment int64
			Acts       []engine.Act
		}
	}
	if err := json.Unmarshal([]byte(o.shown()), &shown, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if shown.Deployment != 0 || len(shown.Acts) != 0 || shown.Updated.Deployment != 1 || len(shown.Updated.Acts) != 1 ||
		shown.Updated.Acts[0].Script != "patch-metadata" {
		t.Errorf("got %+v, want nothing at the registration and patch-metadata at the update", shown)
	}
	none := o.put(web + `,"token_endpoint_auth_method":"none"`).want(http.StatusOK)
	none.wantMembers(map[string]any{"client_secret": nil, "client_secret_expires_at": nil})
	if o.verifies(o.secret) {
		t.Error("the secret of a client that became public verifies")
	}
	made := o.put(web).want(http.StatusOK).wantMembers(map[string]any{"client_secret_expires_at": 0}).
		json()["client_secret"].(string)
	if len(made) != 48 || made == o.secret || !o.verifies(made) || o.verifies(o.secret) {
		t.Errorf("the secret of a client that became confidential: got %d characters, want the script's 48, which "+
			"verify",
			len(made))
	}
	s.deploy("refuse-redirect-host")
	o.put(`"redirect_uris":["https://evil.example/"]`).want(http.StatusBadRequest).
		wantMembers(map[string]any{"error": "invalid_redirect_uri"})
}

func testDeleteOwn(t *testing.T, site siteFunc) {
	s := site(setup{})
	o, other := s.own(`{`+web+`}`), s.own(`{`+web+`}`)
	if e := o.manage("DELETE", "").want(http.StatusNoContent).wantHeader("Cache-Control", "no-store"); e.body != "" {
		t.Errorf("got the body %q, want none", e.body)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		o.manage(method, "").want(http.StatusUnauthorized)
	}
	if o.verifies(o.secret) {
		t.Error("the secret still verifies")
	}
	other.get().want(http.StatusOK)
	if n := s.clients(); n != 1 {
		t.Errorf("%d clients are stored, want 1", n)
	}
}

func testUniform401(t *testing.T, site siteFunc) {
	s := site(setup{})
	o, other := s.own(`{`+web+`}`), s.own(`{`+web+`}`)
	var first *exchange
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		for name, request := range map[string][2]string{
			"an unknown client": {s.public.URL + "/register/nobody", o.token},
			"another's token":   {o.uri, other.token},
			"an unknown token":  {o.uri, strings.Repeat("a", 43)},
			"a malformed token": {o.uri, "%%%~=! \t"},
			"a wide space":      {o.uri, o.token + "\u00a0"},
			"a long token":      {o.uri, strings.Repeat("a", 4096)},
			"an admin token":    {o.uri, adminToken},
			"a long ID":         {s.public.URL + "/register/" + strings.Repeat("a", 300), o.token},
		} {
			e := s.do(method, request[0], "", "Authorization: Bearer "+request[1]).want(http.StatusUnauthorized).
				wantChallenge("invalid_token").wantHeader("Content-Type", "application/json")
			if first == nil {
				first = e
			}
			if e.body != first.body {
				t.Errorf("%s with %s: got %s, want %s", method, name, e.body, first.body)
			}
		}
		for _, header := range []string{"Authorization:", "Authorization: Basic " + o.token, "Authorization: Bearer"} {
			e := s.do(method, o.uri, "", header).want(http.StatusUnauthorized).
				wantHeader("WWW-Authenticate", `Bearer realm="registrar"`)
			if e.body != first.body {
				t.Errorf("%s with %q: got %s, want %s", method, header, e.body, first.body)
			}
		}
	}
	// Of several Authorization headers, none counts.
	for _, values := range [][]string{{o.token, o.token}, {o.token, other.token}, {other.token, o.token},
		{o.token, ""}} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			e := s.authorizedBy(method, o.uri, "", "Bearer "+values[0],
				"Bearer "+values[1]).want(http.StatusUnauthorized).
				wantChallenge("invalid_token")
			if e.body != first.body {
				t.Errorf("%s with two headers: got %s, want %s", method, e.body, first.body)
			}
		}
	}
	s.authorizedBy("GET", s.admin.URL+"/admin/v1/clients", "", "Bearer "+adminToken, "Bearer "+adminToken).
		want(http.StatusUnauthorized)
	s.authorizedBy("GET", s.admin.URL+"/admin/v1/clients", "", "Bearer "+adminToken).want(http.StatusOK)
	o.get().want(http.StatusOK)
	other.get().want(http.StatusOK)
	s.do("PATCH", o.uri, "").want(http.StatusMethodNotAllowed)
	if e := s.do("POST", o.uri, `{}`).want(http.StatusMethodNotAllowed); !strings.Contains(e.header.Get("Allow"),
		"PUT") {
		t.Errorf("Allow is %q", e.header.Get("Allow"))
	}
	log := s.log.String()
	for _, token := range []string{o.token, other.token, adminToken} {
		if strings.Contains(log, token) {
			t.Error("the log shows a token")
		}
	}
}

func testTokenRotation(t *testing.T, site siteFunc) {
	o := site(setup{options: engine.Options{RotateRegistrationToken: true}}).own(`{` + web + `}`)
	o.get().want(http.StatusOK).wantMembers(map[string]any{"registration_access_token": o.token})
	o.putRefused(`{}`, "client_id is missing")
	old := *o
	*o = *o.owner(o.put(web).want(http.StatusOK).json())
	if o.token == old.token || len(o.token) != 43 {
		t.Errorf("got a token of %d characters, the same: %t", len(o.token), o.token == old.token)
	}
	o.get().want(http.StatusOK).wantMembers(map[string]any{"registration_access_token": o.token})
	old.get().want(http.StatusUnauthorized)
	old.put(web).want(http.StatusUnauthorized)

	// If several updates rotate the same token at once, one succeeds.
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = o.put(web).status })
	}
	wg.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	if count[http.StatusOK] != 1 || count[http.StatusUnauthorized] != 7 {
		t.Errorf("got %v, want one 200 and seven 401", count)
	}
	kept := site(setup{}).own(`{` + web + `}`)
	kept.put(web).want(http.StatusOK).wantMembers(map[string]any{"registration_access_token": kept.token})
	kept.get().want(http.StatusOK)
}

func testUnmanaged(_ *testing.T, site siteFunc) {
	s := site(setup{unmanaged: true})
	id := s.register(`{` + web + `}`).want(http.StatusCreated).
		wantMembers(map[string]any{"registration_access_token": nil, "registration_client_uri": nil}).
		json()["client_id"].(string)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		s.do(method, s.public.URL+"/register/"+id, "", "Authorization: Bearer "+strings.Repeat("a", 43)).
			want(http.StatusNotFound)
	}
}

func testFailingTokens(_ *testing.T, site siteFunc) {
	// The test is a trusted proxy, so that the addresses in X-Forwarded-For are limited.
	s := site(setup{server: server.Config{RateLimit: 0.001, RateBurst: 20,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	o := s.own(`{` + web + `}`)
	from := func(ip, token string) *exchange {
		return s.do("GET", o.uri, "", "Authorization: Bearer "+token, "X-Forwarded-For: "+ip)
	}
	for _, ip := range []string{"192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2"} {
		from(ip, "wrong").want(http.StatusUnauthorized)
	}
	for _, ip := range []string{"192.0.2.1", "2001:db8::3"} {
		from(ip, "wrong").want(http.StatusTooManyRequests).wantHeader("Retry-After", "1").
			wantMembers(map[string]any{"error": "temporarily_unavailable"})
	}
	from("192.0.2.1", o.token).want(http.StatusOK) // a valid token is not limited
	from("192.0.2.3", "wrong").want(http.StatusUnauthorized)
	from("192.0.2.1:4711", "wrong").want(http.StatusTooManyRequests)
	from("[2001:db8::4]:4711", "wrong").want(http.StatusTooManyRequests)
	for _, unread := range []string{"X-Forwarded-For: garbage", "Forwarded: for=unknown"} {
		o.manage("GET", "", "Authorization: Bearer wrong", unread).want(http.StatusUnauthorized)
	}
	o.manage("GET", "", "Authorization: Bearer wrong", "Forwarded: for=_hidden").want(http.StatusTooManyRequests)
	o.manage("GET", "", "Authorization: Bearer wrong", `Forwarded: for="192.0.2.1:9"`).want(http.StatusTooManyRequests)
}

// Concurrent updates are atomic: the client has all members of one of them.
func TestUpdatesAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		o := newSite(t, setup{database: database}).own(`{` + web + `}`)
		for range 5 {
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					o.put(fmt.Sprintf(`"redirect_uris":["https://app.example/%d"],"client_name":"%d"`, i,
						i)).want(http.StatusOK)
				})
			}
			wg.Wait()
			got := o.get().want(http.StatusOK).json()
			checkMembers(t, got,
				map[string]any{"redirect_uris": []string{"https://app.example/" + got["client_name"].(string)}})
		}
	})
}

// The client configuration endpoint supports CORS.
func TestManagementCORS(t *testing.T) {
	o := newSite(t, setup{}).own(`{` + web + `}`)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		e := o.do("OPTIONS", o.uri, "", "Origin: https://spa.example", "Access-Control-Request-Method: "+method,
			"Access-Control-Request-Headers: authorization,content-type").
			want(http.StatusNoContent).wantHeader("Access-Control-Allow-Origin", "*").
			wantHeader("Access-Control-Allow-Headers", "authorization,content-type")
		if got := e.header.Get("Access-Control-Allow-Methods"); !strings.Contains(got, method) {
			t.Errorf("Access-Control-Allow-Methods is %q, want %s in it", got, method)
		}
		e = o.do(method, o.uri, "", "Origin: https://spa.example").want(http.StatusUnauthorized).
			wantHeader("Access-Control-Allow-Origin", "*")
		if got := e.header.Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(got),
			"www-authenticate") {
			t.Errorf("Access-Control-Expose-Headers is %q", got)
		}
	}
}
