package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"

	"registrar/internal/keyset"
	"registrar/server"
	"registrar/server/bearer"
	"registrar/store/storetest"
)

// token creates an initial access token.
func (s *site) token(asked string) string {
	s.t.Helper()
	return s.call("POST", "/admin/v1/initial-access-tokens", asked).want(http.StatusCreated).json()["token"].(string)
}

// tokens returns the list of initial access tokens.
func (s *site) tokens() []any {
	s.t.Helper()
	return s.call("GET", "/admin/v1/initial-access-tokens",
		"").want(http.StatusOK).json()["initial_access_tokens"].([]any)
}

// An issuer signs JWT access tokens, which its verifier accepts.
type issuer struct {
	t        testing.TB
	name     string
	key      *ecdsa.PrivateKey
	file     string // holds the key set
	verifier *bearer.Verifier
}

const audience = "https://registrar.example"

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t, name: "https://issuer.example", file: filepath.Join(t.TempDir(), "jwks.json")}
	var err error
	if i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{jose.JSONWebKey{Key: i.key.Public(), KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(i.file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := keyset.New(keyset.Config{Source: i.file})
	if err != nil {
		t.Fatal(err)
	}
	i.verifier, err = bearer.New(bearer.Config{Scope: "registration",
		Issuers: map[string]bearer.Issuer{i.name: {Keys: keys, Audiences: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// token returns a token with a scope, by the trusted issuer where name is empty.
func (i *issuer) token(name, scope string) string {
	i.t.Helper()
	if name == "" {
		name = i.name
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "k"}},
		nil)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{"iss": name, "aud": audience, "exp": time.Now().
		Add(time.Minute).Unix(),
		"sub": "pipeline", "scope": scope, "tenant": "blue"}).Serialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

func TestInitialAccessTokens(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database})
		created := s.call("POST", "/admin/v1/initial-access-tokens",
			`{"label":"CI für 🔑","max_uses":2,"expires_in":60,"scopes":["read","write"]}`).want(http.StatusCreated)
		created.wantMembers(map[string]any{"label": "CI für 🔑", "max_uses": 2, "uses_left": 2,
			"scopes": []string{"read", "write"}})
		got := created.json()
		token, id := got["token"].(string), got["id"].(string)
		begin, errBegin := time.Parse(time.RFC3339, got["created_at"].(string))
		end, errEnd := time.Parse(time.RFC3339, got["expires_at"].(string))
		if len(token) != 43 || errBegin != nil || errEnd != nil || end.Sub(begin) != time.Minute {
			t.Errorf("got %s, want a token of 43 characters that expires after a minute", created.body)
		}
		byDefault := s.call("POST", "/admin/v1/initial-access-tokens", `{"label":"b"}`).want(http.StatusCreated)
		byDefault.wantMembers(map[string]any{"max_uses": 1, "uses_left": 1, "scopes": []string{}})
		s.call("POST", "/admin/v1/initial-access-tokens", `{"label":"c","max_uses":0,"expires_in":0}`).
			want(http.StatusCreated).
			wantMembers(map[string]any{"max_uses": 0, "uses_left": nil, "expires_at": nil})
		list := s.tokens()
		if len(list) != 3 {
			t.Fatalf("%d tokens are listed, want 3", len(list))
		}
		delete(got, "token")
		checkMembers(t, list[2].(map[string]any), got)
		if _, shown := list[2].(map[string]any)["token"]; shown {
			t.Error("the list shows a token")
		}

		client := s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusCreated).
			json()["client_id"].(string)
		s.call("GET", "/admin/v1/clients/"+client, "").want(http.StatusOK).wantMembers(map[string]any{
			"caller": map[string]any{"auth": "initial_access_token", "token_id": id,
				"scopes": []string{"read", "write"},
				"ip":     "127.0.0.1"}})
		checkMembers(t, s.tokens()[2].(map[string]any), map[string]any{"uses_left": 1})

		s.call("DELETE", "/admin/v1/initial-access-tokens/"+id, "").want(http.StatusNoContent)
		s.call("DELETE", "/admin/v1/initial-access-tokens/"+id, "").want(http.StatusNotFound)
		s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusUnauthorized)

		// Neither the log nor the database holds the token.
		if strings.Contains(s.log.String(), token) {
			t.Error("the log shows a token")
		}
		storetest.EachValue(t, s.database, func(table, column string, value []byte) {
			if strings.Contains(string(value), byDefault.json()["token"].(string)) ||
				strings.Contains(string(value), token) {
				t.Errorf("%s.%s holds a token", table, column)
			}
		})
	})
}

