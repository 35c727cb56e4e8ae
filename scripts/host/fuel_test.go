package host_test

import (
	"errors"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// fuelOf returns what each script spent in a step, by name.
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

// Fuel is the same every time, on every machine: instructions, and what host functions cost.
func TestFuelIsExact(t *testing.T) {
	b := newBench(t, engine.Options{})
	alone := fuelOf(t, b, "add_client_id", "prefix-id")["prefix-id"]
	if want := int64(1010); alone != want {
		t.Errorf("prefix-id spends %d, want %d", alone, want)
	}
	outer := fuelOf(t, b, "add_client_id", "wrap-id", "prefix-id")["wrap-id"]
	for range 5 {
		both := fuelOf(t, b, "add_client_id", "wrap-id", "prefix-id")
		if both["prefix-id"] != alone {
			t.Errorf("under wrap-id, prefix-id spends %d, alone %d", both["prefix-id"], alone)
		}
		if both["wrap-id"] != outer || outer <= 0 {
			t.Errorf("wrap-id spends %d, before %d", both["wrap-id"], outer)
		}
	}
	spin := fuelOf(t, b, "add_client_id", "fail-spin")["fail-spin"]
	if spin < 10_000_000 || spin > 10_000_010 {
		t.Errorf("an endless loop spent %d of 10,000,000", spin)
	}
}

// All scripts of a registration share what it may spend.
func TestRegistrationsFuelIsShared(t *testing.T) {
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
