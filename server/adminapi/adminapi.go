// Package adminapi holds what goes over the wire of the admin API, and a client for it. The server and the command line
// share it, so that neither can drift from the other. docs/http.md describes the calls.
package adminapi

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
)

// SignatureHeader carries a module's minisign signature in an upload: the .minisig file in base64.
const SignatureHeader = "Registrar-Signature"

// A Problem is an error of the admin API (RFC 9457), of the media type application/problem+json.
type Problem struct {
	Type      string   `json:"type"`             // always "about:blank": Status says what there is to say
	Title     string   `json:"title"`            // of the status
	Status    int      `json:"status"`           // of the answer
	Detail    string   `json:"detail,omitzero"`  // what is wrong, and what would be right
	Reasons   []string `json:"reasons,omitzero"` // each thing that speaks against a module or a deployment
	RequestID string   `json:"request_id,omitzero"`
}

// Error returns the detail, and the reasons one a line.
func (p *Problem) Error() string {
	s := cmp.Or(p.Detail, p.Title)
	for _, reason := range p.Reasons {
		s += "\n  - " + reason
	}
	return s
}

// A NewDeployment asks for a deployment: of these scripts, or a copy of an older one.
type NewDeployment struct {
	Scripts   []scripts.Script `json:"scripts,omitzero"`
	CopyOf    int64            `json:"copy_of,omitzero"`    // the number of the deployment to bring back; excludes Scripts
	IfCurrent *int64           `json:"if_current,omitzero"` // append only while this number is in force; 0 is before the first
	Comment   string           `json:"comment,omitzero"`
}

// Deployments is a list of deployments, newest first.
type Deployments struct {
	Deployments []scripts.Deployment `json:"deployments"`
}

// Shadows are what scripts in shadow mode would have done, the newest deployment first.
type Shadows struct {
	Shadows []scripts.Shadow `json:"shadows"`
}

// Modules is a list of modules, newest first.
type Modules struct {
	Modules []scripts.Module `json:"modules"`
}

// A DryRun asks what would come of a registration. The answer is a [scripts.DryRun].
type DryRun struct {
	Request jsontext.Value   `json:"request"`          // metadata, as a client would send it
	Caller  jsontext.Value   `json:"caller,omitzero"`  // as read_caller shows it to scripts; nil means nobody in particular
	Scripts []scripts.Script `json:"scripts,omitzero"` // nil means those in force
}

// A Client is a registered client as the operator sees it: never with a secret.
type Client struct {
	ClientID        string         `json:"client_id"`
	IssuedAt        time.Time      `json:"issued_at"`
	SecretExpiresAt *time.Time     `json:"secret_expires_at,omitzero"` // nil: never, or there is no secret
	HasSecret       bool           `json:"has_secret"`
	Metadata        jsontext.Value `json:"metadata"`
	Caller          jsontext.Value `json:"caller"`
	Deployment      int64          `json:"deployment"` // in force when the client was registered; 0 means none
	Acts            jsontext.Value `json:"acts"`       // which script acted in which step: a list of {"step","script","module","changed"?}, the last the names of the members that the script changed

	FormerSecretExpiresAt *time.Time `json:"former_secret_expires_at,omitzero"` // of the secret before the current one
	Updated               *Update    `json:"updated,omitzero"`                  // the last update; nil: it is as it was registered
	SeenAt                *time.Time `json:"seen_at,omitzero"`                  // when it was last known to be in use, to the minute
}

// An Update is the last one that a client made of itself.
type Update struct {
	At         time.Time      `json:"at"`
	Deployment int64          `json:"deployment"` // in force then; 0 means none
	Acts       jsontext.Value `json:"acts"`       // which script acted then
}

// RotateSecret asks for a new secret.
type RotateSecret struct {
	Grace *int64 `json:"grace,omitzero"` // seconds for which the old one stays valid; nil means 86,400
}

// A RotatedSecret is a new secret, shown once. Times are seconds since 1970.
type RotatedSecret struct {
	ClientID              string `json:"client_id"`
	ClientSecret          string `json:"client_secret"`
	ClientSecretExpiresAt int64  `json:"client_secret_expires_at"`          // 0 means never
	FormerSecretExpiresAt *int64 `json:"former_secret_expires_at,omitzero"` // nil: the old one is not valid any more
}

// VerifySecret asks whether a secret authenticates a client.
type VerifySecret struct {
	ClientSecret string `json:"client_secret"`
}

// A VerifiedSecret says it.
type VerifiedSecret struct {
	Valid bool `json:"valid"`
}

// Seen marks clients as in use.
type Seen struct {
	ClientIDs []string `json:"client_ids"`
}

// A MetadataDocument is a client that is named by the URL of its metadata, as the policy in force takes it.
type MetadataDocument struct {
	ClientID   string         `json:"client_id"` // the URL
	Metadata   jsontext.Value `json:"metadata"`  // as a registration would answer it
	Deployment int64          `json:"deployment"`
	Acts       jsontext.Value `json:"acts"`
	ExpiresAt  time.Time      `json:"expires_at"` // when the document is fetched again
}

// Clients is a page of clients, in the order of their IDs.
type Clients struct {
	Clients []Client `json:"clients"`
}
