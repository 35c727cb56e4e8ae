package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"registrar/server/adminapi"
)

// remoteFlags say how a command reaches the admin API of a running server. AdminListen is the server's own flag, so that
// its environment or configuration file leads to it.
type remoteFlags struct {
	Server      string `placeholder:"URL" help:"URL of the admin API. Defaults to the server's --admin-listen, as $$REGISTRAR_ADMIN_LISTEN or the configuration file has it, else to http://127.0.0.1:8081."`
	AdminListen string `hidden:"" default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address of the admin API."`
	adminTokenFlags
	outputFlags
}

// api returns a client of the admin API, with its token.
func (f *remoteFlags) api() (*adminapi.API, error) {
	base, err := f.base()
	if err != nil {
		return nil, usageError{err}
	}
	token, err := f.forServer(base.Hostname())
	if err != nil {
		return nil, err
	}
	return &adminapi.API{Base: base.String(), Token: token, HTTP: httpClient(3 * time.Minute)}, nil
}

// base returns the URL of the admin API.
func (f *remoteFlags) base() (*url.URL, error) {
	if f.Server == "" {
		u, err := ownURL("--admin-listen", f.AdminListen, false)
		if err != nil {
			return nil, fmt.Errorf("%w; or name the server with --server", err)
		}
		return u, nil
	}
	u, err := url.Parse(f.Server)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("--server: must be a URL such as http://127.0.0.1:8081")
	}
	return u, nil
}

// httpClient returns a client that follows no redirects.
func httpClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
