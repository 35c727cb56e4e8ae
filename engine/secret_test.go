package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A secret whose hash was made before is checked like any other.
func TestSharedSecretMustMatchItsHash(t *testing.T) {
	const chosen = Plaintext("0123456789012345678901234567890123456789")
	for name, tt := range map[string]struct {
		change func(*Registration)
		want   string
	}{
		"as set":         {func(*Registration) {}, ""},
		"another secret": {func(r *Registration) { r.Secret = chosen + "0" }, "does not match its hash"},
		"another hash":   {func(r *Registration) { r.Client.Secret.Hash[0]++ }, "does not match its hash"},
		"another salt":   {func(r *Registration) { r.Client.Secret.Salt[0]++ }, "does not match its hash"},
		"no salt":        {func(r *Registration) { r.Client.Secret.Salt = nil }, "does not match its hash"},
		"made again":     {func(r *Registration) { r.Client.Secret = HashSecret(chosen) }, ""},
		"short": {func(r *Registration) {
			r.Secret, r.Client.Secret = "x", HashSecret("x")
		}, "must have 32 to 255"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Registration{engine: newEngine(t, Config{}), Client: &Client{}}
			r.Client.Metadata.TokenEndpointAuthMethod = "client_secret_basic"
			if err := r.SetSecret(chosen, time.Time{}); err != nil {
				t.Fatal(err)
			}
			tt.change(r)
			if err := checkSharedSecret(r); fmt.Sprint(err) != "<nil>" && tt.want == "" ||
				tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
