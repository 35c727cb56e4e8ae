package hostfuncs

import (
	"context"
	"strings"
	"testing"

	"registrar/engine"
)

// inStep calls f within set_scopes of a registration, before the built-in step, with a guest for that step.
func inStep(t *testing.T, f func(g *guest)) *engine.Registration {
	t.Helper()
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"scope":"sent","x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Preview(t.Context(), request, &engine.Caller{Auth: engine.AuthNone},
		func(_ *engine.Registration, s engine.Steps) (engine.Steps, func()) {
			base := s.SetScopes
			s.SetScopes = func(ctx context.Context, r *engine.Registration) error {
				g := newGuest(t, "set_scopes")
				g.call.Registration = r
				f(g)
				return base(ctx, r)
			}
			return s, func() {}
		})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPatchRequest(t *testing.T) {
	r := inStep(t, func(g *guest) {
		const patch, wrong = `{"scope":"patched"}`, `{"redirect_uris":["https://b.example/cb"]}`
		g.write(0, patch)
		g.write(100, wrong)
		g.must(0, "patch_request", 0, uint64(len(patch)))
		g.must(1, "patch_request", 100, uint64(len(wrong)))
		want := `{"redirect_uris":["https://app.example/cb"],"scope":"patched","x":1}`
		g.must(int64(len(want)), "read_request", 256, 256)
		if got := g.read(256, uint32(len(want))); got != want {
			t.Errorf("read_request: got %s, want %s", got, want)
		}
		lines := g.call.Log.Lines()
		if len(lines) != 1 || lines[0].Level != LevelWarn ||
			!strings.Contains(lines[0].Text, "patch_request: the patch touches redirect_uris") {
			t.Errorf("got the log %+v, want the reason at warn", lines)
		}
		g.traps("at most 131072", "patch_request", 0, MaxValue+1)
		g.traps("outside the memory", "patch_request", uint64(g.m.Size()), 1)
	})
	if got := r.Client.Metadata.Scope; got != "patched" {
		t.Errorf("got the scope %q, want patched", got)
	}
	newGuest(t, "").traps("during initialization", "patch_request", 0, 0)
}

// A program patches the request by its standard output.
func TestProgramsPatchTheRequest(t *testing.T) {
	r := inStep(t, func(g *guest) {
		command, _, err := g.call.NewCommand()
		if err != nil {
			t.Fatal(err)
		}
		command.output = []byte(`{"patch_request":{"scope":"patched","client_name":"program"}}`)
		g.call.Command = command
		if err := g.call.Done(); err != nil {
			t.Error(err)
		}
	})
	if m := r.Client.Metadata; m.Scope != "patched" || m.ClientName != "program" {
		t.Errorf("got the scope %q and the name %q", m.Scope, m.ClientName)
	}
}

// A patch works on the whole request, so patch_request charges for it.
func TestPatchRequestCharges(t *testing.T) {
	inStep(t, func(g *guest) {
		var charged int64
		g.call.Meter = charges{&charged}
		const patch = `{"scope":"a"}`
		g.write(0, patch)
		size := int64(g.call.Registration.RequestSize())
		g.must(0, "patch_request", 0, uint64(len(patch)))
		if want := 50*int64(len(patch)) + 16*size; charged != want || size < 60 {
			t.Errorf("patch_request charges %d for a request of %d bytes, want %d", charged, size, want)
		}
	})
}
