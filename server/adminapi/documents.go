package adminapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"
)

// documentPath returns the path of a call on the metadata document at a URL.
func documentPath(path, documentURL, reason string) string {
	values := url.Values{"url": {documentURL}}
	if reason != "" {
		values.Set("reason", reason)
	}
	return path + "?" + values.Encode()
}

// RefreshDocument has the server fetch a client's metadata document, even if the stored one is fresh.
func (a *API) RefreshDocument(ctx context.Context, documentURL string) (d MetadataDocument, err error) {
	err = a.do(ctx, http.MethodPost, documentPath(PathDocumentRefresh, documentURL, ""), nil, nil, &d)
	return d, err
}

// PinDocument puts a copy of a client's metadata document in force, and returns the client.
func (a *API) PinDocument(
	ctx context.Context, documentURL string, document jsontext.Value, reason string,
) (c Client, err error) {
	err = a.do(ctx, http.MethodPut, documentPath(PathDocumentPin, documentURL, reason),
		http.Header{"Content-Type": {"application/json"}}, document, &c)
	return c, err
}

// UnpinDocument has a client's metadata document be fetched again, and returns the client.
func (a *API) UnpinDocument(ctx context.Context, documentURL, reason string) (c Client, err error) {
	err = a.do(ctx, http.MethodDelete, documentPath(PathDocumentPin, documentURL, reason), nil, nil, &c)
	return c, err
}

// DocumentHistory returns the last changes of a client's metadata document.
func (a *API) DocumentHistory(ctx context.Context, documentURL string) (h DocumentHistory, err error) {
	err = a.get(ctx, documentPath(PathDocumentHistory, documentURL, ""), &h)
	return h, err
}
