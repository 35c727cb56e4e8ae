package server

import (
	"net/http"
	"testing"
)

func TestBeyondLoopback(t *testing.T) {
	const local = "127.0.0.1:40000"
	for _, tt := range []struct {
		name, peer, host string
		minor            int // of the version of HTTP 1
		header           http.Header
		want             string
	}{
		{"this machine", local, "localhost:8080", 1, nil, ""},
		{"by IPv6", "[::1]:40000", "[::1]:8080", 1, nil, ""},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:40000", "127.0.0.1", 1, nil, ""},
		{"another machine", "192.0.2.1:40000", "localhost:8080", 1, nil, "the connection is not from loopback"},
		{"no address", "", "localhost:8080", 1, nil, "the connection is not from loopback"},
		{"no Host", local, "", 1, nil, "the Host is not loopback"},
		{"no Host in HTTP/1.0", local, "", 0, nil, "the Host is not loopback"},
		{"HTTP/1.0", local, "localhost", 0, nil, "HTTP/1.0 is what proxies speak"},
		{"an empty Origin", local, "localhost", 1, http.Header{"Origin": {""}}, "the Origin is not loopback"},
		{"two Origins", local, "localhost", 1, http.Header{"Origin": {"http://localhost", "http://localhost"}},
			"the Origin is not loopback"},
		{"an empty header of a proxy", local, "localhost", 1, http.Header{"X-Real-Ip": {""}},
			"the header X-Real-Ip names a proxy"},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Host: tt.host, ProtoMajor: 1, ProtoMinor: tt.minor, Header: tt.header}
		if got := beyondLoopback(r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
