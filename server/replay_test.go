package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server"
	"registrar/server/adminapi"
)

func TestReplay(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database})
		same := s.registered(`{` + web + `,"client_name":"patched","contacts":["ops@acme.example"]}`)
		evil := s.registered(`{"redirect_uris":["https://evil.example/cb"]}`)
		changed := s.registered(`{` + web + `,"client_name":"Editor","contacts":["ops@acme.example"]}`)
		var list []string
		for _, name := range []string{"refuse-redirect-host", "patch-metadata"} {
			m, err := s.api().Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprintf(`{"name":"%s","module":"%s"}`, name, m.Digest))
		}
		body := `{"scripts":[` + strings.Join(list, ",") + `],"last":50}`
		want := map[string]any{"last": 50, "total": 3, "same": 1, "changed": 1, "refused": 1, "failed": 0,
			"differences": []any{
				map[string]any{"client_id": changed["client_id"], "was": "registered", "is": "registered",
					"differences": []any{
						map[string]any{"member": "client_name", "old": "Editor", "new": "patched"},
					}},
				map[string]any{"client_id": evil["client_id"], "was": "registered", "is": "refused",
					"differences": []any{},
					"error": map[string]any{
						"error":             "invalid_redirect_uri",
						"error_description": "the redirect URI host evil.example is not allowed"}},
			}}
		got := s.call("POST", adminapi.PathReplay, body).want(http.StatusOK).wantHeader("Content-Type",
			"application/json").
			wantMembers(want)
		for _, registered := range []map[string]any{same, evil, changed} {
			if strings.Contains(got.body, registered["client_secret"].(string)) {
				t.Error("the response holds a secret")
			}
		}
		if n := s.clients(); n != 3 {
			t.Errorf("%d clients are stored, want 3", n)
		}
		s.call("POST", adminapi.PathReplay, `{}`).want(http.StatusOK).
			wantMembers(map[string]any{"last": 1000, "total": 3, "same": 3, "differences": []any{}})

		lines := s.call("POST", adminapi.PathReplay, body, "Accept: text/plain, application/x-ndjson;q=0.5").
			want(http.StatusOK).
			wantHeader("Content-Type", "application/x-ndjson").wantHeader("Cache-Control", "no-store").body
		first, rest, _ := strings.Cut(lines, "\n")
		if first != `{"progress":{"done":0,"of":3}}` ||
			!strings.Contains(rest, `{"result":{"last":50,"total":3,"same":1,`) ||
			!strings.HasSuffix(rest, "}\n") {
			t.Errorf("got %s", lines)
		}
		var progress []int
		result, err := s.api().Replay(t.Context(), adminapi.Replay{Last: 2},
			func(done, of int) { progress = append(progress, done, of) })
		if err != nil || result.Total != 2 || result.Same != 2 || len(progress) < 2 ||
			!cmp.Equal(progress[:2], []int{0, 2}) {
			t.Errorf("got %+v and %v, progress %v", result, err, progress)
		}
	})
}

func TestReplayRejected(t *testing.T) {
	s := newSite(t, setup{})
	for _, accept := range []string{"Accept: */*", "Accept: " + adminapi.LinesType} {
		for _, c := range []struct {
			body   string
			status int
			want   string
		}{
			{`{"last":100001}`, http.StatusUnprocessableEntity, "last 100001: it must be from 1 to 100000"},
			{`{"scripts":[{"name":"none","module":"sha256:0"}]}`, http.StatusUnprocessableEntity,
				"module sha256:0 not found"},
			{`{"first":1}`, http.StatusBadRequest, "first"},
			{`{"last":1.5}`, http.StatusBadRequest, "last"},
		} {
			e := s.call("POST", adminapi.PathReplay, c.body, accept).want(c.status).
				wantHeader("Content-Type", "application/problem+json")
			if !strings.Contains(e.body, c.want) {
				t.Errorf("%s: got %s, want %q", c.body, e.body, c.want)
			}
		}
	}
	s.do("POST", s.admin.URL+adminapi.PathReplay, `{}`).want(http.StatusUnauthorized)
	_, err := s.api().Replay(t.Context(), adminapi.Replay{Last: -1}, nil)
	if problem, ok := errors.AsType[*adminapi.Problem](err); !ok || problem.Status != http.StatusUnprocessableEntity ||
		len(problem.Reasons) != 1 {
		t.Errorf("got %v, want 422 with a reason", err)
	}
}

