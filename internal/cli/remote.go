package cli

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"registrar/server/adminapi"
)

// remoteFlags say how a command reaches the admin API of a running server.
type remoteFlags struct {
	Server string `default:"http://127.0.0.1:8081" placeholder:"URL" help:"URL of the admin API. Default ${default}."`
	adminTokenFlags
	outputFlags
}

// api returns a client of the admin API, with its token.
func (f *remoteFlags) api() (*adminapi.API, error) {
	u, err := url.Parse(f.Server)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, usageError{errors.New("--server: must be a URL such as http://127.0.0.1:8081")}
	}
	token, err := f.forServer(u.Hostname())
	if err != nil {
		return nil, err
	}
	return &adminapi.API{Base: f.Server, Token: token, HTTP: httpClient(3 * time.Minute)}, nil
}

// httpClient returns a client that follows no redirects.
func httpClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
