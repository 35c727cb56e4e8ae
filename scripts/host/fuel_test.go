package host_test

import (
	"errors"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// fuelOf returns the fuel that each script used in a step, by name.
func fuelOf(t *testing.T, b *bench, step string, names ...string) map[string]int64 {
	t.Helper()
	var list []scripts.Script
	for _, name := range names {
		list = append(list, b.script(name))
	}
	run, err := b.host.DryRun(t.Context(), b.engine, mustParse(), &engine.Caller{Auth: engine.AuthNone}, list)
	if err != nil {
		t.Fatal(err)
	}
	fuel := map[string]int64{}
	for _, s := range run.Steps {
		if s.Step == step && s.Fuel != nil {
			fuel[s.Script] = *s.Fuel
		}
	}
	return fuel
}

// Fuel counts instructions and the cost of host functions. It does not depend on the machine, or on other scripts.
func TestFuelIsExact(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	single := fuelOf(t, b, "add_client_id", "prefix-id")["prefix-id"]
	if want := int64(1010); single != want {
		t.Errorf("prefix-id used %d, want %d", single, want)
	}
	outer := fuelOf(t, b, "add_client_id", "wrap-id", "prefix-id")["wrap-id"]
	for range 5 {
		both := fuelOf(t, b, "add_client_id", "wrap-id", "prefix-id")
		if both["prefix-id"] != single {
			t.Errorf("prefix-id used %d within wrap-id, want %d", both["prefix-id"], single)
		}
		if both["wrap-id"] != outer || outer <= 0 {
			t.Errorf("wrap-id used %d, want %d as before", both["wrap-id"], outer)
		}
	}
	spin := fuelOf(t, b, "add_client_id", "fail-spin")["fail-spin"]
	if spin < 25_000_000 || spin > 25_000_010 {
		t.Errorf("an endless loop used %d, want 25,000,000", spin)
	}
}

// A deployment gives a script fuel of its own, which its registrations have beside the others'.
func TestScriptsHaveFuelOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepFuel, c.RegistrationFuel = 1_000_000, 1_000_000 })
	spin := b.script("fail-spin")
	for _, fuel := range []int64{500_000, 3_000_000} {
		spin.Fuel = fuel
		run, err := b.host.DryRun(t.Context(), b.engine, mustParse(), &engine.Caller{Auth: engine.AuthNone},
			[]scripts.Script{spin})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range run.Steps {
			if s.Script == spin.Name && (*s.Fuel < fuel || *s.Fuel > fuel+10) {
				t.Errorf("an endless loop with a fuel of %d used %d", fuel, *s.Fuel)
			}
		}
	}
	for _, fuel := range []int64{-1, scripts.MaxFuel + 1} {
		spin.Fuel = fuel
		_, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{spin}}, nil)
		if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
			!strings.Contains(rejected.Error(), "it must be 1 to 1125899906842624 instructions") {
			t.Errorf("a fuel of %d: got %v, want a rejection", fuel, err)
		}
	}
}

// All scripts of a registration share its fuel.
func TestRegistrationsFuelIsShared(t *testing.T) {
	t.Parallel()
	both := func(fuel int64) error {
		b := newBench(t, engine.Options{}, func(c *host.Config) { c.RegistrationFuel = fuel })
		b.deployFixtures("accept-all", "c-id-and-secret")
		_, err := b.register(minimal)
		return err
	}
	if err := both(1_000_000); err != nil {
		t.Fatal(err)
	}
	err := both(1_000)
	failure, ok := errors.AsType[*host.ScriptError](err)
	if !ok || !strings.Contains(failure.Reason, "it ran out of fuel") {
		t.Errorf("got %v, want a script that ran out of fuel", err)
	}
}
