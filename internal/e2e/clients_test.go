package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/server/adminapi"
)

// Each client library of testdata/clients registers and manages clients, at an open issuer and at one that requires an
// initial access token. The clients that its script leaves prove it.
func TestClientLibraries(t *testing.T) {
	t.Parallel()
	folder := installClients(t)
	for _, tt := range []struct {
		library       string
		open, initial []string // names of the clients left at each issuer
		granted       int      // access tokens that they got
	}{
		{"oauth4webapi", []string{"oauth4webapi code", "oauth4webapi key"}, []string{"oauth4webapi initial"}, 2},
		{"openid-client", []string{"openid-client code", "openid-client secret"}, []string{"openid-client initial"}, 2},
		{"openid-client-5", []string{"openid-client-5 code"}, []string{"openid-client-5 initial"}, 1},
		{"mcp-sdk", []string{"mcp-sdk", "mcp-sdk managed"}, []string{"mcp-sdk initial"}, 1},
		{"mcp-client", []string{"mcp-client", "mcp-client managed"}, []string{"mcp-client initial"}, 1},
	} {
		t.Run(tt.library, func(t *testing.T) {
			t.Parallel()
			open, initial := startIssuer(t), startIssuer(t, "--registration=token")
			token := answer[adminapi.InitialAccessToken](t, initial.registrar, "token", "create", "--label=library",
				"--uses=1").Token
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			script := exec.CommandContext(ctx, "node", tt.library+".mjs")
			script.Dir = folder
			script.Env = append(os.Environ(), "OPEN_ISSUER="+open.registrar.public,
				"TOKEN_ISSUER="+initial.registrar.public,
				"INITIAL_ACCESS_TOKEN="+token, "MCP_SERVER="+open.http.URL+"/mcp")
			if out, err := script.CombinedOutput(); err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			open.wantClients(tt.open...)
			initial.wantClients(tt.initial...)
			if got := len(open.tokens); got != tt.granted {
				t.Errorf("%d access tokens granted, want %d", got, tt.granted)
			}
		})
	}
}

// wantClients checks the names of the registered clients.
func (a *authorizationServer) wantClients(want ...string) {
	a.t.Helper()
	var got []string
	for _, client := range answer[adminapi.Clients](a.t, a.registrar, "client", "list").Clients {
		got = append(got, client.Name())
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		a.t.Errorf("registered (-want +got):\n%s", diff)
	}
}

// installClients installs the libraries of the lock file and returns the folder of the scripts.
func installClients(t *testing.T) string {
	t.Helper()
	needs(t, "node", "npm")
	folder := filepath.Join("testdata", "clients")
	if exec.CommandContext(t.Context(), "npm", "--prefix", folder, "ls").Run() == nil {
		return folder // installed already
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v:\n%s", err, out)
	}
	return folder
}