func TestInitialAccessTokensRefused(t *testing.T) {
	s := newSite(t, setup{})
	for body, words := range map[string]string{
		`{}`:           "label",
		`{"label":""}`: "label",
		`{"label":"` + strings.Repeat("é", 256) + `"}`: "label has 256 characters",
		`{"label":"a\nb"}`:                      "label holds the control character U+000A at byte 1",
		`{"label":"a\u202eb"}`:                  "label holds U+202E at byte 1",
		`{"label":"\u00a0"}`:                    "label shows nothing",
		`{"label":"a","scopes":["a\u00a0b"]}`:   "scopes[0]",
		`{"label":"a","max_uses":-1}`:           "max_uses",
		`{"label":"a","max_uses":1000000001}`:   "max_uses",
		`{"label":"a","expires_in":-1}`:         "expires_in",
		`{"label":"a","expires_in":9223372036}`: "expires_in",
		`{"label":"a","expires_in":"24h"}`:      "expires_in",
		`{"label":"a","scopes":["a b"]}`:        "scopes[0]",
		`{"label":"a","scopes":["a",""]}`:       "scopes[1]",
		`{"label":"a","scopes":["\""]}`:         "scopes[0]",
		`{"label":"a","uses":1}`:                "uses",
	} {
		e := s.call("POST", "/admin/v1/initial-access-tokens", body).want(http.StatusBadRequest)
		if !strings.Contains(e.body, words) {
			t.Errorf("%s: got %s, want %q", body, e.body, words)
		}
	}
	created := s.call("POST", "/admin/v1/initial-access-tokens", `{"label":"CI 👩\u200d💻","scopes":["a","b","a"]}`)
	created.want(http.StatusCreated).wantMembers(map[string]any{"label": "CI 👩\u200d💻", "scopes": []string{"a", "b"}})
	s.call("DELETE", "/admin/v1/initial-access-tokens/"+created.json()["id"].(string), "").want(http.StatusNoContent)
	s.do("POST", s.admin.URL+"/admin/v1/initial-access-tokens", `{"label":"a"}`).want(http.StatusUnauthorized)
	s.do("GET", s.public.URL+"/admin/v1/initial-access-tokens", "").want(http.StatusNotFound)
	if n := len(s.tokens()); n != 0 {
		t.Errorf("%d tokens were created, want none", n)
	}
}

// Of eight concurrent registrations with a token for one use, one succeeds.
func TestOneUse(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database, server: server.Config{Registration: server.RegistrationToken}})
		for range 5 {
			before, token := s.clients(), s.token(`{"label":"one"}`)
			var mu sync.Mutex
			answers := map[int]int{}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					e := s.register(`{`+web+`}`, "Authorization: Bearer "+token)
					if e.status == http.StatusUnauthorized {
						e.wantChallenge("invalid_token")
					}
					mu.Lock()
					defer mu.Unlock()
					answers[e.status]++
				})
			}
			wg.Wait()
			if answers[http.StatusCreated] != 1 || answers[http.StatusUnauthorized] != 7 || s.clients() != before+1 {
				t.Errorf("got %v and %d clients, want one 201, seven 401 and one client", answers, s.clients()-before)
			}
		}
	})
}

// All invalid tokens get the same response.
func TestBadTokensAreAlike(t *testing.T) {
	clock := time.Now()
	s := newSite(t, setup{server: server.Config{Now: func() time.Time { return clock }}})
	used, expired := s.token(`{"label":"used"}`), s.token(`{"label":"expired","expires_in":1}`)
	revoked := s.token(`{"label":"revoked"}`)
	s.register(`{`+web+`}`, "Authorization: Bearer "+used).want(http.StatusCreated)
	s.call("DELETE", "/admin/v1/initial-access-tokens/"+s.tokens()[0].(map[string]any)["id"].(string), "").
		want(http.StatusNoContent)
	clock = clock.Add(time.Second)
	want := s.register(`{`+web+`}`, "Authorization: Bearer nobody-knows-me").want(http.StatusUnauthorized)
	for name, token := range map[string]string{"used": used, "expired": expired, "revoked": revoked, "a JWT": "a.b.c",
		"malformed": "a\tb", "long": strings.Repeat("a", 9<<10)} {
		got := s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusUnauthorized)
		if got.body != want.body || got.header.Get("WWW-Authenticate") != want.header.Get("WWW-Authenticate") {
			t.Errorf("%s: got %s, want %s", name, got.body, want.body)
		}
	}
	if log := s.log.String(); !strings.Contains(log, "is used up or has expired") || strings.Contains(log, expired) {
		t.Error("the log does not have the cause, or shows a token")
	}
}

// A registration that is refused, fails or is incomplete does not spend a use.
func TestNoUseIsLost(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database, server: server.Config{Registration: server.RegistrationToken}})
		token := s.token(`{"label":"one"}`)
		header := "Authorization: Bearer " + token
		s.register(`{"redirect_uris":["/relative"]}`, header).want(http.StatusBadRequest)
		s.register(`[`, header).want(http.StatusBadRequest)
		s.register(`{`+web+`}`, header, "Content-Type: text/plain").want(http.StatusUnsupportedMediaType)
		s.register(`{"client_name":"`+strings.Repeat("a", 64<<10)+`"}`, header).want(http.StatusRequestEntityTooLarge)
		cutOff(t, s, token)
		s.deploy("fail-trap")
		s.register(`{`+web+`}`, header).want(http.StatusInternalServerError)
		checkMembers(t, s.tokens()[0].(map[string]any), map[string]any{"uses_left": 1})
		s.deploy()
		s.register(`{`+web+`}`, header).want(http.StatusCreated)
		s.register(`{`+web+`}`, header).want(http.StatusUnauthorized)
	})
}

