package duration

import (
	"encoding"
	"math"
	"strings"
	"testing"
	"time"
)

var (
	_ encoding.TextUnmarshaler = new(Duration)
	_ encoding.TextMarshaler   = Duration(0)
)

func TestParse(t *testing.T) {
	const day = 24 * time.Hour
	for s, want := range map[string]struct {
		duration time.Duration
		written  string
	}{
		"90d":               {90 * day, "90d"},
		"1d12h":             {36 * time.Hour, "1d12h"},
		"36h":               {36 * time.Hour, "1d12h"},
		"1.5d":              {36 * time.Hour, "1d12h"},
		".5d":               {12 * time.Hour, "12h"},
		"0.5d0.5h":          {12*time.Hour + 30*time.Minute, "12h30m"},
		"1d1ns":             {day + 1, "1d1ns"},
		"1d1h1m1s1ms":       {25*time.Hour + time.Minute + time.Second + time.Millisecond, "1d1h1m1.001s"},
		"24h":               {day, "1d"},
		"0":                 {0, "0s"},
		"0d":                {0, "0s"},
		"0s":                {0, "0s"},
		"10m":               {10 * time.Minute, "10m"},
		"1h0m5s":            {time.Hour + 5*time.Second, "1h0m5s"},
		"10h":               {10 * time.Hour, "10h"},
		"10s":               {10 * time.Second, "10s"},
		"1.5s":              {1500 * time.Millisecond, "1.5s"},
		"-1d12h":            {-36 * time.Hour, "-1d12h"},
		"+2d":               {2 * day, "2d"},
		"-3m":               {-3 * time.Minute, "-3m"},
		"106751d23h47m16s":  {106751*day + 23*time.Hour + 47*time.Minute + 16*time.Second, "106751d23h47m16s"},
		"2562047h47m16.85s": {math.MaxInt64 - 4775807, "106751d23h47m16.85s"},
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(s)); err != nil || time.Duration(d) != want.duration ||
			d.String() != want.written {
			t.Errorf("%s: got %s (%d ns) and %v, want %s (%d ns)", s, d, int64(d), err, want.written,
				int64(want.duration))
		}
		if again, err := Parse(d.String()); again != d || err != nil {
			t.Errorf("%s, formatted and parsed again: got %s and %v", s, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", "d", "1", "1D", "1 d", " 1d", "1d ", "d1", "1d12", "1d-12h", "1d+12h", "--1d", "+-1d", "1h1d", "1d1d",
		"1.2.3d", "1e3d", ".d",
		"1w", "forever", "1_000d", "106752d", "106751d24h", "999999999999999999999d", "3000000h", "1d3000000h", "٣d",
	} {
		d := Duration(7)
		err := d.UnmarshalText([]byte(s))
		if err == nil || d != 7 || s != "" && !strings.Contains(err.Error(), s) {
			t.Errorf("%q: got %s and %v, want an error that quotes it", s, d, err)
		}
	}
}

func TestStringOfTheMinimum(t *testing.T) {
	if got, want := Duration(math.MinInt64).String(), "-106751d23h47m16.854775808s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
