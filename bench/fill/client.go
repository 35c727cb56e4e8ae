// Package fill inserts many clients into a registrar database, as the store would write them, without registering each.
// See [Clients].
package fill

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"registrar/engine"
	"registrar/scripts"
)

// IDs is the format of client IDs.
type IDs string

// The formats, which are the values of registrar's --client-id-format.
const (
	UUIDv7 IDs = "uuidv7" // ordered by time of registration
	Random IDs = "random" // 32 random bytes, spread over the whole table
)

// First is the time of the first registration.
var First = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

// Pace is the time between two registrations: ten million clients in two and a half years.
const Pace = 8 * time.Second

// perWriter is the number of clients that one process of registrar wrote before it was restarted.
const perWriter = 250_000

// A maker generates clients, which depend only on its seed.
type maker struct {
	random *rand.ChaCha8
	dice   *rand.Rand
	ids    IDs
}

func newMaker(seed uint64, ids IDs) *maker {
	var s [32]byte
	binary.BigEndian.PutUint64(s[:], seed)
	m := &maker{random: rand.NewChaCha8(s), ids: ids}
	m.dice = rand.New(m.random)
	return m
}

// A client is a client with what it presents, of which a table holds only hashes.
type client struct {
	engine.Client
	secret string // "" if it has none
	token  string // its registration access token
}

// client returns the nth client of a table, the ith of count that are inserted in one run. IDs ascend with i.
func (m *maker) client(n, i, count int) *client {
	c := &client{Client: engine.Client{
		RegistrationID: uuid.UUID(m.bytes(16)),
		IssuedAt:       First.Add(time.Duration(n) * Pace),
		Caller: engine.Caller{
			Auth: engine.AuthNone,
			IP:   netip.AddrFrom4([4]byte{198, 51, byte(m.dice.UintN(256)), byte(m.dice.UintN(256))}),
		},
	}, token: m.text()}
	hash := engine.HashToken(engine.Plaintext(c.token))
	c.TokenHash = &hash
	c.ID = m.id(c.IssuedAt, i, count)
	c.Metadata = m.metadata(n)
	if strings.HasPrefix(c.Metadata.TokenEndpointAuthMethod, "client_secret_") {
		c.secret = m.text()
		c.Secret = engine.HashSecret(engine.Plaintext(c.secret))
	}
	if m.dice.UintN(2) == 0 {
		c.Caller.Auth, c.Caller.TokenID = engine.AuthInitialAccessToken, "iat_"+uuid.UUID(m.bytes(16)).String()
	}
	if m.dice.UintN(2) == 0 {
		c.Provenance = engine.Provenance{Deployment: deployment, Acts: []engine.Act{
			{Step: "set_scopes", Script: script.Name, Module: script.Module},
			{Step: "add_client_id", Script: script.Name, Module: script.Module, Changed: []string{"client_id"}},
		}}
	}
	return c
}

// deployment is the number of the deployment under which half of the clients registered, and script is its only script.
const deployment = 3

var script = scripts.Script{Name: "house-rules", Module: scripts.Digest([]byte("module"))}

// inOrder is base64url with its characters in ASCII order, so that encoded values sort like the bytes.
var inOrder = base64.NewEncoding("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz").
	WithPadding(base64.NoPadding)

// id returns the ID of the ith of count clients. The ith random ID is drawn from the ith of count equal parts of all
// possible IDs.
func (m *maker) id(at time.Time, i, count int) string {
	b := m.bytes(32)
	if m.ids == UUIDv7 {
		u := uuid.UUID(b[:16])
		milliseconds := uint64(at.UnixMilli())
		binary.BigEndian.PutUint32(u[:4], uint32(milliseconds>>16))
		binary.BigEndian.PutUint16(u[4:6], uint16(milliseconds))
		u[6] = u[6]&0x0f | 7<<4 // RFC 9562 §5.7: the version, and below the variant
		u[8] = u[8]&0x3f | 2<<6
		return u.String()
	}
	part := ^uint64(0) / uint64(count)
	binary.BigEndian.PutUint64(b, uint64(i)*part+m.dice.Uint64N(part))
	return inOrder.EncodeToString(b)
}

// text returns 256 random bits as text, as registrar writes secrets and tokens.
func (m *maker) text() string { return base64.RawURLEncoding.EncodeToString(m.bytes(32)) }

func (m *maker) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = m.random.Read(b) // never fails
	return b
}

// metadata returns about half a kilobyte: a confidential web client, a public native client, or a client with keys.
func (m *maker) metadata(n int) engine.Metadata {
	host := fmt.Sprintf("app-%x.customer-%d.example", m.dice.Uint32(), n%10_000)
	d := engine.Metadata{
		ClientName:      fmt.Sprintf("Application %d of customer %d", n, n%10_000),
		GrantTypes:      []string{"authorization_code", "refresh_token"},
		ResponseTypes:   []string{"code"},
		ApplicationType: "web",
		Scope:           "openid profile email offline_access api.read api.write"[:m.dice.IntN(21)/10*10+34],
		SoftwareID:      uuid.UUID(m.bytes(16)).String(),
		SoftwareVersion: fmt.Sprintf("%d.%d.%d", m.dice.UintN(5), m.dice.UintN(20), m.dice.UintN(20)),
	}
	for i := range 1 + m.dice.UintN(3) {
		d.RedirectURIs = append(d.RedirectURIs, fmt.Sprintf("https://%s/oauth/callback/%d", host, i))
	}
	switch m.dice.UintN(4) {
	case 0:
		d.TokenEndpointAuthMethod, d.ApplicationType = "none", "native"
		d.RedirectURIs = append(d.RedirectURIs, "http://127.0.0.1/callback")
	case 1:
		d.TokenEndpointAuthMethod = "private_key_jwt"
		d.JWKS = jsontext.Value(fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","kid":"%x","x":"%s","y":"%s"}]}`,
			m.dice.Uint64(), inOrder.EncodeToString(m.bytes(32)), inOrder.EncodeToString(m.bytes(32))))
	default:
		d.TokenEndpointAuthMethod = "client_secret_basic"
		d.ClientURI, d.LogoURI = "https://"+host, "https://"+host+"/static/logo.png"
		d.TOSURI, d.PolicyURI = "https://"+host+"/legal/terms", "https://"+host+"/legal/privacy"
		d.Contacts = []string{"operations@" + host}
		d.PostLogoutRedirectURIs = []string{"https://" + host + "/signed-out"}
	}
	return d
}
