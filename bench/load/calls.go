package load

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"

	"github.com/valyala/fasthttp"

	"registrar/server/adminapi"
)

// Calls are the requests of a load, numbered from 0. Their functions must be safe for concurrent use.
type Calls struct {
	Number int // of requests, after which the load ends; 0 means that there is no bound
	// Request fills in request number i. The request has the URL of the target, or what Request filled in before.
	Request func(i int, r *fasthttp.Request)
	// Check returns why the response to request number i is wrong. id is what no other response may have; nil means
	// nothing.
	Check func(i, status int, answer []byte) (id []byte, err error)
}

// registrations returns calls that register clients, with [Body] if body is nil.
func registrations(body func(i int) []byte) *Calls {
	if body == nil {
		body = Body
	}
	return &Calls{
		Request: func(i int, r *fasthttp.Request) {
			r.Header.SetMethod(http.MethodPost)
			r.Header.SetContentType("application/json")
			r.SetBodyRaw(body(i))
		},
		Check: func(_, status int, answer []byte) ([]byte, error) {
			id := clientID(answer)
			if status != http.StatusCreated || id == nil {
				return nil, wrong(status, answer)
			}
			return id, nil
		},
	}
}

// A Client is a client that exists. The load tool calls for it.
type Client struct {
	ID     string
	Secret string // "" if it has none
	Token  string // its registration access token
}

// LookUps returns calls of the admin API that look up clients by their IDs, in turn.
func LookUps(clients []Client, token string) *Calls {
	return &Calls{
		Request: func(i int, r *fasthttp.Request) {
			r.Header.SetMethod(http.MethodGet)
			r.Header.Set("Authorization", "Bearer "+token)
			r.URI().SetPath(adminapi.PathClients + "/" + clients[i%len(clients)].ID)
		},
		Check: func(i, status int, answer []byte) ([]byte, error) {
			if status != http.StatusOK || string(clientID(answer)) != clients[i%len(clients)].ID ||
				!bytes.Contains(answer, []byte(`"redirect_uris":["`)) {
				return nil, wrong(status, answer)
			}
			return nil, nil
		},
	}
}

// Verifications returns calls of the admin API that verify the secrets of clients, in turn; each once if once is set.
func Verifications(clients []Client, token string, once bool) *Calls {
	c := &Calls{
		Request: func(i int, r *fasthttp.Request) {
			client := clients[i%len(clients)]
			r.Header.SetMethod(http.MethodPost)
			r.Header.SetContentType("application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			r.URI().SetPath(adminapi.PathClients + "/" + client.ID + "/verify-secret")
			r.SetBodyString(`{"client_secret":"` + client.Secret + `"}`)
		},
		Check: func(_, status int, answer []byte) ([]byte, error) {
			if status != http.StatusOK || !bytes.Contains(answer, []byte(`"valid":true`)) {
				return nil, wrong(status, answer)
			}
			return nil, nil
		},
	}
	if once {
		c.Number = len(clients)
	}
	return c
}

// Updates returns calls that replace the metadata of clients (RFC 7592 §2.2), in turn, by those of [Body].
func Updates(clients []Client) *Calls {
	return &Calls{
		Request: func(i int, r *fasthttp.Request) {
			client := clients[i%len(clients)]
			r.Header.SetMethod(http.MethodPut)
			r.Header.SetContentType("application/json")
			r.Header.Set("Authorization", "Bearer "+client.Token)
			r.URI().SetPath("/register/" + client.ID)
			r.SetBodyRaw(append([]byte(`{"client_id":"`+client.ID+`",`), Body(i)[1:]...))
		},
		Check: func(i, status int, answer []byte) ([]byte, error) {
			want := fmt.Appendf(nil, `"client_name":"Example Application %d"`, i)
			if status != http.StatusOK || string(clientID(answer)) != clients[i%len(clients)].ID ||
				!bytes.Contains(answer, want) {
				return nil, wrong(status, answer)
			}
			return nil, nil
		},
	}
}

// clientID returns the client_id of a response, nil if there is none. Quotes within strings are escaped, so that the
// search cannot match inside the value of another member.
func clientID(answer []byte) []byte {
	_, rest, found := bytes.Cut(answer, []byte(`"client_id":`))
	if !found {
		return nil
	}
	rest, found = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	end := bytes.IndexByte(rest, '"')
	if !found || end < 1 {
		return nil
	}
	return rest[:end]
}

var secrets = regexp.MustCompile(`("(?:client_secret|registration_access_token)"\s*:\s*")[^"]*`)

// wrong returns an error that quotes the beginning of a response without its secrets.
func wrong(status int, answer []byte) error {
	answer = secrets.ReplaceAll(answer, []byte("${1}[redacted]"))
	return fmt.Errorf("the response is %d: %s", status, cmp.Or(string(answer[:min(len(answer), 500)]), "empty"))
}
