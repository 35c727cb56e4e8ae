package registrar

import (
	"strings"
	"testing"
)

func TestTagged(t *testing.T) {
	var rows []struct {
		Member, Object string
		Forms          [][2]string
	}
	vectors(t, "tagged.json", &rows)
	for _, row := range rows {
		var got [][2]string
		for _, form := range Value(row.Object).Tagged(row.Member) {
			got = append(got, [2]string{form.Tag, form.Value.Text()})
			if Value(row.Object).Get(form.Name) != form.Value {
				t.Errorf("%s: %q is not the name of %s", row.Object, form.Name, form.Value)
			}
		}
		if len(got) != len(row.Forms) {
			t.Errorf("%s: got %q, want %q", row.Object, got, row.Forms)
			continue
		}
		for i := range got {
			if got[i] != row.Forms[i] {
				t.Errorf("%s: got %q, want %q", row.Object, got, row.Forms)
			}
		}
	}
}

func TestChecksums(t *testing.T) {
	var rows []struct {
		Text   string
		CRC32  uint32
		Base62 string
	}
	vectors(t, "checksums.json", &rows)
	for _, row := range rows {
		if got := CRC32(row.Text); got != row.CRC32 || EncodeBase62(got) != row.Base62 {
			t.Errorf("%q: got %d, %s, want %d, %s", row.Text, got, EncodeBase62(got), row.CRC32, row.Base62)
		}
	}
	if got := EncodeBase62(1<<32 - 1); got != "4gfFC3" {
		t.Errorf("got %s", got)
	}
}

// Of all 256 bytes, as many give each character; the others are replaced.
func TestRandomTextIsUnbiased(t *testing.T) {
	ascii := make([]byte, 128)
	for i := range ascii {
		ascii[i] = byte(i)
	}
	for size := 2; size <= len(ascii); size++ {
		alphabet := string(ascii[:size])
		next, drawn := 0, 0
		text := randomText(alphabet, 256-256%size, func(b []byte) {
			for i := range b {
				b[i] = byte(next)
				next++
			}
			drawn += len(b)
		})
		for i := range size {
			if got, want := strings.Count(text, alphabet[i:i+1]), 256/size; got != want {
				t.Fatalf("an alphabet of %d: %q is there %d times, want %d", size, alphabet[i], got, want)
			}
		}
		if want := 256 - 256%size; drawn != want {
			t.Errorf("an alphabet of %d: %d bytes were drawn, want %d", size, drawn, want)
		}
	}
}

func TestRandomTextReplacesBytes(t *testing.T) {
	source := []byte{255, 0, 248, 61, 250, 247, 249, 62, 1}
	got := randomText(Base62, 4, func(b []byte) { source = source[copy(b, source):] })
	if got != "0zz0" {
		t.Errorf("got %q", got)
	}
	if len(source) != 1 {
		t.Errorf("%d bytes are left", len(source))
	}
}

func TestRandomTextRefuses(t *testing.T) {
	for _, tt := range []struct {
		alphabet string
		n        int
		want     string
	}{
		{"ab", 0, ""}, {"ab", MaxRandomText, ""}, {"ab", -1, "length"}, {"ab", MaxRandomText + 1, "length"},
		{"", 1, "2 characters"}, {"a", 1, "2 characters"}, {"aba", 1, "twice"}, {"aé", 1, "ASCII"},
		{strings.Repeat("ab", 500), 1, "twice"},
	} {
		if got := textProblem(tt.alphabet, tt.n); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%q, %d: got %q, want %q", tt.alphabet, tt.n, got, tt.want)
		}
	}
	defer func() {
		if got, _ := recover().(string); !strings.Contains(got, "twice") {
			t.Errorf("got %q", got)
		}
	}()
	RandomText("aa", 1)
}
