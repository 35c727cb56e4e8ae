package engine

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"
)

// The examples of RFC 3492 §7.1, in lower case, and labels that are none.
func TestPunycode(t *testing.T) {
	for encoded, want := range map[string]string{
		"egbpdaj6bu4bxfgehfvwxn":                        "ليهمابتكلموشعربي؟",
		"ihqwcrb4cv8a8dqg056pqjye":                      "他们为什么不说中文",
		"ihqwctvzc91f659drss3x8bo0yb":                   "他們爲什麽不說中文",
		"proprostnemluvesky-uyb24dma41a":                "pročprostěnemluvíčesky",
		"4dbcagdahymbxekheh6e0a7fei0b":                  "למההםפשוטלאמדבריםעברית",
		"b1abfaaepdrnnbgefbadotcwatmq2g4l":              "почемужеонинеговорятпорусски",
		"porqunopuedensimplementehablar-fmd":            "", // without the rest of the name
		"porqunopuedensimplementehablarenespaol-fmd56a": "porquénopuedensimplementehablarenespañol",
		"4ca": "ä", "mnchen-3ya": "münchen",
		"": "", "a": "", "0": "", "7ba": "", "app-": "", "-": "", "-app": "", "-11a": "", "a_b": "", "99999999": "",
	} {
		runes, decoded := decodePunycode(encoded, nil)
		valid := validPunycode(encoded)
		if want == "" && valid || want != "" && (!decoded || !valid || string(runes) != want) {
			t.Errorf("%q: got %q, %v, %v, want %q", encoded, string(runes), decoded, valid, want)
		}
	}
}

// Every letter that browsers write in punycode is valid.
func TestEveryLetterOfDomainNamesIsValid(t *testing.T) {
	tried := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue
		}
		written, err := browserNames.ToASCII("a" + string(r) + "a")
		back, _ := idna.Punycode.ToUnicode(written)
		if err != nil || back != "a"+string(r)+"a" {
			continue // not written so
		}
		tried++
		if problem := hostProblem(written, true); problem != "" {
			t.Errorf("%U, %s: %s", r, written, problem)
		}
	}
	if tried < 10_000 {
		t.Errorf("tried %d letters", tried)
	}
}

// FuzzPunycode compares labels with the library: what it decodes to a name is valid, and what it cannot decode is not.
func FuzzPunycode(f *testing.F) {
	for _, encoded := range []string{"4ca", "mnchen-3ya", "a", "0", "7ba", "app-", "-app", "99999999",
		"ihqwcrb4cv8a8dqg056pqjye"} {
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		encoded = strings.ToLower(encoded)
		if label := "xn--" + encoded; strings.Contains(encoded, ".") || nameProblem(label) != "" &&
			validPunycode(encoded) {
			return // wrong in another way
		}
		valid := validPunycode(encoded)
		decoded, err := idna.Punycode.ToUnicode("xn--" + encoded)
		if valid && (err != nil || decoded == "xn--"+encoded) {
			t.Errorf("%q is valid, but %q, %v", encoded, decoded, err)
		}
		written, err := browserNames.ToASCII("xn--" + encoded)
		if err == nil && written == "xn--"+encoded && !valid {
			t.Errorf("%q is not valid, but %q", encoded, decoded)
		}
	})
}
