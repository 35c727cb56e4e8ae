package metering_test

import (
	"math"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// Instantiation drops active data segments (WebAssembly 2.0 §4.5.4): memory.init copies nothing of them, and traps
// unless it is told to. Passive ones are there until they are dropped.
func TestMemoryInitOfActiveSegments(t *testing.T) {
	for _, tt := range []struct {
		name                string
		segment, from, size int
		to                  int
		want                string // what is at 8, "" where it traps
	}{
		{"active", 0, 0, 4, 8, ""},
		{"active, a byte", 0, 3, 1, 8, ""},
		{"active, nothing", 0, 0, 0, 8, "\x00\x00\x00\x00"},
		{"active, nothing from beyond", 0, 1, 0, 8, ""},
		{"active, nothing to the end", 0, 0, 0, 65_536, "\x00\x00\x00\x00"},
		{"active, nothing to beyond", 0, 0, 0, 65_537, ""},
		{"passive", 1, 0, 4, 8, "pass"},
		{"passive, too much", 1, 0, 5, 8, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			number := func(n int) string { return "\x41" + slebOf(int64(n)) }
			body := "\x00" + number(tt.to) + number(tt.from) + number(tt.size) + "\xfc\x08" + ulebOf(tt.segment) +
				"\x00\x0b"
			wasm := header + sectionOf(1, "\x60\x00\x00") + sectionOf(3, "\x00") + sectionOf(5, "\x00\x01") +
				sectionOf(7, bytesOf("f")+"\x00\x00", bytesOf("memory")+"\x02\x00") + "\x0c\x01\x02" +
				sectionOf(10, bytesOf(body)) + sectionOf(11, "\x00\x41\x00\x0b"+bytesOf("acti"), "\x01"+bytesOf("pass"))
			r := newRuntime(t, wazero.NewRuntimeConfig(), &meter{slice: 1000, budget: math.MaxInt64})
			guest, err := r.Instantiate(t.Context(), rewrite(t, []byte(wasm)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = guest.ExportedFunction("f").Call(t.Context())
			got, _ := guest.Memory().Read(8, 4)
			switch {
			case tt.want == "" && (err == nil || !strings.Contains(err.Error(), "out of bounds memory access")):
				t.Errorf("got %q, %v; want a trap", got, err)
			case tt.want != "" && (err != nil || string(got) != tt.want):
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
			if start, _ := guest.Memory().Read(0, 4); string(start) != "acti" {
				t.Errorf("the memory begins with %q", start)
			}
		})
	}
}
