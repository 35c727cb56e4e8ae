package displaytext

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"
)

func TestProblem(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want string // part of the problem; "" means none
	}{
		"ASCII":                         {"Editor 2.0 (beta)", ""},
		"one letter":                    {"x", ""},
		"accents":                       {"Café Ñandú", ""},
		"combining accent":              {"Cafe\u0301", ""},
		"Japanese":                      {"アプリ", ""},
		"ideographic space inside":      {"山田\u3000太郎", ""},
		"Arabic with a mark":            {"\u061cتطبيق", ""},
		"Hebrew with marks":             {"\u200fיישום\u200e (beta)", ""},
		"Arabic number sign":            {"\u0600", ""},
		"private use":                   {"\uf8ff", ""},
		"line feed":                     {"a\nb", "control character U+000A at byte 1"},
		"tab":                           {"a\tb", "control character U+0009 at byte 1"},
		"null":                          {"\x00", "control character U+0000 at byte 0"},
		"delete":                        {"ab\x7f", "control character U+007F at byte 2"},
		"control of Latin 1":            {"é\u0085", "control character U+0085 at byte 2"},
		"last control of Latin 1":       {"\u009f", "control character U+009F at byte 0"},
		"no-break space after a letter": {"a\u00a0", ""},
		"control after letters":         {"アプリ\x1b[2J", "control character U+001B at byte 9"},
		"line separator":                {"a\u2028b", "separator U+2028 at byte 1"},
		"paragraph separator":           {"a\u2029b", "separator U+2029 at byte 1"},
		"embedding":                     {"a\u202ab", "U+202A at byte 1, which embeds"},
		"override":                      {"exe.\u202egpj", "U+202E at byte 4, which embeds"},
		"pop":                           {"a\u202c", "U+202C at byte 1"},
		"isolate":                       {"a\u2066b", "U+2066 at byte 1, which embeds"},
		"pop isolate":                   {"a\u2069", "U+2069 at byte 1"},
		"soft hyphen":                   {"a\u00adb", "U+00AD at byte 1, which is invisible"},
		"zero width space":              {"a\u200bb", "U+200B at byte 1, which is invisible"},
		"word joiner":                   {"a\u2060b", "U+2060"},
		"byte order mark":               {"\ufeffa", "U+FEFF at byte 0"},
		"Hangul filler":                 {"a\u3164", "U+3164"},
		"Mongolian vowel separator":     {"a\u180e", "U+180E"},
		"Han variation":                 {"葛\U000e0100", "U+E0100 at byte 3"},
		"tags":                          {"a\U000e0061\U000e0062", "U+E0061 at byte 1"},
		"not UTF-8":                     {"aé\xff", "not UTF-8 at byte 3"},
		"not UTF-8 after an emoji":      {"🏑\xf0\x9f\x8f\xc1", "not UTF-8 at byte 4"},

		"empty":                 {"", nothingVisible},
		"spaces":                {"   ", nothingVisible},
		"no-break space":        {"\u00a0", nothingVisible},
		"ideographic space":     {" \u3000 ", nothingVisible},
		"marks":                 {"\u200e\u200f\u061c", nothingVisible},
		"braille blank":         {"\u2800\u2800", nothingVisible},
		"null notehead":         {"\U0001d159", nothingVisible},
		"braille":               {"\u2801", ""},
		"a letter after spaces": {" \u00a0x", ""},

		"Persian":                        {"می\u200cخواهم", ""},
		"Persian, twice":                 {"نمی\u200cخواهم می\u200cروم", ""},
		"Persian, with vowel marks":      {"مِی\u064e\u200c\u064eخواهم", ""},
		"Devanagari non-joiner":          {"क्\u200cष", ""},
		"Devanagari joiner":              {"क्\u200dष", ""},
		"Sinhala":                        {"ශ්\u200dරී ලංකාව", ""},
		"Malayalam chillu":               {"അവന്\u200d", ""},
		"non-joiner in Latin":            {"a\u200cb", "joiner U+200C at byte 1"},
		"joiner in Latin":                {"a\u200db", "joiner U+200D at byte 1"},
		"joiner in Arabic":               {"م\u200dی", "joiner U+200D at byte 2"},
		"non-joiner first":               {"\u200cخ", "joiner U+200C at byte 0"},
		"non-joiner last":                {"می\u200c", "joiner U+200C at byte 4"},
		"non-joiner before a space":      {"می\u200c خ", "joiner U+200C at byte 4"},
		"non-joiner before Latin":        {"می\u200cx", "joiner U+200C at byte 4"},
		"non-joiner after alef":          {"ا\u200cب", "joiner U+200C at byte 2"}, // alef joins only to the right
		"two non-joiners":                {"می\u200c\u200cخ", "joiner U+200C at byte 4"},
		"non-joiner, joiner":             {"می\u200c\u200dخ", "joiner U+200C at byte 4"},
		"non-joiner before an emoji":     {"می\u200c😀", "joiner U+200C at byte 4"},
		"two joiners after a virama":     {"क्\u200d\u200dष", "joiner U+200D at byte 9"},
		"joiner after a letter, Sinhala": {"ර\u200dී", "joiner U+200D at byte 3"},
		"only joiners":                   {"\u200d\u200d", "joiner U+200D at byte 0"},

		"heart":                       {"❤\ufe0f", ""},
		"heart as text":               {"I ❤\ufe0e Go", ""},
		"smiley":                      {"😀", ""},
		"skin tone":                   {"👋🏽", ""},
		"family":                      {"👨\u200d👩\u200d👧", ""},
		"profession with a skin tone": {"🧑🏿\u200d⚕\ufe0f", ""},
		"rainbow flag":                {"🏳\ufe0f\u200d🌈", ""},
		"pirates":                     {"🏴\u200d☠\ufe0f", ""},
		"keycap":                      {"#\ufe0f\u20e3", ""},
		"keycap after letters":        {"é 1\ufe0f\u20e3", ""},
		"flag of Japan":               {"🇯🇵", ""},
		"England":                     {"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", ""},
		"Scotland":                    {"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!", ""},
		"another region":              {"🏴\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f", "U+E0075"},
		"England without an end":      {"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067", "U+E0067"},
		"England on another emoji":    {"😀\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "U+E0067"},
		"variation of a letter":       {"a\ufe0f", "U+FE0F at byte 1"},
		"variation of a digit":        {"1\ufe0f", "U+FE0F at byte 1"},
		"two variations":              {"❤\ufe0f\ufe0f", "U+FE0F at byte 6"},
		"another variation":           {"❤\ufe00", "U+FE00"},
		"joiner after an emoji":       {"😀\u200d", "joiner U+200D at byte 4"},
		"emoji, joiner, letter":       {"😀\u200dx", "joiner U+200D at byte 4"},
		"letter, joiner, emoji":       {"x\u200d😀", "joiner U+200D at byte 1"},
		"joiner after text style":     {"❤\ufe0e\u200d😀", "joiner U+200D at byte 6"},
		"two joiners in emoji":        {"👨\u200d\u200d👩", "joiner U+200D at byte 4"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Problem(tt.text)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%+q: got %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestControl(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"4NRB1-0XZABZI9E6":    "",
		"é\u00a0\u202e\u200b": "", // programs compare these
		"a\x00":               "U+0000 at byte 1",
		"\x1f":                "U+001F at byte 0",
		"\x7f":                "U+007F at byte 0",
		"é\u0080":             "U+0080 at byte 2",
		"\u009f":              "U+009F at byte 0",
		"\xc2":                "",
	} {
		if got := Control(text); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%+q: got %q, want %q", text, got, want)
		}
	}
}

func TestTextInASCIITakesNoMemory(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if Problem("Example Application 17") != "" || Control("2.17.1") != "" {
			t.Error("the text is refused")
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

// ignorableRanges are those of Default_Ignorable_Code_Point in DerivedCoreProperties.txt of Unicode 15.
var ignorableRanges = []struct{ first, last rune }{
	{0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
	{0x200b, 0x200f},
	{0x202a, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	{0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
}

func listedIgnorable(c rune) bool {
	for _, r := range ignorableRanges {
		if r.first <= c && c <= r.last {
			return true
		}
	}
	return false
}

func TestIgnorable(t *testing.T) {
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if got, want := unicode.Is(ignorable(), c), listedIgnorable(c); got != want {
			t.Errorf("%U: got %v, want %v", c, got, want)
		}
	}
}

// The joining types are those of ArabicShaping.txt: package precis finds them for every character that it allows.
func TestJoiningTypes(t *testing.T) {
	profile := precis.NewFreeform()
	allowed := func(text string) bool {
		_, err := profile.String(text)
		return err == nil
	}
	for c := rune(0x80); c <= 0x1ffff; c++ {
		if norm.NFC.PropertiesString(string(c)).CCC() == 9 || !unicode.IsGraphic(c) ||
			!norm.NFC.IsNormalString(string(c)) {
			continue
		}
		const beh = "\u0628"
		next, previous := allowed(string(c)+"\u200c"+beh), allowed(beh+"\u200c"+string(c))
		sides := map[[2]bool]joiningType{{true, true}: dual, {true, false}: left, {false, true}: right}
		want := sides[[2]bool{next, previous}]
		if want == nonJoining && allowed(beh+string(c)+"\u200c"+beh) {
			want = transparent
		}
		if want == nonJoining && unicode.In(c, unicode.Mn, unicode.Me) {
			want = transparent // package precis does not look through Greek and Hebrew marks
		}
		if got := joiningTypeOf(c); got != want {
			t.Errorf("%U: got %d, want %d", c, got, want)
		}
	}
	for c, want := range map[rune]joiningType{
		'\u0627': right, '\u0628': dual, '\u0640': nonJoining, '\u0621': nonJoining, '\u064e': transparent,
		'\ua872': left, '\U0001e900': dual, '\u0600': nonJoining, '\u200e': transparent, 'x': nonJoining,
	} {
		if got := joiningTypeOf(c); got != want {
			t.Errorf("%U: got %d, want %d", c, got, want)
		}
	}
}

// emojis matches emoji sequences.
var emojis = func() *regexp.Regexp {
	var class strings.Builder
	rangetable.Visit(pictographs, func(c rune) { class.WriteString(regexp.QuoteMeta(string(c))) })
	p := "[" + class.String() + "]"
	styled := p + "\ufe0f?[🏻-🏿]?"
	return regexp.MustCompile("[0-9#*][\ufe0e\ufe0f]\u20e3|🏴(?:" + strings.Join(flags[:], "|") + ")|" +
		"(?:" + styled + "\u200d)*(?:" + p + "\ufe0e|" + styled + ")")
}()

// allowed is Problem == "" again, slowly: first it replaces emoji, then it looks around each character.
func allowed(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	text := []rune(emojis.ReplaceAllString(s, "x"))
	visible := false
	for i, c := range text {
		switch {
		case c == 0x200c || c == 0x200d:
			if i > 0 && norm.NFC.PropertiesString(string(text[i-1])).CCC() == 9 {
				continue
			}
			if c == 0x200d || !between(text, i) {
				return false
			}
		case c == 0x200e, c == 0x200f, c == 0x61c:
		case c < 0x20, c >= 0x7f && c < 0xa0, c == 0x2028, c == 0x2029, c >= 0x202a && c <= 0x202e,
			c >= 0x2066 && c <= 0x2069, listedIgnorable(c):
			return false
		case unicode.IsSpace(c), c == 0x2800, c == 0x1d159:
		case unicode.Is(unicode.Cf, c) && !unicode.Is(unicode.Prepended_Concatenation_Mark, c):
		default:
			visible = true
		}
	}
	return visible
}

// between reports whether the non-joiner at i is between letters that would join.
func between(text []rune, i int) bool {
	before, after := i-1, i+1
	for before >= 0 && joiningTypeOf(text[before]) == transparent {
		before--
	}
	for after < len(text) && joiningTypeOf(text[after]) == transparent {
		after++
	}
	if before < 0 || after == len(text) {
		return false
	}
	a, b := joiningTypeOf(text[before]), joiningTypeOf(text[after])
	return (a == left || a == dual) && (b == right || b == dual)
}

// FuzzProblem compares Problem with a slower way to judge texts, that of [allowed].
func FuzzProblem(f *testing.F) {
	for _, text := range []string{"Editor", "می\u200cخواهم", "ශ්\u200dරී", "👨\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈",
		"1\ufe0f\u20e3", "🏴" + flags[0], "❤\ufe0e", "🧑🏿\u200d⚕\ufe0f", "a\u202eb", "\u200f\u2800", "a\u00ad\ufeff",
		"\U000e0061", "ب\u064e\u200c\u064eب",
		"क्\u200c\u200dष", "می\u200c\u200cم", "ꡲ\u200cꡲ", "é\n\u0085\u2028", "\ufff9\u0600", " ", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		problem := Problem(text)
		if got, want := problem == "", allowed(text); got != want {
			t.Errorf("%+q: got the problem %q, but allowed is %v", text, problem, want)
		}
		if problem == "" && Control(text) != "" {
			t.Errorf("%+q: %s", text, Control(text))
		}
	})
}

func BenchmarkProblem(b *testing.B) {
	for name, text := range map[string]string{
		"ASCII":     "Example Application 17",
		"Persian":   strings.Repeat("می\u200cخواهم ", 3000),
		"accents":   strings.Repeat("é", 32<<10),
		"separated": strings.Repeat("ب\u200c", 13000) + "ب",
		"emoji":     strings.Repeat("👩\u200d", 9000) + "👩",
		"virama":    strings.Repeat("क्\u200d", 7000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if problem := Problem(text); problem != "" {
					b.Fatal(problem)
				}
			}
		})
	}
}
