package hostfuncs

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"registrar/engine"
)

// docs/abi.md lists the fuel of each function.
func TestPricesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "| host function | fuel |\n|---|---|\n")
	if !found {
		t.Fatal("docs/abi.md has no table of prices")
	}
	prices := map[string]int64{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			break
		}
		price, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(cells[2]), ",", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		prices[strings.Trim(cells[1], " `")] = price
	}
	rest := prices["every other one"]
	delete(prices, "every other one")
	for _, f := range Functions() {
		want, listed := prices[f.Name]
		if !listed {
			want = rest
		}
		if f.Fuel != want {
			t.Errorf("%s costs %d, docs/abi.md says %d", f.Name, f.Fuel, want)
		}
		delete(prices, f.Name)
	}
	for name := range prices {
		t.Errorf("docs/abi.md has a price of %s, which is not a function", name)
	}
}

// Functions charge for the data that they receive and work on.
func TestFunctionsCharge(t *testing.T) {
	g := newGuest(t, "set_scopes")
	costs := func(want int64, name string, args ...uint64) {
		t.Helper()
		var charged int64
		g.call.Meter = charges{&charged}
		if _, err := g.run(name, args...); err != nil {
			t.Fatal(err)
		}
		if charged != want {
			t.Errorf("%s charges %d, want %d", name, charged, want)
		}
	}
	const request, patch = 50, 13 // bytes
	g.write(0, `{"scope":"a"}`)
	costs(100, "read_request", 64, 1600)
	costs(4*request+100, "read_client", 64, 1600)
	costs(4*int64(len(`{"auth":"none"}`))+100, "read_caller", 64, 1600)
	costs(50*patch+16*request, "patch_client", 0, patch)

	// A small patch works on all of the metadata, which other patches made large.
	large := []byte(`{"client_name#de":"` + strings.Repeat("x", 100<<10) + `"}`)
	for range 2 {
		if err := g.call.Registration.PatchMetadata(engine.Patcher{Step: "set_scopes"}, large); err != nil {
			t.Fatal(err)
		}
	}
	size := int64(g.call.Registration.MetadataSize())
	if size < 100<<10 {
		t.Fatalf("the metadata has %d bytes", size)
	}
	costs(50*patch+16*size, "patch_client", 0, patch)
	costs(4*size+100, "read_client", 64, 1600)
	if _, fuel, err := g.call.NewCommand(); err != nil || fuel < (4+16)*size {
		t.Errorf("a run of a program costs %d for metadata of %d bytes, %v; want at least 20 a byte", fuel, size, err)
	}
}

// charges is a Meter that sums up charges.
type charges struct{ sum *int64 }

func (c charges) Charge(fuel int64) { *c.sum += fuel }

func (charges) Event(uint32) {}
