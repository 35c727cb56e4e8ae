package netrule

import (
	"net/netip"
	"testing"
)

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost":         true,
		"LocalHost":         true,
		"127.0.0.1":         true,
		"127.9.9.9":         true,
		"::1":               true,
		"0:0:0:0:0:0:0:1":   true,
		"::ffff:127.0.0.1":  true,
		"":                  false,
		"localhost.":        false,
		"localhost:8080":    false,
		"[::1]":             false,
		"app.localhost":     true,
		"a.B.LOCALHOST":     true,
		"::0.0.0.1":         true,
		"0000:0::0001":      true,
		"127.255.255.255":   true,
		".localhost":        false,
		"app.localhost.":    false,
		"notlocalhost":      false,
		"::1%lo":            false,
		"0x7f.0.0.1":        false,
		"128.0.0.1":         false,
		"localhost.example": false,
		"127.1":             false,
		"127.0.0.1.":        false,
		"0177.0.0.1":        false,
		"2130706433":        false,
		"0.0.0.0":           false,
		"::":                false,
		"192.0.2.1":         false,
		"::ffff:192.0.2.1":  false,
		"::127.0.0.1":       false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

func TestIsLoopbackAuthority(t *testing.T) {
	for authority, want := range map[string]bool{
		"localhost":                true,
		"localhost:8080":           true,
		"localhost:":               true,
		"LOCALHOST:1":              true,
		"app.localhost:80":         true,
		"127.0.0.1":                true,
		"127.8.9.1:65535":          true,
		"[::1]":                    true,
		"[::1]:8080":               true,
		"[0:0:0:0:0:0:0:1]:1":      true,
		"[::ffff:127.0.0.1]":       true,
		"":                         false,
		":8080":                    false,
		"localhost:0":              false,
		"localhost:65536":          false,
		"localhost:+80":            false,
		"localhost:http":           false,
		"localhost:80:80":          false,
		"localhost.":               false,
		"localhost.:8080":          false,
		"localhost.example":        false,
		"localhost.example:8080":   false,
		"127.0.0.1.nip.example":    false,
		"user@localhost":           false,
		"x@.localhost":             false,
		"evil.example/.localhost":  false,
		"evil.example\\.localhost": false,
		"evil.example .localhost":  false,
		"evil.example,localhost":   false,
		"localhost,localhost":      false,
		" localhost":               false,
		"::1":                      false,
		"[::1":                     false,
		"::1]":                     false,
		"[::1]8080":                false,
		"[::1]]":                   false,
		"[[::1]]":                  false,
		"[localhost]":              false,
		"[127.0.0.1]":              false,
		"[::1%lo]":                 false,
		"[::1%25lo]":               false,
		"[::]:80":                  false,
		"0.0.0.0":                  false,
		"0:8080":                   false,
		"127.1":                    false,
		"2130706433":               false,
		"192.0.2.1:80":             false,
	} {
		if got := IsLoopbackAuthority(authority); got != want {
			t.Errorf("%q: got %v, want %v", authority, got, want)
		}
	}
}

func TestIsLoopbackOrigin(t *testing.T) {
	for origin, want := range map[string]bool{
		"http://localhost":                     true,
		"http://localhost:3000":                true,
		"https://app.localhost":                true,
		"https://127.0.0.1:8443":               true,
		"http://[::1]:6274":                    true,
		"":                                     false,
		"null":                                 false,
		"localhost":                            false,
		"http://":                              false,
		"http:localhost":                       false,
		"http://localhost/":                    false,
		"http://localhost#":                    false,
		"http://localhost@evil.example":        false,
		"http://evil.example":                  false,
		"https://localhost.evil.example":       false,
		"https://evil.example?localhost":       false,
		"http://localhost http://evil.example": false,
		"file://localhost":                     false,
		"app://localhost":                      false,
		"ws://localhost":                       false,
	} {
		if got := IsLoopbackOrigin(origin); got != want {
			t.Errorf("%q: got %v, want %v", origin, got, want)
		}
	}
}

func TestCaller(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":               "192.0.2.1",
		"::ffff:192.0.2.1":        "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2::":          "2001:db8:1:2::/64",
		"fe80::1%eth0":            "fe80::/64",
		"::ffff:192.0.2.1%ignore": "192.0.2.1",
	} {
		if got := Caller(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"198.51.100.7":        "198.51.100.0/24",
		"::ffff:198.51.100.7": "198.51.100.0/24",
		"2001:db8:1:2::3":     "2001:db8:1::/48",
		"fe80::1%eth0":        "fe80::/48",
	} {
		if got := Network(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if got, again := Network(netip.Addr{}), Network(netip.Addr{}); got != again {
		t.Errorf("no address: got %s and %s", got, again)
	}
}
