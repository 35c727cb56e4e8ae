// Package duration parses and formats durations with days, such as 90d, for flags and configurations.
package duration

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// day is 24 hours, regardless of daylight saving time.
const day = 24 * time.Hour

// A Duration is a [time.Duration] that is formatted with days. Convert it to use it.
type Duration time.Duration

// Parse reads what [time.ParseDuration] reads, and days of 24 hours before the other units: 90d, 1d12h, 1.5d. The error
// quotes s.
func Parse(s string) (Duration, error) {
	number, rest, found := strings.Cut(s, "d")
	if !found {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, malformed(s)
		}
		return Duration(d), nil
	}
	unsigned := strings.TrimLeft(number, "+-")
	if strings.Trim(unsigned, "0123456789.") != "" || strings.ContainsAny(rest, "+-") {
		return 0, malformed(s)
	}
	days, err := time.ParseDuration(unsigned + "h")
	if err != nil || len(number)-len(unsigned) > 1 {
		return 0, malformed(s)
	}
	var others time.Duration
	if rest != "" {
		if others, err = time.ParseDuration(rest); err != nil {
			return 0, malformed(s)
		}
	}
	if days > (math.MaxInt64-others)/24 {
		return 0, malformed(s)
	}
	d := Duration(24*days + others)
	if strings.HasPrefix(number, "-") {
		d = -d
	}
	return d, nil
}

func malformed(s string) error {
	return fmt.Errorf("%q is not a duration such as 90d, 1d12h, 15m or 1.5s, of at most 292 years", s)
}

// UnmarshalText reads what [Parse] reads.
func (d *Duration) UnmarshalText(b []byte) error {
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalText returns what String returns.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String formats d with whole days first and without units that are zero: 90d, 1d12h, 15m, 0s. [Parse] reads it.
func (d Duration) String() string {
	t := time.Duration(d)
	days, rest := t/day, t%day
	if days == 0 {
		return trim(t.String())
	}
	s := fmt.Sprintf("%dd", int64(days))
	if rest != 0 {
		s += trim(rest.Abs().String())
	}
	return s
}

// trim removes a trailing 0s, and a trailing 0m, if another unit is left.
func trim(s string) string {
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}
