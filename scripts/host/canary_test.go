package host_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

func from(ip string) *engine.Caller {
	return &engine.Caller{Auth: engine.AuthNone, IP: netip.MustParseAddr(ip)}
}

func fixedKey(context.Context) ([]byte, error) {
	return []byte("a key of the tests, 32 bytes long"), nil
}

// deployCanary deploys one script for all callers, and then another one for a share of them.
func deployCanary(t *testing.T, b *bench, first, second, share string) {
	t.Helper()
	b.deployFixtures(first)
	canary := b.script(second)
	canary.Canary = share
	b.deploy(canary)
}

// The caller decides whether the canary is in force, not the request.
func TestCanaryHasAShareOfTheCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.CanaryKey = fixedKey })
	deployCanary(t, b, "prefix-id", "c-id-and-secret", "30%")
	had := 0
	for i := range 400 {
		caller := from(fmt.Sprintf("198.51.%d.%d", i/200, i%200))
		var arm string
		for n := range 3 {
			body := fmt.Sprintf(`{"redirect_uris":["https://app.example/cb"],"client_name":"app %d"}`, n)
			r, err := b.registerAs(body, caller)
			if err != nil {
				t.Fatal(err)
			}
			prefix, _, _ := strings.Cut(r.Client.ID, "-")
			if want := map[string]int64{"acme": 1, "c": 2}[prefix]; r.Client.Provenance.Deployment != want {
				t.Fatalf("client_id %s by deployment %d", r.Client.ID, r.Client.Provenance.Deployment)
			}
			if arm != "" && arm != prefix {
				t.Fatalf("caller %s is in both arms", caller.IP)
			}
			arm = prefix
		}
		if arm == "c" {
			had++
		}
	}
	if had < 80 || had > 160 {
		t.Errorf("the canary is in force for %d of 400 callers, want about 120", had)
	}
}

// Addresses of one IPv6 /64 are one caller. A subject is one caller at any address.
func TestCanaryCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.CanaryKey = fixedKey })
	deployCanary(t, b, "prefix-id", "c-id-and-secret", "50%")
	arms := func(callers ...*engine.Caller) map[string]bool {
		seen := map[string]bool{}
		for _, c := range callers {
			r, err := b.registerAs(minimal, c)
			if err != nil {
				t.Fatal(err)
			}
			prefix, _, _ := strings.Cut(r.Client.ID, "-")
			seen[prefix] = true
		}
		return seen
	}
	var one, many, subject []*engine.Caller
	for i := range 40 {
		one = append(one, from(fmt.Sprintf("2001:db8::%x", i+1)))
		many = append(many, from(fmt.Sprintf("2001:db8:0:%x::1", i+1)))
		c := from(fmt.Sprintf("198.51.100.%d", i+1))
		c.Auth, c.Issuer, c.Subject = "jwt", "https://issuer.example", "subject-1"
		subject = append(subject, c)
	}
	if n := len(arms(one...)); n != 1 {
		t.Errorf("one /64 is in %d arms, want 1", n)
	}
	if n := len(arms(many...)); n != 2 {
		t.Errorf("40 different /64 are in %d arms, want 2", n)
	}
	if n := len(arms(subject...)); n != 1 {
		t.Errorf("one subject is in %d arms, want 1", n)
	}
}

// A canary falls back once it failed for enough callers. One caller cannot cause that, and only canaries fall back.
func TestCanaryFallsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.CanaryKey, c.CanaryCallers = fixedKey, 3 })
	deployCanary(t, b, "prefix-id", "fail-trap", "100%")
	for range 20 {
		if _, err := b.registerAs(minimal, from("198.51.100.1")); err == nil {
			t.Fatal("the canary did not fail")
		}
	}
	if n, _ := b.host.Current(); n != 2 {
		t.Fatalf("deployment %d is in force after failures for one caller, want 2", n)
	}
	for i := range 10 {
		_, _ = b.registerAs(minimal, from(fmt.Sprintf("198.51.100.%d", i+2)))
	}
	await(t, "the fallback to the older deployment", func() bool { n, _ := b.host.Current(); return n == 3 })
	d, err := b.store.CurrentDeployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.CopyOf != 1 || d.CreatedBy != "canary" || !strings.Contains(d.Comment, "fail-trap failed for 3 callers") {
		t.Errorf("the fallback is %+v, want a copy of 1 by canary, with the script and 3 callers in its comment", d)
	}
	r, err := b.registerAs(minimal, from("198.51.100.1"))
	if err != nil || !strings.HasPrefix(r.Client.ID, "acme-") {
		t.Errorf("registering after the fallback: %v", err)
	}

	b.deployFixtures("fail-trap")
	for i := range 10 {
		_, _ = b.registerAs(minimal, from(fmt.Sprintf("198.51.100.%d", i+1)))
	}
	b.close() // waits for fallbacks
	if n, err := b.store.CurrentDeploymentNumber(t.Context()); n != 4 || err != nil {
		t.Errorf("deployment %d is in force, %v; want 4, which has no canary to fall back from", n, err)
	}
}

