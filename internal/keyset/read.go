package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"registrar/internal/netrule"
)

const (
	maxSet      = 256 << 10       // bytes of a JWK set
	readTimeout = 3 * time.Second // of one attempt to read it
)

// reader returns a function that reads a source. remote reports whether the source is a URL.
func reader(
	source string, transport http.RoundTripper,
) (read func(context.Context) ([]byte, error), remote bool, err error) {
	lower := strings.ToLower(source)
	if !strings.HasPrefix(lower, "https:") && !strings.HasPrefix(lower, "http:") {
		if source == "" {
			return nil, false, errors.New("the source of the keys is missing: name a file or an https URL")
		}
		return func(context.Context) ([]byte, error) { return readFile(source) }, false, nil
	}
	if err := checkURL(source); err != nil {
		return nil, false, err
	}
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxResponseHeaderBytes = maxSet
		transport = own
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) ([]byte, error) { return fetch(ctx, client, source) }, true, nil
}

// checkURL checks that the keys cannot be modified in transit.
func checkURL(source string) error {
	u, err := url.Parse(source)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("the source of the keys is not a URL such as https://issuer.example/jwks.json")
	case u.User != nil:
		return errors.New("the URL of the keys must not contain a user or a password")
	case u.Scheme == "http" && !netrule.IsLoopback(u.Hostname()):
		return fmt.Errorf("the URL of the keys, %s, must be https unless its host is loopback", source)
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f)
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: it is %s", errStatus, response.Status) // redirects are not followed
	}
	return bounded(response.Body)
}

func bounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSet+1))
	if err == nil && len(b) > maxSet {
		err = fmt.Errorf("%w: more than %d bytes", errTooLarge, maxSet)
	}
	return b, err
}
