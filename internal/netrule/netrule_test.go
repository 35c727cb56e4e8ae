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
