package cli

import (
	"strings"
	"testing"
	"time"

	"registrar/server/adminapi"
)

// A token is named by its ID, or by its label where that names one of those that are valid.
func TestNamedToken(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	past, future := now, now.Add(time.Second)
	tokens := []adminapi.AdminToken{
		{ID: "1", Label: "Ada"},
		{ID: "2", Label: "CI", ExpiresAt: &past},
		{ID: "3", Label: "CI", ExpiresAt: &future},
		{ID: "4", Label: "old", ExpiresAt: &past},
		{ID: "5", Label: "two"},
		{ID: "6", Label: "two"},
		{ID: "7", Label: "1"},
		{ID: "8", Label: "gone", ExpiresAt: &past},
		{ID: "9", Label: "gone", ExpiresAt: &past},
	}
	for name, want := range map[string]string{
		"1": "1", "Ada": "1", "CI": "3", "2": "2", "old": "4", "6": "6",
		"two":  "2 tokens have this label: name one by its ID: 5, 6",
		"gone": "name one by its ID: 8, 9",
		"ada":  "no token has this ID or label",
		"":     "no token has this ID or label",
	} {
		got, err := namedToken(tokens, name, now)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && got.ID != want {
			t.Errorf("%q: got %q and %v, want %q", name, got.ID, err, want)
		}
	}
}
