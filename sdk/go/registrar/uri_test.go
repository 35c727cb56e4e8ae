package registrar

import (
	"encoding/json"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
)

// vectors reads a file of the project's test vectors.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/vectors/" + name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// parts writes a URI as the vectors have it.
func parts(u URI) string {
	list := []string{u.Scheme, "-", u.Host, "-", u.Path, "-", "-"}
	if u.HasUserInfo {
		list[1] = u.UserInfo + "@"
	}
	if u.Port >= 0 {
		list[3] = ":" + strconv.Itoa(u.Port)
	}
	if u.HasQuery {
		list[5] = "?" + u.Query
	}
	if u.HasFragment {
		list[6] = "#" + u.Fragment
	}
	for i, part := range list {
		if part == "" {
			list[i] = "-"
		}
	}
	return strings.Join(list, " ")
}

func TestParseURI(t *testing.T) {
	var rows []struct{ URI, Parts string }
	vectors(t, "uris.json", &rows)
	for _, row := range rows {
		u, ok := ParseURI(row.URI)
		got := ""
		if ok {
			got = parts(u)
		}
		if got != row.Parts {
			t.Errorf("%q: got %q, want %q", row.URI, got, row.Parts)
		}
	}
	label := strings.Repeat("a", 63)
	name := strings.Repeat(label+".", 3) + strings.Repeat("a", 61)
	for uri, want := range map[string]bool{
		"https://" + name: true, "https://a" + name: false, "https://a" + label + ".example": false,
		"app://a" + name: true,
	} {
		if _, ok := ParseURI(uri); ok != want {
			t.Errorf("%q: got %t, want %t", uri, ok, want)
		}
	}
}

// Addresses are those of net/netip.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"::", "1:2:3:4:5:6:7:8", "::1.2.3.4", "1::2", "1.2.3.4", "0:0:1:0:0:0:1:0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		is4 := err == nil && want.Is4()
		n, ok := parseIPv4(s)
		got := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		if ok != is4 || ok && got != want {
			t.Errorf("%q: got %s, %t, want %v", s, got, ok, want)
		}
		s = strings.ToLower(s)
		is6 := err == nil && want.Is6() && want.Zone() == ""
		groups, ok6 := parseIPv6(s)
		if ok6 != is6 {
			t.Fatalf("%q: got %t, want %t", s, ok6, is6)
		}
		if ok6 && !want.Is4In6() && writeIPv6(groups) != want.String() {
			t.Errorf("%q: got %s, want %s", s, writeIPv6(groups), want)
		}
	})
}
