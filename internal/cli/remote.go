package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"registrar/server/adminapi"
)

// remoteFlags say how a command reaches the admin API of a running server.
type remoteFlags struct {
	Server string `placeholder:"URL" help:"${server}"`
	localFlags
	tlsClientFlags
	adminTokenFlags
	outputFlags
}

// api returns a client of the admin API, with its token.
func (f *remoteFlags) api() (*adminapi.API, error) {
	secured, err := f.tlsConfig()
	if err != nil {
		return nil, usageError{err}
	}
	base, err := f.base(secured)
	if err != nil {
		return nil, usageError{err}
	}
	token, err := f.forServer(base.Hostname())
	if f.TLSClientCert != "" && errors.Is(err, errNoToken) {
		token, err = "", nil // the certificate may have roles
	}
	if err != nil {
		return nil, err
	}
	return &adminapi.API{Base: base.String(), Token: token, HTTP: httpClient(3*time.Minute, secured)}, nil
}

// base returns the URL of the admin API: the given one, else that of the server on this machine, whose certificate
// secured then trusts.
func (f *remoteFlags) base(secured *tls.Config) (*url.URL, error) {
	if f.Server == "" {
		u, err := ownURL("--admin-listen", f.AdminListen, f.AdminTLSCert != "")
		if err != nil {
			return nil, fmt.Errorf("%w; or name the server with --server", err)
		}
		return u, f.trust(secured)
	}
	u, err := url.Parse(f.Server)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("--server: must be a URL such as http://127.0.0.1:8081")
	}
	return u, nil
}

// httpClient returns a client that follows no redirects, whose connections over https have this TLS.
func httpClient(timeout time.Duration, secured *tls.Config) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     transport(secured),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
