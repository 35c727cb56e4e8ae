package hostfuncs

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// docs/abi.md lists what each function costs.
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
			t.Errorf("%s costs %d, documented are %d", f.Name, f.Fuel, want)
		}
		delete(prices, f.Name)
	}
	for name := range prices {
		t.Errorf("%s has a price, but is no function", name)
	}
}

// What a function is handed costs too.
func TestFunctionsCharge(t *testing.T) {
	g := newGuest(t, "set_scopes")
	var charged int64
	g.call.Meter = charges{&charged}
	g.must(50, "read_request", 64, 1600)
	if charged != 100 {
		t.Errorf("a buffer of 1,600 bytes costs %d, want 100", charged)
	}
	charged = 0
	g.write(0, `{"scope":"a"}`)
	g.must(0, "patch_client", 0, 13)
	if want := int64(50 * (13 + 50)); charged != want {
		t.Errorf("a patch of 13 bytes of a request of 50 costs %d, want %d", charged, want)
	}
}

// charges adds up what is charged.
type charges struct{ sum *int64 }

func (c charges) Charge(fuel int64) { *c.sum += fuel }

func (charges) Event(uint32) {}