// cutOff begins a registration and disconnects in the middle of its body.
func cutOff(t *testing.T, s *site, token string) {
	t.Helper()
	address := strings.TrimPrefix(s.public.URL, "http://")
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /register HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{%s,", address, token, web)
}

func TestAccessTokens(t *testing.T) {
	issuer := newIssuer(t)
	s := newSite(t, setup{server: server.Config{Registration: server.RegistrationToken, AccessTokens: issuer.verifier}})
	token := issuer.token("", "registration read")
	client := s.register(`{`+web+`}`,
		"Authorization: Bearer "+token).want(http.StatusCreated).json()["client_id"].(string)
	shown := s.call("GET", "/admin/v1/clients/"+client, "").want(http.StatusOK).json()["caller"].(map[string]any)
	checkMembers(t, shown, map[string]any{"auth": "jwt", "issuer": "https://issuer.example", "subject": "pipeline",
		"scopes": []string{"registration", "read"}, "ip": "127.0.0.1"})
	if claims := shown["claims"].(map[string]any); claims["tenant"] != "blue" || claims["sub"] != "pipeline" {
		t.Errorf("got the claims %v", claims)
	}
	stranger := issuer.token("https://stranger.example", "registration")
	s.register(`{`+web+`}`, "Authorization: Bearer "+stranger).want(http.StatusUnauthorized)
	if log := s.log.String(); !strings.Contains(log, "stranger.example\\\" is not trusted") ||
		strings.Contains(log, token) || strings.Contains(log, stranger) {
		t.Errorf("the log does not name the issuer, or shows a token:\n%s", log)
	}
	// If no issuer is trusted, a JWT is an unknown initial access token.
	open := newSite(t, setup{})
	open.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusUnauthorized)
}

// With RegistrationLoopback, a token allows registrations from other machines.
func TestTokenFromBeyondLoopback(t *testing.T) {
	s := newSite(t, setup{server: server.Config{Registration: server.RegistrationLoopback}})
	s.register(`{`+web+`}`, "Host: registrar.example").want(http.StatusUnauthorized)
	s.register(`{`+web+`}`, "Host: registrar.example", "Authorization: Bearer "+s.token(`{"label":"a"}`)).
		want(http.StatusCreated)
}

func TestBadTokensCount(t *testing.T) {
	s := newSite(t, setup{server: server.Config{RateLimit: 0.001, RateBurst: 3,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	for range 3 {
		s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.1",
			"Authorization: Bearer guess").want(http.StatusUnauthorized)
	}
	s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.1", "Authorization: Bearer "+s.token(`{"label":"a"}`)).
		want(http.StatusTooManyRequests)
	s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.2").want(http.StatusCreated)
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	s := newSite(t, setup{})
	request, err := http.NewRequest("POST", s.public.URL+"/register", strings.NewReader(`{`+web+`}`))
	if err != nil {
		t.Fatal(err)
	}
	token := s.token(`{"label":"a","max_uses":0}`)
	request.Header = http.Header{"Content-Type": {"application/json"},
		"Authorization": {"Bearer " + token, "Bearer " + token}}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s, want 401", response.Status)
	}
}

// FuzzAuthorization checks that every header without a valid token gets a 401 with a challenge.
func FuzzAuthorization(f *testing.F) {
	issuer := newIssuer(f)
	s := newSite(f, setup{server: server.Config{Registration: server.RegistrationToken, AccessTokens: issuer.verifier}})
	good := s.token(`{"label":"good","max_uses":0}`)
	signed := issuer.token("", "registration")
	for _, seed := range []string{"", "Bearer", "Bearer ", "Bearer x", "bearer  x=", "Basic YTpi", "Bearer a.b.c",
		"Bearer ..", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + signed + "A", "Bearer " + good + "A",
		"Bearer " + strings.Repeat("=", 9000), "DPoP x", "Bearer\x00x", "é"} {
		f.Add(seed)
	}
	server := s.public.Config.Handler
	f.Fuzz(func(t *testing.T, header string) {
		request := httptest.NewRequest("POST", "/register", strings.NewReader(`{`+web+`}`))
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {header}}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if strings.Contains(header, good) || strings.Contains(header, signed) {
			return // the fuzzer mutated a seed into a valid token
		}
		if answer.Code != http.StatusUnauthorized || answer.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q: got %d %s, want 401 with a challenge", header, answer.Code, answer.Body)
		}
	})
}
