package engine

import (
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// A Client is a registered client, or one on its way there. Slices and raw values in it are never changed in place, so
// a copy of the struct is a copy of the client.
type Client struct {
	ID             string    // 1 to 255 visible ASCII characters; empty until add_client_id ran
	RegistrationID uuid.UUID // of the registration that made the client: tells it from another's with the same ID
	IssuedAt       time.Time // UTC, in whole microseconds
	Metadata       Metadata  // as registered, not as sent
	Secret         *Secret   // nil for a client without a shared secret
	PreviousSecret *Secret   // the one that Secret replaced, valid until it expires; nil where there is none
	Caller         Caller    // who registered
	Provenance     Provenance

	TokenHash *[sha256.Size]byte // of the registration access token; nil for a client that does not manage itself
	Updated   *Update            // the last one; nil for a client that is as it was registered
	SeenAt    time.Time          // when it was last known to be in use, UTC, in whole microseconds; zero means never
	Version   int64              // 0 as registered, one more with each change

	encoded jsontext.Value // Metadata, once the response was written from it; see [Client.EncodedMetadata]
}

// An Update is one that a client made of itself.
type Update struct {
	At time.Time // UTC, in whole microseconds
	Provenance
}

// Provenance says which deployment was in force when a client was registered, or updated, and which scripts acted on it.
type Provenance struct {
	Deployment int64 // its number; 0 means that there was none
	Acts       []Act // in the order in which the scripts returned
}

// An Act is one step that a script ran to its end.
type Act struct {
	Step   string `json:"step"`
	Script string `json:"script"` // its name in the deployment
	Module string `json:"module"` // the digest of its module, "sha256:" and 64 hex digits
	// Changed names the members that the script itself changed, never their values; nil where it changed none.
	Changed []string `json:"changed,omitzero"`
}

// An Auth is how a caller proved who they are.
type Auth string

// The ways to register.
const (
	AuthNone               Auth = "none"
	AuthInitialAccessToken Auth = "initial_access_token" // TokenID names it
	AuthJWT                Auth = "jwt"                  // Issuer made it
)

// A Caller is who registers. It is stored with the client and shown to scripts; it never holds a raw token.
type Caller struct {
	Auth    Auth           `json:"auth"`
	Issuer  string         `json:"issuer,omitzero"`
	Subject string         `json:"subject,omitzero"`
	TokenID string         `json:"token_id,omitzero"`
	Scopes  []string       `json:"scopes,omitzero"`
	IP      netip.Addr     `json:"ip,omitzero"`
	Claims  jsontext.Value `json:"claims,omitzero"` // an object
}
