package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/scripts/host"
	"registrar/scripts/sandbox"
	"registrar/server"
	"registrar/store/storetest"
)

func TestRequestIDs(t *testing.T) {
	s := newSite(t, setup{})
	s.register(`{`+web+`}`, "X-Request-Id: my.request_id-1").want(http.StatusCreated).
		wantHeader("X-Request-Id", "my.request_id-1")
	for _, bad := range []string{"a b", strings.Repeat("a", 65), "a\tb"} {
		e := s.register(`{`+web+`}`, "X-Request-Id: "+bad).want(http.StatusCreated)
		if got := e.header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("%q: got the request ID %q, want a new one", bad, got)
		}
	}
}

func TestRateLimit(t *testing.T) {
	// The test is a trusted proxy, so that the addresses in X-Forwarded-For are limited.
	s := newSite(t, setup{server: server.Config{RateLimit: 0.001, RateBurst: 2,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	from := func(ip string) *exchange { return s.register(`{`+web+`}`, "X-Forwarded-For: "+ip) }
	for _, ip := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"} {
		from(ip).want(http.StatusCreated)
	}
	for _, ip := range []string{"192.0.2.1", "2001:db8::3"} {
		from(ip).want(http.StatusTooManyRequests).wantHeader("Retry-After", "1").
			wantMembers(map[string]any{"error": "temporarily_unavailable"})
	}
	from("2001:db8:0:1::1").want(http.StatusCreated)
}

// Loopback is limited like any address, and no header that a caller sends gives it another one.
func TestRateLimitOnLoopback(t *testing.T) {
	s := newSite(t, setup{server: server.Config{RateLimit: 0.001, RateBurst: 2}})
	s.register(`{` + web + `}`).want(http.StatusCreated)
	s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.1").want(http.StatusCreated)
	s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.2").want(http.StatusTooManyRequests).wantHeader("Retry-After",
		"1")
	s.register(`{` + web + `}`).want(http.StatusTooManyRequests)
}

// The errors of scripts and the server in docs/http.md.
func TestServerErrors(t *testing.T) {
	t.Run("a script fails", func(t *testing.T) {
		s := newSite(t, setup{})
		s.deploy("fail-trap")
		e := s.register(`{` + web + `}`).want(http.StatusInternalServerError).
			wantMembers(map[string]any{"error": "server_error"})
		if e.json()["request_id"] != e.header.Get("X-Request-Id") || strings.Contains(e.body, "fail-trap") {
			t.Errorf("got %s, want the request ID and no name of the script", e.body)
		}
		if log := s.log.String(); !strings.Contains(log, "script fail-trap (sha256:") {
			t.Error("the log does not name the script and its digest")
		}
		if n := s.clients(); n != 0 {
			t.Errorf("%d clients are stored, want none", n)
		}
	})
	t.Run("a script breaks an invariant", func(t *testing.T) {
		s := newSite(t, setup{})
		s.deploy("fail-unsafe-redirect")
		s.register(`{` + web + `}`).want(http.StatusInternalServerError)
		if log := s.log.String(); !strings.Contains(log, "invariant broken") ||
			!strings.Contains(log, "fail-unsafe-redirect (sha256:") {
			t.Errorf("the log does not name the script:\n%s", log)
		}
	})
	t.Run("a script refuses", func(t *testing.T) {
		s := newSite(t, setup{})
		s.deploy("refuse-scope")
		s.register(`{` + web + `}`).want(http.StatusForbidden).wantChallenge("insufficient_scope")
	})
	t.Run("a script refuses the token", func(t *testing.T) {
		s := newSite(t, setup{})
		token := s.token(`{"label":"once","max_uses":1}`)
		s.deploy("refuse-token")
		refused := map[string]any{"error": "invalid_token", "error_description": "this token is no longer accepted"}
		// RFC 6750 §3.1: without a token the challenge has no error.
		s.register(`{`+web+`}`).want(http.StatusUnauthorized).wantMembers(refused).
			wantHeader("WWW-Authenticate", `Bearer realm="registrar"`)
		if log := s.log.String(); !strings.Contains(log, "refuse-token") {
			t.Errorf("the log does not name the script:\n%s", log)
		}
		s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusUnauthorized).wantMembers(refused).
			wantChallenge("invalid_token")
		if n := s.clients(); n != 0 {
			t.Errorf("%d clients are stored, want none", n)
		}
		s.deploy() // the refusal took no use of the token
		s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusCreated)
	})
	t.Run("a script never ends", func(t *testing.T) {
		s := newSite(t, setup{})
		s.deploy("fail-spin")
		s.register(`{` + web + `}`).want(http.StatusInternalServerError).wantMembers(map[string]any{"error": "server_error"})
		if log := s.log.String(); !strings.Contains(log, "it ran out of fuel") {
			t.Errorf("the log does not have the cause:\n%s", log)
		}
	})
	t.Run("a script runs too long", func(t *testing.T) {
		s := newSite(t, setup{scripts: host.Config{Config: sandbox.Config{StepTimeout: 50 * time.Millisecond,
			StepFuel: 1 << 50}}})
		s.deploy("fail-spin")
		s.register(`{`+web+`}`).want(http.StatusServiceUnavailable).wantHeader("Retry-After", "1").
			wantMembers(map[string]any{"error": "temporarily_unavailable"})
	})
	t.Run("a request runs too long", func(t *testing.T) {
		patient := newSite(t, setup{}) // its admin API has time to deploy
		patient.deploy("fail-spin")
		s := newSite(t, setup{database: patient.database, server: server.Config{RequestTimeout: 50 * time.Millisecond},
			scripts: host.Config{Config: sandbox.Config{StepFuel: 1 << 50}}})
		s.register(`{` + web + `}`).want(http.StatusServiceUnavailable)
	})
}

