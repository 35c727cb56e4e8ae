package storetest

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"registrar/engine"
)

// newClient returns a small public client with the given ID.
func newClient(id string) *engine.Client {
	return &engine.Client{
		ID:             id,
		RegistrationID: uuid.New(),
		IssuedAt:       time.Now().UTC().Truncate(time.Microsecond),
		Metadata: engine.Metadata{RedirectURIs: []string{"https://client.example/cb"},
			TokenEndpointAuthMethod: "none"},
		Caller: engine.Caller{Auth: engine.AuthNone},
	}
}

// fullClient returns a client with all fields set.
func fullClient(t testing.TB, id string) *engine.Client {
	t.Helper()
	c := &engine.Client{
		ID:             id,
		RegistrationID: uuid.New(),
		IssuedAt:       time.Date(2026, 2, 3, 4, 5, 6, 789_012_000, time.UTC),
		Secret: &engine.Secret{Hash: [32]byte{0: 1, 31: 0}, Salt: make([]byte, engine.SaltSize),
			ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		Provenance: engine.Provenance{Deployment: 1 << 40, Acts: []engine.Act{
			{Step: "add_client_id", Script: "ids", Module: "sha256:00", Changed: []string{"client_id", "größer"}},
			{Step: "set_scopes", Script: "scopes", Module: "sha256:01"},
		}},
		PreviousSecret: &engine.Secret{Hash: [32]byte{0: 2, 31: 0}, Salt: make([]byte, engine.SaltSize),
			ExpiresAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
		TokenHash: new(sha256.Sum256([]byte("token of " + id))),
		Updated: &engine.Update{At: time.Date(2026, 3, 4, 5, 6, 7, 890_123_000, time.UTC),
			Provenance: engine.Provenance{Deployment: 1<<40 + 1, Acts: []engine.Act{
				{Step: "set_scopes", Script: "scopes", Module: "sha256:02"},
			}}},
		SecretIssuedAt: time.Date(2026, 3, 4, 5, 6, 7, 890_123_000, time.UTC),
		RetryUntil:     time.Date(2026, 3, 5, 5, 6, 7, 0, time.UTC),

		SeenAt:  time.Date(2026, 4, 5, 6, 7, 8, 901_234_000, time.UTC),
		Version: 1 << 41,

		Status: engine.StatusDisabled,
		AdminActs: []engine.AdminAct{
			{Action: engine.ActionUpdated, At: time.Date(2026, 5, 6, 7, 8, 9, 12_345_000, time.UTC), By: "admin",
				Issuer: "https://issuer.example", NoScripts: true},
			{Action: engine.ActionDisabled, At: time.Date(2026, 6, 7, 8, 9, 10, 0, time.UTC), By: "admin",
				Reason: "größer 🔑"},
		},
	}
	fill(t, reflect.ValueOf(&c.Metadata).Elem(), "metadata")
	fill(t, reflect.ValueOf(&c.Caller).Elem(), "caller")
	c.Metadata.Other = map[string]jsontext.Value{
		"client_name#ja":      jsontext.Value(`"クライアント"`),
		"client_name#de-AT":   jsontext.Value(`"Prog\u0072amm 🔑"`),
		"https://x.example/e": jsontext.Value(`{"z":1,"a":[null,true,12345678901234567890,1.50e+3],"":""}`),
		"nothing":             jsontext.Value(`null`),
	}
	return c
}

// fill sets each field of v, a struct, to a different value other than its zero value. It fails the test for a field of
// an unknown type, which must then be added here.
func fill(t testing.TB, v reflect.Value, path string) {
	t.Helper()
	for i := range v.NumField() {
		f, name := v.Field(i), path+"."+v.Type().Field(i).Name
		switch p := f.Addr().Interface().(type) {
		case *[]string:
			*p = []string{name + " 🦀", "", name + `"\`}
		case **int64:
			*p = new(int64(i) - 5)
		case **bool:
			*p = new(i%2 == 0)
		case *jsontext.Value:
			*p = jsontext.Value(fmt.Sprintf(`{"keys":[{"kid":%q,"n":[1,2.50]}]}`, name))
		case *map[string]jsontext.Value:
			*p = map[string]jsontext.Value{strings.ToLower(name): jsontext.Value(`"x"`)}
		case *netip.Addr:
			*p = netip.MustParseAddr("2001:db8::1")
		default:
			if f.Kind() != reflect.String {
				t.Fatalf("%s has the unknown type %s: add it to fill", name, f.Type())
			}
			f.SetString(name + " \t\n\x7f é 𝄞")
		}
	}
}
