package e2e

import (
	"context"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// protect adds a server of the Model Context Protocol that accepts the access tokens of this authorization server. Its
// only tool returns the client ID of the caller.
func (a *authorizationServer) protect(mux *http.ServeMux, issuer string) {
	server := mcp.NewServer(&mcp.Implementation{Name: "protected", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami"}, func(_ context.Context, r *mcp.CallToolRequest,
		_ struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: r.Extra.TokenInfo.UserID}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		options := &auth.RequireBearerTokenOptions{ResourceMetadataURL: "http://" + r.Host +
			"/.well-known/oauth-protected-resource/mcp"}
		auth.RequireBearerToken(a.verify, options)(handler).ServeHTTP(w, r)
	})
	mux.HandleFunc("/.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, r *http.Request) {
		auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
			Resource: "http://" + r.Host +
				"/mcp", AuthorizationServers: []string{issuer}, ScopesSupported: []string{"read"},
		}).ServeHTTP(w, r)
	})
}

func (a *authorizationServer) verify(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	client, known := a.tokens[token]
	if !known {
		return nil, auth.ErrInvalidToken
	}
	return &auth.TokenInfo{UserID: client, Expiration: time.Now().Add(time.Minute)}, nil
}
