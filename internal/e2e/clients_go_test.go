package e2e

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"registrar/server/adminapi"
)

// goClient returns the metadata of a public client that the Go SDK registers.
func goClient(name string, redirectURIs ...string) *oauthex.ClientRegistrationMetadata {
	return &oauthex.ClientRegistrationMetadata{ClientName: name, RedirectURIs: redirectURIs,
		TokenEndpointAuthMethod: "none",
		GrantTypes:              []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}}
}

const goRedirect = "http://127.0.0.1:3142/callback"

// The Go SDK of MCP connects to a server that requires an access token: it discovers the issuer and registers there.
func TestGoSDKConnects(t *testing.T) {
	t.Parallel()
	issuer := startIssuer(t)
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: goClient("go-sdk",
			goRedirect)},
		AuthorizationCodeFetcher: consent,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: issuer.http.URL + "/mcp",
		OAuthHandler: handler}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		t.Fatal(err)
	}
	clients := answer[adminapi.Clients](t, issuer.registrar, "client", "list").Clients
	if len(clients) != 1 || clients[0].Name() != "go-sdk" || clients[0].HasSecret ||
		!strings.Contains(string(clients[0].Metadata), `"application_type":"native"`) {
		t.Fatalf("registered: %+v", clients)
	}
	if text, ok := result.Content[0].(*mcp.TextContent); !ok || text.Text != clients[0].ClientID {
		t.Errorf("whoami: got %+v, want %s", result.Content[0], clients[0].ClientID)
	}
}

// consent follows an authorization URL as a user's browser would, up to the client's redirect URI.
func consent(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	back, err := response.Location()
	if err != nil {
		return nil, err
	}
	return &auth.AuthorizationResult{Code: back.Query().Get("code"), State: back.Query().Get("state")}, nil
}

func TestGoSDKRegisters(t *testing.T) {
	t.Parallel()
	issuer := startIssuer(t)
	metadata, err := auth.GetAuthServerMetadata(t.Context(), issuer.registrar.public, http.DefaultClient)
	if err != nil || metadata == nil {
		t.Fatal(metadata, err)
	}
	client, err := oauthex.RegisterClient(t.Context(), metadata.RegistrationEndpoint,
		&oauthex.ClientRegistrationMetadata{ClientName: "go-sdk web", RedirectURIs: []string{"https://app.example/cb"},
			Scope: "read write"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if client.ClientSecret == "" || !client.ClientSecretExpiresAt.IsZero() || client.ClientIDIssuedAt.IsZero() ||
		client.TokenEndpointAuthMethod != "client_secret_basic" || client.Scope != "read write" || client.JWKS != "" {
		t.Errorf("got %+v", client)
	}
	if err := issuer.verifySecret(client.ClientID, client.ClientSecret); err != nil {
		t.Error(err)
	}

	_, err = oauthex.RegisterClient(t.Context(), metadata.RegistrationEndpoint,
		goClient("go-sdk", "https://app.example/cb#fragment"), nil)
	refusal, ok := errors.AsType[*oauthex.ClientRegistrationError](err)
	if !ok || refusal.ErrorCode != "invalid_redirect_uri" ||
		!strings.HasPrefix(refusal.ErrorDescription, "redirect_uris[0]") {
		t.Errorf("a fragment: got %v", err)
	}
	issuer.wantClients("go-sdk web")
}

// The Go SDK accepts an initial access token only through its HTTP client, and cannot manage a registration.
func TestGoSDKWithInitialAccessToken(t *testing.T) {
	t.Parallel()
	issuer := startIssuer(t, "--registration=token")
	token := answer[adminapi.InitialAccessToken](t, issuer.registrar, "token", "create", "--label=library",
		"--uses=1").Token
	register := func(c *http.Client) error {
		_, err := oauthex.RegisterClient(t.Context(), issuer.registrar.public+"/register",
			goClient("go-sdk", goRedirect), c)
		return err
	}
	for name, c := range map[string]*http.Client{"no token": http.DefaultClient,
		"another token": {Transport: bearerTransport("another")}} {
		if err := register(c); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") ||
			!strings.Contains(err.Error(), "invalid_token") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := register(&http.Client{Transport: bearerTransport(token)}); err != nil {
		t.Error(err)
	}
	if err := register(&http.Client{Transport: bearerTransport(token)}); err == nil ||
		!strings.Contains(err.Error(), "401 Unauthorized") {
		t.Errorf("a second use: got %v", err)
	}
	issuer.wantClients("go-sdk")
}

// A bearerTransport sends a token with each request.
type bearerTransport string

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
