// Package adminapi defines the wire types and the paths of the admin API, and a client for it. The server and the
// command line share it, so that they cannot differ. docs/http.md describes the calls.
package adminapi

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
)

// SignatureHeader carries a module's minisign signature in an upload: the .minisig file in base64.
const SignatureHeader = "Registrar-Signature"

// A Problem is an error response of the admin API (RFC 9457), with the media type application/problem+json.
type Problem struct {
	Type      string   `json:"type"`             // always "about:blank", which means that Status is the type
	Title     string   `json:"title"`            // the text of the status
	Status    int      `json:"status"`           // the HTTP status
	Detail    string   `json:"detail,omitzero"`  // what is wrong, and what would be right
	Reasons   []string `json:"reasons,omitzero"` // why a module, a deployment or a document was rejected
	RequestID string   `json:"request_id,omitzero"`

	Document *DocumentFailure `json:"document,omitzero"` // why a metadata document, or its keys, cannot be had
}

// A DocumentFailure tells why a metadata document, or the keys of one, cannot be had. It has nothing of what the host
// sent.
type DocumentFailure struct {
	Code   string `json:"code"`            // one of docs/documents.md, which do not change
	Status int    `json:"status,omitzero"` // of the host's answer; 0 means that there was none
	Size   int64  `json:"size,omitzero"`   // of a document that is too large, in bytes, as far as it is known
	Family string `json:"family,omitzero"` // of the host's address: ipv4 or ipv6; "" means none
}

// Error returns the detail, followed by the reasons, one per line.
func (p *Problem) Error() string {
	s := cmp.Or(p.Detail, p.Title)
	for _, reason := range p.Reasons {
		s += "\n  - " + reason
	}
	return s
}

// A NewDeployment requests a deployment of new scripts or a copy of an older deployment.
type NewDeployment struct {
	Scripts   []scripts.Script `json:"scripts,omitzero"`
	CopyOf    int64            `json:"copy_of,omitzero"`    // number of a deployment to copy; excludes Scripts
	IfCurrent *int64           `json:"if_current,omitzero"` // number that must be in force, 0 before the first; nil: any
	Comment   string           `json:"comment,omitzero"`
}

// Deployments is a list of deployments, newest first.
type Deployments struct {
	Deployments []scripts.Deployment `json:"deployments"`
}

// Replicas lists the servers on one database, the oldest first.
type Replicas struct {
	Replicas []scripts.Replica `json:"replicas"`
}

// Shadows lists what scripts in shadow mode would have done, the newest deployment first.
type Shadows struct {
	Shadows []scripts.Shadow `json:"shadows"`
}

// Modules is a list of modules, newest first.
type Modules struct {
	Modules []scripts.Module `json:"modules"`
}

// A DryRun requests a registration that is not stored. The response is a [scripts.DryRun].
type DryRun struct {
	Request jsontext.Value   `json:"request"`          // metadata, as a client sends it
	Caller  jsontext.Value   `json:"caller,omitzero"`  // as read_caller returns it to scripts; nil means no token
	Scripts []scripts.Script `json:"scripts,omitzero"` // nil means the scripts in force
}

// A Client is a registered client. It never holds a secret.
type Client struct {
	ClientID        string         `json:"client_id"`
	IssuedAt        time.Time      `json:"issued_at"`
	SecretExpiresAt *time.Time     `json:"secret_expires_at,omitzero"` // nil means never, or no secret
	HasSecret       bool           `json:"has_secret"`
	Metadata        jsontext.Value `json:"metadata"`
	Caller          jsontext.Value `json:"caller"`
	Deployment      int64          `json:"deployment"` // in force when the client was registered; 0 means none
	Acts            jsontext.Value `json:"acts"`       // a list of engine.Act

	FormerSecretExpiresAt *time.Time `json:"former_secret_expires_at,omitzero"` // of the previous secret; nil means none
	Updated               *Update    `json:"updated,omitzero"`                  // the last update; nil means none
	SeenAt                *time.Time `json:"seen_at,omitzero"`                  // last known use; nil means never

	Status    string         `json:"status"`              // an engine.Status: active or disabled
	AdminActs jsontext.Value `json:"admin_acts,omitzero"` // a list of engine.AdminAct; nil means none

	Kind     string    `json:"kind"`              // an engine.Kind: registered or document
	Document *Document `json:"document,omitzero"` // of a client with a metadata document; else nil
}

