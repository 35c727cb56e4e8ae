package cli

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-01-31":                time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC),
		"2026-01-31T12:00:00+01:00": time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC),
	} {
		var m moment
		if err := m.UnmarshalText([]byte(text)); err != nil || !m.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, m, err, want)
		}
	}
	var ago moment
	before := time.Now()
	if err := ago.UnmarshalText([]byte("90d")); err != nil || ago.Before(before.Add(-90*24*time.Hour)) ||
		ago.After(time.Now().Add(-90*24*time.Hour)) {
		t.Errorf("90d: got %v, %v", ago, err)
	}
	for _, text := range []string{"soon", "-1d", "2026-02-30", "31.1.2026"} {
		if err := new(moment).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}
