package adminapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/scripts"
)

// An API is a client for the admin API of a server. Its methods return a *[Problem] if the server responds with an
// error.
type API struct {
	Base  string       // URL of the admin listener, such as http://127.0.0.1:8081
	Token string       // an admin token; "" means that the client certificate of HTTP has roles
	HTTP  *http.Client // nil means one with a timeout of three minutes, enough to compile a module
}

// Upload uploads a module under a name. signature is the content of a .minisig file; "" means none. If the server
// already has the bytes, Upload returns the stored module.
func (a *API) Upload(ctx context.Context, name string, wasm []byte, signature string) (m scripts.Module, err error) {
	header := http.Header{"Content-Type": {"application/wasm"}}
	if signature != "" {
		header.Set(SignatureHeader, base64.StdEncoding.EncodeToString([]byte(signature)))
	}
	err = a.do(ctx, http.MethodPost, PathModules+"?name="+url.QueryEscape(name), header, wasm, &m)
	return m, err
}

// Modules lists the modules, newest first.
func (a *API) Modules(ctx context.Context) ([]scripts.Module, error) {
	var m Modules
	err := a.get(ctx, PathModules, &m)
	return m.Modules, err
}

// Module returns one module.
func (a *API) Module(ctx context.Context, digest string) (m scripts.Module, err error) {
	err = a.get(ctx, fill(PathModule, digest), &m)
	return m, err
}

// ModuleBytes returns the bytes of a module, as they were uploaded.
func (a *API) ModuleBytes(ctx context.Context, digest string) (wasm []byte, err error) {
	err = a.get(ctx, fill(PathModuleBytes, digest), &wasm)
	return wasm, err
}

// DeleteModule deletes a module that no recent deployment uses.
func (a *API) DeleteModule(ctx context.Context, digest string) error {
	return a.do(ctx, http.MethodDelete, fill(PathModule, digest), nil, nil, nil)
}

// Deploy appends a deployment and puts it into force.
func (a *API) Deploy(ctx context.Context, d NewDeployment) (created scripts.Deployment, err error) {
	err = a.post(ctx, PathDeployments, d, &created)
	return created, err
}

// Deployments lists the latest deployments, newest first.
func (a *API) Deployments(ctx context.Context) ([]scripts.Deployment, error) {
	var d Deployments
	err := a.get(ctx, PathDeployments, &d)
	return d.Deployments, err
}

// CurrentDeployment returns the deployment in force, number 0 before the first.
func (a *API) CurrentDeployment(ctx context.Context) (d scripts.Deployment, err error) {
	err = a.get(ctx, PathCurrentDeployment, &d)
	return d, err
}

// Deployment returns the deployment of a number.
func (a *API) Deployment(ctx context.Context, number int64) (d scripts.Deployment, err error) {
	err = a.get(ctx, fill(PathDeployment, strconv.FormatInt(number, 10)), &d)
	return d, err
}

// Replicas lists the servers on the database, the oldest first.
func (a *API) Replicas(ctx context.Context) ([]scripts.Replica, error) {
	var list Replicas
	err := a.get(ctx, PathReplicas, &list)
	return list.Replicas, err
}

// DryRun runs a registration without storing it.
func (a *API) DryRun(ctx context.Context, d DryRun) (run scripts.DryRun, err error) {
	err = a.post(ctx, PathDryRun, d, &run)
	return run, err
}

// CreateInitialAccessToken creates an initial access token. Only its result holds the token itself.
func (a *API) CreateInitialAccessToken(
	ctx context.Context, t NewInitialAccessToken,
) (created InitialAccessToken, err error) {
	err = a.post(ctx, PathInitialAccessTokens, t, &created)
	return created, err
}

// InitialAccessTokens lists the initial access tokens, newest first.
func (a *API) InitialAccessTokens(ctx context.Context) ([]InitialAccessToken, error) {
	var list InitialAccessTokens
	err := a.get(ctx, PathInitialAccessTokens, &list)
	return list.Tokens, err
}

// DeleteInitialAccessToken revokes an initial access token.
func (a *API) DeleteInitialAccessToken(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, fill(PathInitialAccessToken, id), nil, nil, nil)
}

// Shadows returns what a script in shadow mode would have done, with at most limit differences. An empty name means all
// scripts.
func (a *API) Shadows(ctx context.Context, script string, limit int) ([]scripts.Shadow, error) {
	var list Shadows
	query := url.Values{"script": {script}, "limit": {strconv.Itoa(limit)}}
	err := a.get(ctx, PathShadows+"?"+query.Encode(), &list)
	return list.Shadows, err
}

func (a *API) get(ctx context.Context, path string, answer any) error {
	return a.do(ctx, http.MethodGet, path, nil, nil, answer)
}

func (a *API) post(ctx context.Context, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing the request: %w", err)
	}
	return a.do(ctx, http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, b, answer)
}

// maxAnswer bounds a response, in bytes.
const maxAnswer = 64 << 20

// do makes one call, and decodes the response into answer unless that is nil. A *[]byte takes the response as it is.
func (a *API) do(ctx context.Context, method, path string, header http.Header, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the server's address %s: %w", a.Base, err)
	}
	maps.Copy(request.Header, header)
	if a.Token != "" {
		request.Header.Set("Authorization", "Bearer "+a.Token)
	}
	client := cmp.Or(a.HTTP, &http.Client{Timeout: 3 * time.Minute})
	response, err := client.Do(request)
	if err != nil {
		return unreached(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	if response.StatusCode >= 300 {
		return problem(response, b)
	}
	if answer == nil {
		return nil
	}
	if raw, ok := answer.(*[]byte); ok {
		*raw = b
		return nil
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}

// unreached returns the error of a request without a response.
func unreached(err error) error {
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return fmt.Errorf("no server found: %w: name its admin address with --server", err)
	}
	return fmt.Errorf("reaching the server: %w", err)
}

func problem(response *http.Response, body []byte) error {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Status == 0 {
		return fmt.Errorf("the server answered %s, which is not an admin API response: is --server its admin address?",
			response.Status)
	}
	return &p
}
