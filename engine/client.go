package engine

import (
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// A Client is a client, registered or being registered. Its slices and raw values are never modified in place, so a
// copy of the struct is a copy of the client.
type Client struct {
	ID             string    // as [CheckClientID] or, with MetadataDocument, [CheckDocumentURL] allows; empty at first
	RegistrationID uuid.UUID // of the registration that made the client; differs if a later client reuses the ID
	IssuedAt       time.Time // UTC, in whole microseconds
	Metadata       Metadata  // as registered, not as sent
	Secret         *Secret   // nil means that the client has no shared secret
	PreviousSecret *Secret   // the secret that Secret replaced, valid until it expires; nil means none
	Caller         Caller    // who registered the client
	Provenance     Provenance

	TokenHash *[sha256.Size]byte // of the registration access token; nil means that the client cannot manage itself
	Updated   *Update            // the last update or rotation of the secret; nil means none
	SeenAt    time.Time          // last known use, UTC, in whole microseconds; zero means never
	Version   int64              // 0 when registered; each change adds 1
	Status    Status             // zero means StatusActive
	AdminActs []AdminAct         // what administrators did, the oldest first, at most 20; nil means nothing

	// SecretIssuedAt is when a later secret than the first was issued, UTC, in whole microseconds; zero means that
	// Secret was issued at IssuedAt.
	SecretIssuedAt time.Time
	// RetryUntil is when an update that sends PreviousSecret no longer gets a new secret, UTC, in whole seconds. It may
	// be later than the expiry of PreviousSecret. Zero means that no update does: the previous secret had no expiry of
	// its own.
	RetryUntil time.Time

	// MetadataDocument is what is kept of the client's metadata document, whose URL is ID; nil means that the client is
	// registered.
	MetadataDocument *MetadataDocument

	patchedSize int // bytes of Metadata as JSON after the last patch; 0 if it was never patched

	// encoded is Metadata as the response has it, without the brace at its beginning; nil before that. See
	// [Client.EncodedMetadata].
	encoded jsontext.Value
}

// An Update records a client's last RFC 7592 update, or the last rotation of its secret if that was later.
type Update struct {
	At time.Time // UTC, in whole microseconds
	Provenance
}

// Provenance records the deployment in force when a client was registered or changed, and the scripts that acted on it.
type Provenance struct {
	Deployment int64 // number of the deployment; 0 means none
	Acts       []Act // in the order in which the scripts returned
}

// An Act records a step that a script completed.
type Act struct {
	Step   string `json:"step"`
	Script string `json:"script"` // name of the script in the deployment
	Module string `json:"module"` // digest of the script's module, "sha256:" and 64 hex digits
	// Changed names the members that the script itself changed, never their values; nil means none.
	Changed []string `json:"changed,omitzero"`
	// Request names the members of the request that the script patched; nil means none. See
	// [Registration.PatchRequest].
	Request []string `json:"request,omitzero"`
}

// An Auth is how a caller authenticated.
type Auth string

// How a caller can authenticate to register.
const (
	AuthNone               Auth = "none"
	AuthInitialAccessToken Auth = "initial_access_token" // Caller.TokenID names the token
	AuthJWT                Auth = "jwt"                  // Caller.Issuer made the token
)

// A Caller is who sent a registration. It is stored with the client and shown to scripts. It never holds a raw token.
type Caller struct {
	Auth    Auth           `json:"auth"`
	Issuer  string         `json:"issuer,omitzero"`
	Subject string         `json:"subject,omitzero"`
	TokenID string         `json:"token_id,omitzero"`
	Scopes  []string       `json:"scopes,omitzero"`
	IP      netip.Addr     `json:"ip,omitzero"`
	Claims  jsontext.Value `json:"claims,omitzero"` // an object
}
