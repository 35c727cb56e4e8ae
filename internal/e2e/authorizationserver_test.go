package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/server/adminapi"
)

// An authorizationServer issues access tokens to registered clients. It looks clients up through the admin API, as an
// authorization server beside registrar does.
type authorizationServer struct {
	t         *testing.T
	registrar *process // at the issuer
	api       adminapi.API
	http      *httptest.Server

	mu     sync.Mutex
	codes  map[string]url.Values // authorization requests, by unused code
	tokens map[string]string     // client IDs, by access token
}

// startIssuer starts an authorization server, and a registrar that publishes its metadata.
func startIssuer(t *testing.T, args ...string) *authorizationServer {
	t.Helper()
	address := freePort(t)
	a := &authorizationServer{t: t, codes: map[string]url.Values{}, tokens: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", a.authorize)
	mux.HandleFunc("POST /token", a.token)
	a.protect(mux, "http://"+address)
	a.http = httptest.NewServer(mux)
	t.Cleanup(a.http.Close)

	document, err := json.Marshal(map[string]any{
		"issuer":                                "http://" + address,
		"authorization_endpoint":                a.http.URL + "/authorize",
		"token_endpoint":                        a.http.URL + "/token",
		"jwks_uri":                              a.http.URL + "/jwks",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"grant_types_supported": []string{"authorization_code", "refresh_token",
			"client_credentials"},
		"code_challenge_methods_supported": []string{"S256"},
		"scopes_supported":                 []string{"read", "write"},
		"token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic",
			"client_secret_post", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256"},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.registrar = start(t, t.TempDir(), append([]string{"--listen=" + address, "--issuer=http://" + address,
		"--discovery-document=" + servertest.File(t, "discovery.json", string(document))}, args...)...)
	token, err := os.ReadFile(filepath.Join(a.registrar.folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	a.api = adminapi.API{Base: a.registrar.admin, Token: strings.TrimSpace(string(token)),
		HTTP: &http.Client{Timeout: patience}}
	return a
}

// A registered is the client metadata that an authorization server needs.
type registered struct {
	ID           string
	RedirectURIs []string           `json:"redirect_uris"`
	GrantTypes   []string           `json:"grant_types"`
	AuthMethod   string             `json:"token_endpoint_auth_method"`
	Scope        string             `json:"scope"`
	JWKS         jose.JSONWebKeySet `json:"jwks"`
}

func (a *authorizationServer) client(r *http.Request, id string) (registered, error) {
	c, err := a.api.Client(r.Context(), id)
	if err != nil {
		return registered{}, err
	}
	client := registered{ID: id}
	return client, json.Unmarshal(c.Metadata, &client)
}

// authorize is the authorization endpoint of a user who consents at once.
func (a *authorizationServer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	client, err := a.client(r, q.Get("client_id"))
	if err != nil || !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" {
		http.Error(w, fmt.Sprintf("client %+v (%v): unexpected request %v", client, err, q), http.StatusBadRequest)
		return
	}
	code := rand.Text()
	a.mu.Lock()
	a.codes[code] = q
	a.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(),
		http.StatusFound)
}

// token is the token endpoint.
func (a *authorizationServer) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	client, err := a.authenticate(r)
	if err == nil {
		err = a.allow(client, r)
	}
	if err != nil {
		a.t.Logf("the token endpoint refuses: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, `{"error":"invalid_grant"}`)
		return
	}
	token := rand.Text()
	a.mu.Lock()
	a.tokens[token] = client.ID
	a.mu.Unlock()
	fmt.Fprintf(w, `{"access_token":"%s","token_type":"Bearer","expires_in":600,"scope":"%s"}`+"\n", token,
		client.Scope)
}

// authenticate requires the method that the client registered.
func (a *authorizationServer) authenticate(r *http.Request) (registered, error) {
	id, secret, basic := r.BasicAuth()
	assertion := r.PostFormValue("client_assertion")
	method := "none"
	switch {
	case basic: // RFC 6749 §2.3.1: both are form-encoded
		method = "client_secret_basic"
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	case assertion != "":
		method, id = "private_key_jwt", r.PostFormValue("client_id")
	default:
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
		if secret != "" {
			method = "client_secret_post"
		}
	}
	client, err := a.client(r, id)
	if err != nil {
		return client, err
	}
	if method != client.AuthMethod {
		return client, fmt.Errorf("%s authenticates by %s, but registered %s", id, method, client.AuthMethod)
	}
	switch method {
	case "private_key_jwt":
		return client, checkAssertion(client, assertion)
	case "none":
		return client, nil
	}
	return client, a.verifySecret(id, secret)
}

func checkAssertion(client registered, assertion string) error {
	parsed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := parsed.Claims(client.JWKS, &claims); err != nil {
		return err
	}
	return claims.Validate(jwt.Expected{Issuer: client.ID, Subject: client.ID, Time: time.Now()})
}

func (a *authorizationServer) verifySecret(id, secret string) error {
	body, err := json.Marshal(map[string]string{"client_secret": secret})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost,
		a.api.Base+"/admin/v1/clients/"+url.PathEscape(id)+"/verify-secret", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + a.api.Token}}
	response, err := a.api.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var verdict struct {
		Valid bool `json:"valid"`
	}
	if err := json.UnmarshalRead(response.Body, &verdict); err != nil {
		return fmt.Errorf("verifying the secret of %s: status %d: %w", id, response.StatusCode, err)
	}
	if !verdict.Valid {
		return fmt.Errorf("the secret of %s is not valid: status %d", id, response.StatusCode)
	}
	return nil
}

// allow checks the grant. A code is valid once, for the client that requested it (RFC 7636 §4.6).
func (a *authorizationServer) allow(client registered, r *http.Request) error {
	grant := r.PostFormValue("grant_type")
	if !slices.Contains(client.GrantTypes, grant) {
		return fmt.Errorf("%s is not registered for the grant %q", client.ID, grant)
	}
	if grant == "client_credentials" {
		return nil
	}
	a.mu.Lock()
	asked := a.codes[r.PostFormValue("code")]
	delete(a.codes, r.PostFormValue("code"))
	a.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if asked == nil || asked.Get("client_id") != client.ID ||
		asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
		return errors.New("not a code of this client")
	}
	return nil
}
