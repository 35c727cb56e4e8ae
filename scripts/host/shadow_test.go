package host_test

import (
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// shadowed registers n clients with one script acting and another one in shadow mode, and returns the latter's results.
func shadowed(t *testing.T, acting, shadow, body string, n int) scripts.Shadow {
	t.Helper()
	b := newBench(t, engine.Options{EchoExtensions: []string{"listed"}})
	s := b.script(shadow)
	s.Name, s.Mode = "next", scripts.ModeShadow
	b.deploy(b.script(acting), s)
	for range n {
		r, err := b.register(body)
		if err == nil && len(r.Client.Provenance.Acts) > 0 && r.Client.Provenance.Acts[0].Script == "next" {
			t.Fatal("a script in shadow mode acted")
		}
	}
	var list []scripts.Shadow
	await(t, "the shadows to be stored", func() bool {
		var err error
		if list, err = b.store.Shadows(t.Context(), "next", 100); err != nil {
			t.Fatal(err)
		}
		return len(list) == 1 && list[0].Same+list[0].Changed+list[0].Refused+list[0].Failed+list[0].Dropped == int64(n)
	})
	return list[0]
}

func TestShadow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		acting, shadow, body string
		want                 scripts.ShadowCounts
		says                 string
	}{
		{"wrap-id", "accept-all", minimal, scripts.ShadowCounts{Same: 3}, ""},
		{"wrap-id", "prefix-id", minimal, scripts.ShadowCounts{Same: 3}, ""}, // IDs are no difference
		{"wrap-id", "custom-secret", minimal, scripts.ShadowCounts{Same: 3}, ""},
		{"wrap-id", "patch-metadata", minimal, scripts.ShadowCounts{Changed: 3}, `"new":"patched"`},
		{"wrap-id", "refuse-redirect-host", `{"redirect_uris":["https://evil.example/cb"]}`,
			scripts.ShadowCounts{Refused: 3}, "invalid_redirect_uri"},
		{"wrap-id", "fail-trap", minimal, scripts.ShadowCounts{Failed: 3}, "server_error"},
		{"refuse-redirect-host", "overrule", `{"redirect_uris":["https://evil.example/cb"]}`,
			scripts.ShadowCounts{Same: 3}, ""},
	} {
		t.Run(tt.shadow, func(t *testing.T) {
			t.Parallel()
			got := shadowed(t, tt.acting, tt.shadow, tt.body, 3)
			if got.ShadowCounts != tt.want || got.Deployment != 1 {
				t.Errorf("got %+v, want %+v", got.ShadowCounts, tt.want)
			}
			if tt.says == "" && len(got.Differences) > 0 {
				t.Errorf("differences: %s", got.Differences[0].Changes)
			}
			if tt.says != "" &&
				(len(got.Differences) != 3 || !strings.Contains(string(got.Differences[0].Changes), tt.says)) {
				t.Errorf("differences: %+v, want %s in them", got.Differences, tt.says)
			}
		})
	}
}

// Neither secrets nor values of extension members are stored.
func TestShadowKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	const body = `{"redirect_uris":["https://app.example/cb"],` +
		`"api_key":"unlisted-value","listed":"listed-value","client_secret":"sent-secret"}`
	got := shadowed(t, "wrap-id", "patch-metadata", body, 2)
	for _, d := range got.Differences {
		for _, secret := range []string{"unlisted-value", "listed-value", "sent-secret"} {
			if strings.Contains(string(d.Changes), secret) {
				t.Errorf("%s is kept: %s", secret, d.Changes)
			}
		}
	}
}

// Registrations do not wait for a shadow that never ends. Those beyond the queue are dropped.
func TestShadowDoesNotDelayRegistrations(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepFuel, c.RegistrationFuel = 1<<60, 1<<60 })
	s := b.script("fail-spin")
	s.Mode = scripts.ModeShadow
	b.deploy(s)
	for range 300 {
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
	}
	b.close() // stores the results
	list, err := b.store.Shadows(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	// 256 fit the queue. Closing interrupts the shadow that runs, which counts as dropped too.
	if len(list) != 1 || list[0].Dropped < 300-256 {
		t.Errorf("got %+v, want at least 44 dropped", list)
	}
}

// BenchmarkShadow measures registrations with and without a script in shadow mode.
func BenchmarkShadow(b *testing.B) {
	for name, mode := range map[string]scripts.Mode{"without": "", "with": scripts.ModeShadow} {
		b.Run(name, func(b *testing.B) {
			bench := newBench(b, engine.Options{})
			e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: bench.host.Overrides})
			if err != nil {
				b.Fatal(err)
			}
			bench.engine = e
			list := []scripts.Script{bench.script("wrap-id")}
			if mode != "" {
				s := bench.script("c-id-and-secret")
				s.Mode = mode
				list = append(list, s)
			}
			bench.deploy(list...)
			for b.Loop() {
				if _, err := bench.register(minimal); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
