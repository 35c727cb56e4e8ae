package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A ClientQuery selects clients that match all of its fields. Zero values match all clients, but for Status.
type ClientQuery struct {
	Limit int    // at most MaxPage; 0 means DefaultPage
	After string // the Next of the previous page; "" means from the last registered client

	Status           string    // active, disabled or any; "" means active
	Q                string    // a prefix of the ID or a part of the name
	Name             string    // a part of the name
	SoftwareID       string    // the software_id
	CallerTokenID    string    // the token_id of the caller that registered the client
	CallerIssuer     string    // the issuer of its token
	CallerSubject    string    // the subject of its token
	CallerNetwork    string    // has its address: 192.0.2.0/24, or an address
	RegisteredAfter  time.Time // at this time or later
	RegisteredBefore time.Time
	NeverSeen        bool
	Kind             string // registered or document; "" means both
}

// values returns the query of a call.
func (q ClientQuery) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"after": q.After, "status": q.Status, "q": q.Q, "name": q.Name,
		"software_id": q.SoftwareID, "caller_token_id": q.CallerTokenID, "caller_issuer": q.CallerIssuer,
		"caller_subject": q.CallerSubject, "kind": q.Kind, "caller_network": q.CallerNetwork} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"registered_after": q.RegisteredAfter,
		"registered_before": q.RegisteredBefore} {
		if !at.IsZero() {
			values.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if q.Limit != 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.NeverSeen {
		values.Set("never_seen", "true")
	}
	return values
}

// Clients returns a page of clients, the last registered first.
func (a *API) Clients(ctx context.Context, q ClientQuery) (page Clients, err error) {
	err = a.get(ctx, PathClients+"?"+q.values().Encode(), &page)
	return page, err
}

// Client returns one client if it is active. Of another one, the error is a [*Problem] with the status 404.
func (a *API) Client(ctx context.Context, id string) (c Client, err error) {
	err = a.get(ctx, fill(PathClient, id), &c)
	return c, err
}

// ClientOfAnyStatus returns one client, active or not. The role lookup does not suffice for it.
func (a *API) ClientOfAnyStatus(ctx context.Context, id string) (c Client, err error) {
	err = a.get(ctx, fill(PathClient, id)+"?status=any", &c)
	return c, err
}

// A ClientWrite says how a client is created or updated.
type ClientWrite struct {
	Reason    string // kept with the client, at most 500 characters; "" means none
	NoScripts bool   // run the steps without scripts
}

// path adds the query of a call to its path.
func (w ClientWrite) path(path string) string {
	values := url.Values{}
	if w.Reason != "" {
		values.Set("reason", w.Reason)
	}
	if w.NoScripts {
		values.Set("no_scripts", "true")
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// CreateClient registers a client with this metadata, which may have a client_id and a client_secret. It returns the
// client information response of RFC 7591 §3.2.1, which shows the secret and the registration access token once.
func (a *API) CreateClient(ctx context.Context, metadata jsontext.Value, w ClientWrite) (jsontext.Value, error) {
	return a.write(ctx, http.MethodPost, w.path(PathClients), "application/json", metadata)
}

// ReplaceClient replaces the metadata of a client: members that are left out return to their defaults. Its response is
// that of CreateClient, with a secret only if the client got one.
func (a *API) ReplaceClient(
	ctx context.Context, id string, metadata jsontext.Value, w ClientWrite,
) (jsontext.Value, error) {
	return a.write(ctx, http.MethodPut, w.path(fill(PathClient, id)), "application/json", metadata)
}

// PatchClient changes the metadata of a client by a JSON Merge Patch (RFC 7396). Its response is that of ReplaceClient.
func (a *API) PatchClient(ctx context.Context, id string, patch jsontext.Value, w ClientWrite) (jsontext.Value, error) {
	return a.write(ctx, http.MethodPatch, w.path(fill(PathClient, id)), "application/merge-patch+json", patch)
}

func (a *API) write(ctx context.Context, method, path, mediaType string, body []byte) (jsontext.Value, error) {
	var answer []byte
	err := a.do(ctx, method, path, http.Header{"Content-Type": {mediaType}}, body, &answer)
	return answer, err
}

// DeleteClient deletes a client.
func (a *API) DeleteClient(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, fill(PathClient, id), nil, nil, nil)
}

// DisableClient disables a client, and returns it.
func (a *API) DisableClient(ctx context.Context, id, reason string) (c Client, err error) {
	err = a.post(ctx, fill(PathDisable, id), StatusChange{Reason: reason}, &c)
	return c, err
}

// EnableClient makes a disabled client active, and returns it.
func (a *API) EnableClient(ctx context.Context, id, reason string) (c Client, err error) {
	err = a.post(ctx, fill(PathEnable, id), StatusChange{Reason: reason}, &c)
	return c, err
}

// RotateSecret gives a client a new secret.
func (a *API) RotateSecret(ctx context.Context, id string, r RotateSecret) (rotated RotatedSecret, err error) {
	err = a.post(ctx, fill(PathRotateSecret, id), r, &rotated)
	return rotated, err
}

// VerifySecret reports whether a secret authenticates a client.
func (a *API) VerifySecret(ctx context.Context, id, secret string) (bool, error) {
	var verified VerifiedSecret
	err := a.post(ctx, fill(PathVerifySecret, id), VerifySecret{ClientSecret: secret}, &verified)
	return verified.Valid, err
}

// ReissueToken gives a client a new registration access token.
func (a *API) ReissueToken(ctx context.Context, id, reason string) (t ReissuedToken, err error) {
	err = a.post(ctx, fill(PathReissueToken, id), StatusChange{Reason: reason}, &t)
	return t, err
}
