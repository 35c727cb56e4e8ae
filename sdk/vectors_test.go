package sdk_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// vectors reads a file of the test vectors.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors/" + name)
	if err == nil {
		err = json.Unmarshal(b, into, json.MatchCaseInsensitiveNames(true))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// configured returns a config whose step set_client_name has an action, with another member.
func configured(t *testing.T, action string, members map[string]any) jsontext.Value {
	t.Helper()
	members["steps"] = map[string]string{"set_client_name": action}
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestURIs(t *testing.T) {
	var rows []struct{ URI, Parts string }
	vectors(t, "uris.json", &rows)
	label := strings.Repeat("a", 63)
	name := strings.Repeat(label+".", 3) + strings.Repeat("a", 61)
	rows = append(rows, []struct{ URI, Parts string }{
		{"https://" + name, "https - " + name + " - - - -"},
		{"https://a" + name, ""}, {"https://a" + label + ".example", ""},
		{"app://a" + name, "app - a" + name + " - - - -"},
	}...)
	const most = 60 // of the 64 items that a registration may have
	forEach(t, func(t *testing.T, k *kit) {
		for from := 0; from < len(rows); from += most {
			part := rows[from:min(from+most, len(rows))]
			var uris []string
			for _, row := range part {
				uris = append(uris, row.URI)
			}
			got := k.registerConfigs(usual, configured(t, "uris", map[string]any{"uris": uris}))
			got.done(t)
			for i, row := range part {
				if item := got.registration.Items[strconv.Itoa(i)]; item != row.Parts {
					t.Errorf("%q: got %q, want %q", row.URI, item, row.Parts)
				}
			}
		}
	})
}

// A script sees the names of a client in all languages.
func TestTagged(t *testing.T) {
	var rows []struct {
		Member, Object string
		Forms          [][2]string
	}
	vectors(t, "tagged.json", &rows)
	forEach(t, func(t *testing.T, k *kit) {
		for _, row := range rows {
			if row.Member != "client_name" || strings.Contains(row.Object, `"client_name#"`) ||
				strings.Contains(row.Object, `"client_name#JA"`) {
				continue // the server refuses it, or the client has no such member
			}
			body := `{"redirect_uris":["https://app.example/cb"]` + strings.Replace(row.Object[1:], `"`, `,"`, 1)
			got := k.registerConfigs(body, configured(t, "tagged", map[string]any{"member": row.Member}))
			got.done(t)
			want := map[string]bool{}
			for _, form := range row.Forms {
				name := row.Member + "#" + form[0]
				switch {
				case form[0] == "":
					name = row.Member
				case form[1] == "":
					continue // the server drops it
				}
				want[name+" "+form[0]+" "+form[1]] = true
			}
			lines := map[string]bool{}
			for _, line := range got.texts() {
				lines[line] = true
			}
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Errorf("%s: %s", row.Object, diff)
			}
			if len(row.Forms) > 0 && row.Forms[0][0] == "" && !strings.HasPrefix(got.texts()[0], row.Member+"  ") {
				t.Errorf("%s: the form without a tag is not the first: %q", row.Object, got.texts())
			}
		}
	})
}

func TestChecksums(t *testing.T) {
	var rows []struct {
		Text   string
		CRC32  uint32
		Base62 string
	}
	vectors(t, "checksums.json", &rows)
	var texts, want []string
	for _, row := range rows {
		texts = append(texts, row.Text)
		want = append(want, fmt.Sprintf("%d %s", row.CRC32, row.Base62))
	}
	forEach(t, func(t *testing.T, k *kit) {
		got := k.registerConfigs(usual, configured(t, "checksums", map[string]any{"texts": texts}))
		got.done(t)
		if diff := cmp.Diff(want, got.texts()); diff != "" {
			t.Error(diff)
		}
	})
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// randomTextOf returns the n characters that random bytes which count on from a number give.
func randomTextOf(alphabet string, n, from int) string {
	var text []byte
	for ; len(text) < n; from++ {
		if b := from % 256; b < 256-256%len(alphabet) {
			text = append(text, alphabet[b%len(alphabet)])
		}
	}
	return string(text)
}

func TestRandomText(t *testing.T) {
	ascii := make([]byte, 128)
	for i := range ascii {
		ascii[i] = byte(i)
	}
	forEach(t, func(t *testing.T, k *kit) {
		k.random.count.Store(1)
		for _, tt := range []struct {
			alphabet string
			n        int
		}{
			{"ab", 8}, {base62, 600}, {base62, 0}, {string(ascii[:127]), 300},
		} {
			config := configured(t, "random_text", map[string]any{"alphabet": tt.alphabet, "length": tt.n})
			got := k.registerConfigs(usual, config)
			got.done(t)
			line, found := got.texts()[0], false
			for from := range 256 { // the instance's own random numbers come before
				found = found || line == randomTextOf(tt.alphabet, tt.n, from)
			}
			if !found {
				t.Errorf("an alphabet of %d, %d characters: got %q", len(tt.alphabet), tt.n, line)
			}
		}
		for _, tt := range []struct {
			alphabet string
			n        int
			want     string
		}{
			{"a", 1, "2 characters"}, {"aba", 1, "twice"}, {"aé", 1, "ASCII"}, {"ab", 4097, "0 to 4096"},
			{"ab", -1, "0 to 4096"},
		} {
			config := configured(t, "random_text", map[string]any{"alphabet": tt.alphabet, "length": tt.n})
			got := k.registerConfigs(usual, config)
			got.failed(t, "set_client_name", tt.want)
		}
	})
}