// Callers outside the share of the first deployment get the built-in steps.
func TestCanaryIsTheFirstDeployment(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.CanaryKey = fixedKey })
	canary := b.script("prefix-id")
	canary.Canary = "50%"
	b.deploy(canary)
	canary.Canary = "60%"
	b.deploy(canary) // the baseline is still number 0: a canary is not a baseline
	seen := map[int64]bool{}
	for i := range 40 {
		r, err := b.registerAs(minimal, from(fmt.Sprintf("198.51.100.%d", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		if scripted := strings.HasPrefix(r.Client.ID, "acme-"); scripted != (r.Client.Provenance.Deployment == 2) {
			t.Errorf("client_id %s by deployment %d", r.Client.ID, r.Client.Provenance.Deployment)
		}
		seen[r.Client.Provenance.Deployment] = true
	}
	if !seen[0] || !seen[2] || len(seen) != 2 {
		t.Errorf("clients of the deployments %v, want 0 and 2", seen)
	}
}

func TestCanaryIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	one, two := b.script("prefix-id"), b.script("accept-all")
	for _, tt := range []struct {
		modes, shares [2]string
		want          string
	}{
		{shares: [2]string{"0%", ""}, want: "above 0% and at most 100%"},
		{shares: [2]string{"101%", ""}, want: "above 0% and at most 100%"},
		{shares: [2]string{"5", ""}, want: "such as \"5%\""},
		{shares: [2]string{"NaN%", ""}, want: "such as \"5%\""},
		{modes: [2]string{"canary", ""}, want: "such as \"5%\""},
		{shares: [2]string{"5%", "6%"}, want: "the same share"},
		{modes: [2]string{"shadow", ""}, shares: [2]string{"5%", ""}, want: "requires mode canary"},
		{modes: [2]string{"sometimes", ""}, want: "enforce, shadow or canary"},
	} {
		list := []scripts.Script{one, two}
		for i := range list {
			list[i].Mode, list[i].Canary = scripts.Mode(tt.modes[i]), tt.shares[i]
		}
		_, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: list}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v %v: got %v, want %q", tt.modes, tt.shares, err, tt.want)
		}
	}
}

// await polls until done returns true. It fails the test after a minute.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("waited a minute in vain for ", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// One network cannot end a canary by requests that take more fuel than there is, with whatever addresses and subjects.
func TestCanaryFallsBackByFuelForNetworks(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) {
		c.CanaryKey, c.CanaryCallers, c.StepFuel = fixedKey, 3, 100_000
	})
	deployCanary(t, b, "prefix-id", "fail-spin", "100%")
	fail := func(c *engine.Caller) {
		t.Helper()
		if _, err := b.registerAs(minimal, c); err == nil {
			t.Fatal("the canary did not fail")
		}
	}
	for i := range 6 {
		fail(from(fmt.Sprintf("198.51.100.%d", i+1)))
		fail(from(fmt.Sprintf("2001:db8:1:%d::1", i+1)))
		subject := from("198.51.100.1")
		subject.Auth, subject.Issuer, subject.Subject = "jwt", "https://issuer.example", fmt.Sprintf("subject-%d", i)
		fail(subject)
	}
	if n, _ := b.host.Current(); n != 2 {
		t.Fatalf("deployment %d is in force after failures in two networks, want 2", n)
	}
	fail(from("203.0.113.1"))
	await(t, "the fallback to the older deployment", func() bool { n, _ := b.host.Current(); return n == 3 })
	d, err := b.store.CurrentDeployment(t.Context())
	if err != nil || !strings.Contains(d.Comment, "fail-spin ran out of fuel for 3 networks") {
		t.Errorf("the fallback is %+v, %v; want the fuel and 3 networks in its comment", d, err)
	}
}
