package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/server/adminapi"
)

// registerWith registers a client with a token and returns the status.
func (p *process) registerWith(token string) (status int, err error) {
	request, err := http.NewRequest(http.MethodPost, p.public+"/register", strings.NewReader(minimal))
	if err != nil {
		return 0, err
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func (p *process) wantStatus(token string, want int) {
	p.t.Helper()
	if got, err := p.registerWith(token); err != nil || got != want {
		p.t.Errorf("registering: got %d and %v, want %d", got, err, want)
	}
}

func TestTokenCommands(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag, "--registration=token")
		if got := p.register(minimal); got.status != http.StatusUnauthorized {
			t.Errorf("without a token: status %d", got.status)
		}
		made := answer[adminapi.InitialAccessToken](t, p, "token", "create", "--label=CI", "--uses=2",
			"--expires-in=1h", "--scope=read,write")
		if made.Token == "" || made.MaxUses != 2 || *made.UsesLeft != 2 ||
			made.ExpiresAt.Sub(made.CreatedAt) != time.Hour || len(made.Scopes) != 2 {
			t.Errorf("got %+v", made)
		}
		text := must(t, p.command("token", "create", "--label=any", "--uses=0", "--expires-in=0")).out
		if !strings.Contains(text, "any number") || !strings.Contains(text, "never") {
			t.Errorf("got\n%s", text)
		}
		p.wantStatus(made.Token, http.StatusCreated)
		list := answer[adminapi.InitialAccessTokens](t, p, "token", "list")
		if len(list.Tokens) != 2 || list.Tokens[1].ID != made.ID || *list.Tokens[1].UsesLeft != 1 ||
			list.Tokens[1].Token != "" {
			t.Errorf("list: got %+v", list)
		}
		if text := must(t, p.command("token", "list")).out; !strings.Contains(text, "1 of 2") ||
			strings.Contains(text, made.Token) {
			t.Errorf("list: got\n%s", text)
		}
		must(t, p.command("token", "revoke", made.ID))
		p.wantStatus(made.Token, http.StatusUnauthorized)
		for args, code := range map[string]int{
			"token revoke " + made.ID:                 exitFailed,
			"token create":                            exitUsage,
			"token create --label=":                   exitFailed,
			"token create --label=a --uses=-1":        exitFailed,
			"token create --label=a --expires-in=1ms": exitUsage,
		} {
			if r := p.command(strings.Fields(args)...); r.code != code || !strings.HasPrefix(r.err, "registrar: ") {
				t.Errorf("%s: exit code %d, want %d: %s", args, r.code, code, r.err)
			}
		}
		if strings.Contains(p.log.String(), made.Token) {
			t.Error("the log contains a token")
		}
	})
}

// A server that is killed at any moment has counted one use for each stored client, and no more.
func TestKilledServerCountsUses(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		const uses = 1_000_000
		folder := t.TempDir()
		p := start(t, folder, flag, "--registration=token")
		token := answer[adminapi.InitialAccessToken](t, p, "token", "create", "--label=a",
			fmt.Sprint("--uses=", uses)).Token
		var acknowledged atomic.Int64
		for kill := range 3 {
			var workers sync.WaitGroup
			for range 4 {
				workers.Go(func() {
					for {
						status, err := p.registerWith(token)
						if status == http.StatusCreated {
							acknowledged.Add(1)
						}
						if err != nil {
							return
						}
					}
				})
			}
			goal := acknowledged.Load() + 20 + int64(7*kill)
			eventually(t, "clients", func() bool { return acknowledged.Load() >= goal })
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			workers.Wait()
			p.wait()
			p = start(t, folder, flag, "--registration=token")
		}
		left := *answer[adminapi.InitialAccessTokens](t, p, "token", "list").Tokens[0].UsesLeft
		stored := int64(0)
		for after := ""; ; {
			args := []string{"client", "list", "--limit=1000"}
			if after != "" {
				args = append(args, "--after", after)
			}
			page := answer[adminapi.Clients](t, p, args...)
			stored, after = stored+int64(len(page.Clients)), page.Next
			if after == "" {
				break
			}
		}
		if stored != uses-left || stored < acknowledged.Load() {
			t.Errorf("%d acknowledged, %d stored, %d uses counted", acknowledged.Load(), stored, uses-left)
		}
		t.Logf("%d acknowledged, %d stored, %d uses counted", acknowledged.Load(), stored, uses-left)
	})
}

func TestAccessTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{jose.JSONWebKey{Key: key.Public(), KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir(), "--issuer=https://auth.example", "--public-url=https://register.example",
		"--jwt-issuer=https://issuer.example="+servertest.File(t, "jwks.json", string(set)), "--jwt-scope=registration")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}},
		nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		audience, scope string
		want            int
	}{
		{"https://register.example", "read registration", http.StatusCreated},
		{"https://register.example", "read", http.StatusForbidden},
		{"https://auth.example", "registration", http.StatusUnauthorized},
	} {
		token, err := jwt.Signed(signer).Claims(map[string]any{"iss": "https://issuer.example", "aud": tt.audience,
			"scope": tt.scope,
			"exp":   time.Now().Add(time.Minute).Unix()}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		p.wantStatus(token, tt.want)
	}
}