// While the database is down, the server responds with 503. When it is up again, registered clients are still there.
func TestDatabaseAway(t *testing.T) {
	db := storetest.NewServer(t)
	s := newSite(t, setup{database: "mysql:" + db.Database(t)})
	first := s.registered(`{` + web + `}`)
	db.Kill()
	s.register(`{`+web+`}`).want(http.StatusServiceUnavailable).wantHeader("Retry-After", "1").
		wantMembers(map[string]any{"error": "temporarily_unavailable"})
	if strings.Contains(s.register(`{`+web+`}`).body, "connection") {
		t.Error("the response shows the cause")
	}
	if err := db.Restart(); err != nil {
		t.Fatal(err)
	}
	second := s.registered(`{` + web + `}`)
	for _, c := range []map[string]any{first, second} {
		if _, err := s.store.Client(t.Context(), c["client_id"].(string)); err != nil {
			t.Error(err)
		}
	}
}

// A graceful shutdown finishes active requests.
func TestServeFinishesWhatItAccepted(t *testing.T) {
	site := newSite(t, setup{})
	entered, goOn := make(chan struct{}), make(chan struct{})
	e, err := engine.New(engine.Config{Store: site.store,
		Overrides: func(_ *engine.Registration, s engine.Steps) (engine.Steps, func()) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *engine.Registration) error {
				close(entered)
				<-goOn
				return base(ctx, r)
			}
			return s, func() {}
		}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.New(server.Config{Engine: e, Registration: server.RegistrationOpen, RequestTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	public, admin := listen(t), listen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- srv.Serve(ctx, public, admin) }()
	answered := make(chan int)
	go func() {
		client := &http.Client{Transport: checkedTransport{t, "public"}}
		response, err := client.Post("http://"+public.Addr().String()+"/register", "application/json",
			strings.NewReader(`{`+web+`}`))
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-entered
	stop()
	for refused := false; !refused; {
		_, err := net.Dial("tcp", public.Addr().String())
		refused = err != nil
	}
	close(goOn)
	if status := <-answered; status != http.StatusCreated {
		t.Errorf("the active registration got %d, want 201", status)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if n := site.clients(); n != 1 {
		t.Errorf("%d clients are stored, want 1", n)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Secrets are stored only as hashes, and no log line shows one.
func TestSecretsStaySecret(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database})
		var secrets []string
		for _, deployment := range [][]string{{}, {"custom-secret"}, {"id-and-secret"}, {"log-secret"}} {
			s.deploy(deployment...)
			for i := range 5 {
				sent, ignored := fmt.Sprintf("sent-by-the-client-0123456789-%d", i), fmt.Sprintf("ignored-%d", i)
				body := fmt.Sprintf(`{%s,"client_name":"App %d","client_secret":%q,"unknown":%q}`, web, i, sent,
					ignored)
				secrets = append(secrets, s.registered(body)["client_secret"].(string), sent, ignored)
			}
		}
		found := 0
		storetest.EachValue(t, s.database, func(table, column string, value []byte) {
			if strings.Contains(string(value), "https://app.example/cb") {
				found++ // shows that the search works
			}
			for _, secret := range secrets {
				// A script has its secret in its code.
				if column == "wasm" {
					break
				}
				if strings.Contains(string(value), secret) {
					t.Errorf("%s.%s holds %s", table, column, secret)
				}
			}
		})
		if found != 20 {
			t.Errorf("found %d clients in the rows, want 20", found)
		}
		log := s.log.String()
		if !strings.Contains(log, "client registered") {
			t.Fatal("nothing is logged")
		}
		for i, secret := range secrets {
			// Scripts may log unknown members of the request.
			if i%3 != 2 && strings.Contains(log, secret) {
				t.Errorf("the log shows %s", secret)
			}
		}
	})
}
