package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/server/adminapi"
	"registrar/store/storetest"
)

// A clock is the engine's clock in a test that sets the time.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)} }

func (c *clock) set(config *engine.Config) { config.Now = func() time.Time { return c.now } }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// withSecret returns the members of an update that sends a secret.
func withSecret(secret string) string { return web + `,"client_secret":"` + secret + `"` }

// renewed sends an update that must renew the secret, and returns the new one.
func (o *owned) renewed(members string) string {
	o.t.Helper()
	e := o.put(members).want(http.StatusOK).wantHeader("Cache-Control", "no-store")
	secret, _ := e.json()["client_secret"].(string)
	if secret == "" || secret == o.secret {
		o.t.Fatal("the update did not renew the secret")
	}
	return secret
}

func testSecretRenewal(t *testing.T, site siteFunc) {
	const lifetime = 40 * 24 * time.Hour
	clock := newClock()
	o := site(setup{options: engine.Options{SecretLifetime: lifetime}, engine: clock.set}).own(`{` + web + `}`)
	ends := func() int64 { return clock.now.Add(lifetime).Unix() }
	first := ends()
	kept := map[string]any{"client_secret": nil, "client_secret_expires_at": first}

	clock.pass(lifetime*3/4 - time.Second)
	o.put(web).want(http.StatusOK).wantMembers(kept)
	o.put(withSecret(o.secret)).want(http.StatusOK).wantMembers(kept)
	clock.pass(time.Second)
	o.get().want(http.StatusOK).wantMembers(kept)
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"client_secret":%q}`, o.id, web, strings.Repeat("s", 43)),
		"client_secret is not this client's")
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,"scope":1}`, o.id, web), "scope must be a string")

	// The answer with the first renewal is lost, and the second one arrives.
	lost := o.renewed(withSecret(o.secret))
	second := o.renewed(withSecret(o.secret))
	second, before := o.renewed(withSecret(o.secret)), second
	if !o.verifies(second) || !o.verifies(o.secret) || o.verifies(lost) || o.verifies(before) {
		t.Error("want the new and the old secret to verify, and none that was lost")
	}
	renewal := map[string]any{"client_secret": nil, "client_secret_expires_at": ends()}
	o.get().want(http.StatusOK).wantMembers(renewal)
	o.put(web).want(http.StatusOK).wantMembers(renewal)
	o.put(withSecret(second)).want(http.StatusOK).wantMembers(renewal)
	clock.pass(24 * time.Hour)
	if !o.verifies(second) || o.verifies(o.secret) {
		t.Error("after the grace time, want only the new secret to verify")
	}
	o.putRefused(fmt.Sprintf(`{"client_id":%q,%s}`, o.id, withSecret(o.secret)), "client_secret is not this client's")

	// After expiry, a lost answer locks no client out either, and no old secret verifies.
	clock.pass(lifetime)
	if o.verifies(second) {
		t.Error("an expired secret verifies")
	}
	lost = o.renewed(withSecret(second))
	clock.pass(23 * time.Hour)
	third := o.renewed(withSecret(second))
	if !o.verifies(third) || o.verifies(lost) || o.verifies(second) {
		t.Error("want only the last secret to verify")
	}
	if log := o.log.String(); strings.Contains(log, third) || strings.Contains(log, second) {
		t.Error("the log shows a secret")
	}
}

// A renewed or rotated secret has the format of the script that makes secrets. A refusal changes nothing.
func TestRenewalRunsScripts(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		clock := newClock()
		s := newSite(t, setup{database: database, engine: clock.set,
			options: engine.Options{SecretLifetime: time.Hour}})
		s.deploy("custom-secret", "patch-metadata")
		o := s.own(`{` + web + `}`)
		clock.pass(45 * time.Minute)
		rotate := func() *exchange { return s.call("POST", "/admin/v1/clients/"+o.id+"/rotate-secret", ``) }

		s.deploy("refuse-secret")
		before := o.shown()
		o.putRefused(fmt.Sprintf(`{"client_id":%q,%s}`, o.id, web), "clients of this server have no secrets")
		e := rotate().want(http.StatusUnprocessableEntity).wantHeader("Content-Type", "application/problem+json")
		for _, words := range []string{"refuse-secret", "generate_secret", "clients of this server have no secrets"} {
			if !strings.Contains(e.body, words) {
				t.Errorf("got %s, want %q in it", e.body, words)
			}
		}
		s.deploy("fail-short-secret")
		o.put(web).want(http.StatusInternalServerError)
		rotate().want(http.StatusInternalServerError)
		if after := o.shown(); after != before {
			t.Errorf("refused and failed changes changed the client from %s to %s", before, after)
		}
		if !o.verifies(o.secret) {
			t.Error("the secret does not verify any more")
		}

		s.deploy("custom-secret", "patch-metadata")
		renewed := o.renewed(web)
		if len(renewed) != 48 || !o.verifies(renewed) || !o.verifies(o.secret) {
			t.Errorf("the renewed secret has %d characters, want the script's 48; or one does not verify", len(renewed))
		}
		wantActs(t, o, "set_client_name patch-metadata, generate_secret custom-secret")
		got := rotate().want(http.StatusOK).wantMembers(map[string]any{"client_id": o.id,
			"client_secret_expires_at": clock.now.Add(time.Hour).Unix(),
			"former_secret_expires_at": clock.now.Add(time.Hour).Unix()}).json()["client_secret"].(string)
		if len(got) != 48 || !o.verifies(got) || !o.verifies(renewed) || o.verifies(o.secret) {
			t.Errorf("the rotated secret has %d characters, want the script's 48; or the wrong ones verify", len(got))
		}
		wantActs(t, o, "generate_secret custom-secret")
		clock.pass(time.Hour)
		rotate().want(http.StatusOK).wantMembers(map[string]any{"former_secret_expires_at": nil}) // it has expired
		storetest.EachValue(t, s.database, func(table, column string, value []byte) {
			if strings.Contains(string(value), renewed) || strings.Contains(string(value), got) {
				t.Errorf("%s.%s holds a secret", table, column)
			}
		})
	})
}

// wantActs checks which scripts acted in the last update or rotation, and that the registration's acts are kept.
func wantActs(t *testing.T, o *owned, want string) {
	t.Helper()
	var shown adminapi.Client
	var registered, updated []engine.Act
	err := json.Unmarshal([]byte(o.shown()), &shown)
	if err == nil && shown.Updated != nil {
		err = json.Unmarshal(shown.Updated.Acts, &updated)
	}
	if err == nil {
		err = json.Unmarshal(shown.Acts, &registered)
	}
	var got []string
	for _, act := range updated {
		got = append(got, act.Step+" "+act.Script)
	}
	if err != nil || strings.Join(got, ", ") != want || len(registered) != 2 {
		t.Errorf("got %v, acts %v and %d at the registration, want %s and 2", err, got, len(registered), want)
	}
}

// A script that sets an expiry renews like the server's own lifetime, again and again.
func TestRenewalOfAScriptsExpiry(t *testing.T) {
	clock := newClock()
	s := newSite(t, setup{engine: clock.set})
	s.deploy("secret-expires") // in an hour
	o := s.own(`{` + web + `}`)
	for range 3 {
		clock.pass(45*time.Minute - time.Second)
		o.put(withSecret(o.secret)).want(http.StatusOK).wantMembers(map[string]any{"client_secret": nil})
		clock.pass(time.Second)
		o.secret = o.renewed(withSecret(o.secret))
		o.get().want(http.StatusOK).wantMembers(
			map[string]any{"client_secret_expires_at": clock.now.Add(time.Hour).Unix()})
	}
}
