package adminapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"registrar/internal/app"
	"registrar/server"
	"registrar/server/adminapi"
)

const adminToken = "an-admin-token-for-examples-0123456789"

// startServer starts a server on a new database and returns its base URLs.
func startServer(ctx context.Context) (public, admin string, stop func(), err error) {
	folder, err := os.MkdirTemp("", "registrar-example-")
	if err != nil {
		return "", "", nil, err
	}
	a, err := app.New(ctx, app.Config{
		Database:   "sqlite:" + filepath.Join(folder, "registrar.db"),
		Migrate:    true,
		Server:     server.Config{Registration: server.RegistrationToken},
		AdminToken: adminToken,
		Logger:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", "", nil, errors.Join(err, os.RemoveAll(folder))
	}
	publicServer, adminServer := httptest.NewServer(a.Server.Public()), httptest.NewServer(a.Server.Admin())
	stop = func() {
		publicServer.Close()
		adminServer.Close()
		a.Close(ctx)
		os.RemoveAll(folder)
	}
	return publicServer.URL, adminServer.URL, stop, a.Scripts.Load(ctx)
}

// An administrator creates an initial access token, with which a client registers.
func ExampleAPI() {
	ctx := context.Background()
	public, admin, stop, err := startServer(ctx)
	if err != nil {
		panic(err)
	}
	defer stop()
	api := &adminapi.API{Base: admin, Token: adminToken}

	uses := int64(1)
	token, err := api.CreateInitialAccessToken(ctx, adminapi.NewInitialAccessToken{Label: "CI", MaxUses: &uses})
	if err != nil {
		panic(err)
	}
	body := strings.NewReader(`{"client_name":"Editor","redirect_uris":["https://app.example/cb"]}`)
	request, err := http.NewRequest(http.MethodPost, public+"/register", body)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	response.Body.Close()
	fmt.Println(response.Status)

	page, err := api.Clients(ctx, adminapi.ClientQuery{Q: "Editor"})
	if err != nil {
		panic(err)
	}
	for _, c := range page.Clients {
		fmt.Println(c.Name(), "has a secret:", c.HasSecret)
	}
	// Output:
	// 201 Created
	// Editor has a secret: true
}

// The error of a call that the server refuses is a [adminapi.Problem].
func ExampleProblem() {
	ctx := context.Background()
	_, admin, stop, err := startServer(ctx)
	if err != nil {
		panic(err)
	}
	defer stop()
	api := &adminapi.API{Base: admin, Token: adminToken}
	err = api.DeleteClient(ctx, "unknown")
	if problem, ok := errors.AsType[*adminapi.Problem](err); ok {
		fmt.Println(problem.Status)
	}
	// Output:
	// 404
}