// replaying returns a site whose server runs f for replays.
func replaying(t *testing.T, f func(ctx context.Context, progress func(done, of int)) (scripts.Replay, error)) *site {
	return newSite(t, setup{server: server.Config{
		Replay: func(ctx context.Context, _ []scripts.Script, _ int, progress func(done, of int)) (scripts.Replay,
			error) {
			return f(ctx, progress)
		},
	}})
}

// After the first line, an error becomes the last line.
func TestReplayThatFailsHalfway(t *testing.T) {
	s := replaying(t, func(_ context.Context, progress func(done, of int)) (scripts.Replay, error) {
		progress(0, 2)
		return scripts.Replay{}, fmt.Errorf("hidden cause: %w", engine.ErrUnavailable)
	})
	_, err := s.api().Replay(t.Context(), adminapi.Replay{}, nil)
	if problem, ok := errors.AsType[*adminapi.Problem](err); !ok || problem.Status != http.StatusServiceUnavailable ||
		strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v", err)
	}
	// The error is logged after the response.
	deadline := time.Now().Add(30 * time.Second)
	for ; !strings.Contains(s.log.String(), "hidden cause"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the log does not have the cause")
		}
	}
	s.call("POST", adminapi.PathReplay, `{}`).want(http.StatusServiceUnavailable).
		wantHeader("Content-Type", "application/problem+json")
}

// A replay is not bound by the timeouts of requests, and ends when the client disconnects.
func TestReplayOutlivesTimeouts(t *testing.T) {
	ended := make(chan error, 1)
	s := replaying(t, func(ctx context.Context, progress func(done, of int)) (scripts.Replay, error) {
		for i := range 20 {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				ended <- ctx.Err()
				return scripts.Replay{}, ctx.Err()
			}
			progress(i, 20)
		}
		return scripts.Replay{Total: 20, Differences: []scripts.Replayed{}}, nil
	})
	slow := httptest.NewUnstartedServer(s.admin.Config.Handler)
	slow.Config.ReadTimeout, slow.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	slow.Start()
	defer slow.Close()
	api := &adminapi.API{Base: slow.URL, Token: adminToken, HTTP: &http.Client{Timeout: 200 * time.Millisecond}}
	if got, err := api.Replay(t.Context(), adminapi.Replay{}, nil); err != nil || got.Total != 20 {
		t.Errorf("line by line: got %+v and %v", got, err)
	}
	s.do("POST", slow.URL+adminapi.PathReplay, `{}`, "Authorization: Bearer "+adminToken).want(http.StatusOK).
		wantMembers(map[string]any{"total": 20})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := api.Replay(ctx, adminapi.Replay{}, func(int, int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v, want context.Canceled", err)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the replay did not end with its client")
	}
}

// A stopping server cancels replays.
func TestReplayEndsWithTheServer(t *testing.T) {
	began := make(chan struct{})
	srv, err := server.New(server.Config{
		Replay: func(ctx context.Context, _ []scripts.Script, _ int, _ func(done, of int)) (scripts.Replay, error) {
			close(began)
			<-ctx.Done()
			return scripts.Replay{}, ctx.Err()
		},
		Administrator: findAdmin,
	})
	if err != nil {
		t.Fatal(err)
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, listeners[0], listeners[1]) }()
	answered := make(chan error, 1)
	go func() {
		api := &adminapi.API{Base: "http://" + listeners[1].Addr().String(), Token: adminToken,
			HTTP: &http.Client{Transport: checkedTransport{t, "admin"}}}
		_, err := api.Replay(t.Context(), adminapi.Replay{}, nil)
		answered <- err
	}()
	<-began
	stop()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server did not cancel the replay")
	}
	problem, ok := errors.AsType[*adminapi.Problem](<-answered)
	if !ok || problem.Status != http.StatusServiceUnavailable {
		t.Errorf("got %v, want 503", problem)
	}
}