// A Document is what is known of a client's metadata document.
type Document struct {
	Kept       bool       `json:"kept"`                 // whether it is stored; else the next look-up fetches it
	Digest     string     `json:"digest,omitzero"`      // of the last good one, "sha256:" and 64 hex digits; "" means none
	FetchedAt  *time.Time `json:"fetched_at,omitzero"`  // or validated; nil means never
	FreshUntil *time.Time `json:"fresh_until,omitzero"` // when the next look-up fetches it; nil means that it is pinned
	PinnedAt   *time.Time `json:"pinned_at,omitzero"`   // since when an operator's copy is in force; nil means none
	Origin
	Staleness
}

// An Origin tells where a client with a metadata document is from and sends users to, for consent.
type Origin struct {
	ClientHost    string   `json:"client_host"`    // of the client_id, with its port
	RedirectHosts []string `json:"redirect_hosts"` // of redirect_uris, without ports, each once
	LoopbackOnly  bool     `json:"loopback_only"`  // all redirect_uris are on loopback; any program may get the code
}

// A Staleness tells whether the last good copy of a metadata document serves because it cannot be fetched.
type Staleness struct {
	Stale   bool             `json:"stale,omitzero"`
	Failure *DocumentFailure `json:"failure,omitzero"` // why it was not fetched; nil unless Stale
}

// An Update is a client's last RFC 7592 update, or the last rotation of its secret if that was later.
type Update struct {
	At         time.Time      `json:"at"`
	Deployment int64          `json:"deployment"` // in force at that time; 0 means none
	Acts       jsontext.Value `json:"acts"`       // a list of engine.Act
}

// RotateSecret requests a new secret.
type RotateSecret struct {
	Grace        *int64 `json:"grace,omitzero"`         // seconds for which the old secret stays valid; nil means 86,400
	ClientSecret string `json:"client_secret,omitzero"` // the new secret; "" means that generate_secret makes it
	Reason       string `json:"reason,omitzero"`        // kept with the client; at most 500 characters
}

// A RotatedSecret is a new secret, which is shown only once. Times are in seconds since 1970.
type RotatedSecret struct {
	ClientID              string `json:"client_id"`
	ClientSecret          string `json:"client_secret"`
	ClientSecretExpiresAt int64  `json:"client_secret_expires_at"`          // 0 means never
	FormerSecretExpiresAt *int64 `json:"former_secret_expires_at,omitzero"` // nil means that the old secret is invalid
}

// VerifySecret asks whether a secret authenticates a client.
type VerifySecret struct {
	ClientSecret string `json:"client_secret"`
}

// A VerifiedSecret is the response to VerifySecret.
type VerifiedSecret struct {
	Valid bool `json:"valid"`
}

// Seen marks clients as in use: at most 1,000. IDs that no active client has are ignored.
type Seen struct {
	ClientIDs []string `json:"client_ids"`
}

// A MetadataDocument is a client whose ID is the URL of its metadata, after the steps and scripts in force.
type MetadataDocument struct {
	ClientID   string         `json:"client_id"`           // the URL
	Metadata   jsontext.Value `json:"metadata"`            // as the response to a registration
	Deployment int64          `json:"deployment"`          // in force; 0 means none
	Acts       jsontext.Value `json:"acts"`                // a list of engine.Act
	ExpiresAt  *time.Time     `json:"expires_at,omitzero"` // when it, or keys, are fetched again; nil means never
	Origin
	Staleness

	Keys jsontext.Value `json:"keys,omitzero"` // a JWK Set, its jwks or what is at its jwks_uri; absent unless asked for
}

// A DocumentHistory is the last changes of a client's metadata document, the oldest first.
type DocumentHistory struct {
	ClientID string           `json:"client_id"`
	Changes  []DocumentChange `json:"changes"`
}

// A DocumentChange tells that another document came into force. Digests are "sha256:" and 64 hex digits.
type DocumentChange struct {
	At      time.Time `json:"at"`
	Before  string    `json:"before,omitzero"` // digest of the document before; "" means that there was none
	After   string    `json:"after"`
	Pinned  bool      `json:"pinned,omitzero"`  // whether it is an operator's copy
	Members []string  `json:"members,omitzero"` // that differ; nil means that the document before was not kept
}

// Clients is a page of clients, the last registered first.
type Clients struct {
	Clients []Client `json:"clients"`
	// Next is the ClientQuery.After of the next page; "" means that this is the last one. A page may have fewer clients
	// than the limit, or none, and a Next: the server has then looked at as many clients as it does for one page.
	Next string `json:"next,omitzero"`
}

// A StatusChange disables or enables a client. The response is the [Client].
type StatusChange struct {
	Reason string `json:"reason,omitzero"` // kept with the client; at most 500 characters
}

// A ReissuedToken is a client's new registration access token, which is shown only once.
type ReissuedToken struct {
	ClientID    string `json:"client_id"`
	AccessToken string `json:"registration_access_token"`
	ClientURI   string `json:"registration_client_uri"`
}
