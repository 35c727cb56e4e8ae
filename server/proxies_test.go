package server_test

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/server"
)

// loopbackProxy has the test itself be a trusted proxy.
var loopbackProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}

// The address that a trusted proxy names is the caller's, as scripts and administrators see it. What cannot be read is
// no address, and not the proxy's.
func TestCallersAddress(t *testing.T) {
	for _, tt := range []struct {
		proxies []netip.Prefix
		header  server.ForwardedHeader
		sent    []string
		want    any // nil means no address
	}{
		{nil, "", []string{"X-Forwarded-For: 192.0.2.7"}, "127.0.0.1"},
		{nil, "", []string{"Forwarded: for=192.0.2.7"}, "127.0.0.1"},
		{loopbackProxy, "", nil, "127.0.0.1"},
		{loopbackProxy, "", []string{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.7"},
		{loopbackProxy, "", []string{"X-Forwarded-For: 203.0.113.9:41234"}, "203.0.113.9"},
		{loopbackProxy, "", []string{"X-Forwarded-For: [2001:db8::1]:5555, 10.0.0.2:80"}, "2001:db8::1"},
		{loopbackProxy, "", []string{`Forwarded: for="[2001:db8::1]:4711";proto=https, for=10.0.0.2`}, "2001:db8::1"},
		{loopbackProxy, "", []string{"X-Forwarded-For: garbage"}, nil},
		{loopbackProxy, "", []string{"Forwarded: for=_hidden"}, nil},
		{loopbackProxy, "", []string{"X-Forwarded-Proto: https"}, nil},
		{loopbackProxy, "", []string{"X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.8"}, nil},
		{loopbackProxy, server.ForwardedXForwardedFor, []string{"X-Forwarded-For: 192.0.2.7",
			"Forwarded: for=192.0.2.8"}, "192.0.2.7"},
		{loopbackProxy, server.ForwardedRFC7239, []string{"X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.8"},
			"192.0.2.8"},
	} {
		s := newSite(t, setup{server: server.Config{TrustedProxies: tt.proxies, ForwardedHeader: tt.header}})
		id := s.register(`{`+web+`}`, tt.sent...).want(http.StatusCreated).json()["client_id"].(string)
		caller := s.call("GET", "/admin/v1/clients/"+id, "").want(http.StatusOK).json()["caller"].(map[string]any)
		checkMembers(t, caller, map[string]any{"ip": tt.want})
		if t.Failed() {
			t.Fatalf("%s, %q", tt.header, tt.sent)
		}
	}
}

// Callers whose address cannot be read share one limit, which is not that of the proxy or of another address.
func TestRateLimitOfUnreadAddresses(t *testing.T) {
	s := newSite(t, setup{server: server.Config{RateLimit: 0.001, RateBurst: 2, TrustedProxies: loopbackProxy}})
	from := func(headers ...string) *exchange { return s.register(`{`+web+`}`, headers...) }
	from("X-Forwarded-For: garbage").want(http.StatusCreated)
	from("Forwarded: for=unknown").want(http.StatusCreated)
	for _, unread := range []string{"X-Forwarded-For: garbage", "X-Forwarded-For: other", "Forwarded: for=_hidden",
		"X-Forwarded-For: 192.0.2.1, unix:"} {
		from(unread).want(http.StatusTooManyRequests)
	}
	for range 2 { // the ports are not part of the address
		from("X-Forwarded-For: 192.0.2.1:1000").want(http.StatusCreated)
		from().want(http.StatusCreated)
	}
	from(`Forwarded: for="192.0.2.1:2000"`).want(http.StatusTooManyRequests)
	from().want(http.StatusTooManyRequests)
}

// That addresses cannot be read is counted, and logged once a minute in few words.
func TestUnreadAddressesAreReported(t *testing.T) {
	var seconds atomic.Int64
	start := time.Now()
	w := &witness{}
	s := newSite(t, setup{server: server.Config{TrustedProxies: loopbackProxy, Observer: w,
		Now: func() time.Time { return start.Add(time.Duration(seconds.Load()) * time.Second) }}})
	const warning = "the address of a caller cannot be read"
	long := strings.Repeat("x", 4000)
	for _, tt := range []struct {
		at       int64
		warnings int // in total
	}{{0, 1}, {1, 1}, {59, 1}, {60, 2}, {90, 2}, {200, 3}} {
		seconds.Store(tt.at)
		s.register(`{`+web+`}`, "X-Forwarded-For: "+long).want(http.StatusCreated)
		if got := strings.Count(s.log.String(), warning); got != tt.warnings {
			t.Errorf("after %d s: %d warnings, want %d", tt.at, got, tt.warnings)
		}
	}
	s.register(`{`+web+`}`, "X-Forwarded-For: 192.0.2.1").want(http.StatusCreated)
	log := s.log.String()
	if !strings.Contains(log, `"requests":3`) || strings.Contains(log, long[:65]) || !strings.Contains(log, long[:64]) {
		t.Errorf("want 3 requests in the second warning, and 64 characters of the header:\n%s", log)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	unread := 0
	for _, told := range w.told {
		if told == "address unread" {
			unread++
		}
	}
	if unread != 6 {
		t.Errorf("the observer was told %d times, want 6", unread)
	}
}

func TestForwardedHeaderIsChecked(t *testing.T) {
	if _, err := server.New(server.Config{ForwardedHeader: "x-real-ip"}); err == nil ||
		!strings.Contains(err.Error(), "x-forwarded-for") {
		t.Errorf("got %v, want the headers that may be named", err)
	}
}
