package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestPrivateAddresses(t *testing.T) {
	h := newHost(t, document("application/json", `{}`))
	port := h.Listener.Addr().(*net.TCPAddr).Port
	f := newFetcher(Config{RootCAs: h.roots()})
	for _, address := range []string{"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
		"100.100.100.200", "169.254.169.254",
		"168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]",
		"[fe80::1]", "[fd00:ec2::254]",
		"[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", // mapped, compatible
		"[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[64:ff9b::a9fe:a9fe]", // NAT64
		"[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::1]", // 6to4, Teredo
		"[::ffff:0:127.0.0.1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]", "[100::1]", "[5f00::1]", "[3fff::1]",
		"[2001:db8::1]", "[2001:10::1]", "[2001:20::1]", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
		"192.0.2.1", "192.0.0.8", "240.0.0.1", "100.64.0.1"} {
		_, err := f.Fetch(t.Context(), fmt.Sprintf("https://%s:%d/", address, port))
		wantReason(t, err, "no public address")
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Code != CodeResolve || failed.Status != 0 {
			t.Errorf("%s: got %#v", address, err)
		}
	}
	// A spelling of an IPv4 address that is no literal is looked up as a name, and some systems find it.
	f = newFetcher(Config{RootCAs: h.roots(), Resolver: names(t, func(int) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})})
	for _, name := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1"} {
		_, err := f.Fetch(t.Context(), fmt.Sprintf("https://%s:%d/", name, port))
		wantReason(t, err, "no public address")
	}
	if n := h.requests.Load(); n != 0 {
		t.Errorf("%d requests reached a private address", n)
	}
}

// In development, documents may come from this machine, by https, but from no other private address.
func TestLoopback(t *testing.T) {
	t.Parallel()
	h := newHost(t, document("application/json", `{}`))
	port := h.Listener.Addr().(*net.TCPAddr).Port
	f := newFetcher(Config{AllowLoopback: true, RootCAs: h.roots()})
	if _, err := f.Fetch(t.Context(), fmt.Sprintf("https://127.0.0.1:%d/", port)); err != nil {
		t.Error(err)
	}
	_, err := f.Fetch(t.Context(), "https://[::1]:1/") // refused by the system, not by the rule
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Code != CodeConnect || failed.Family != "ipv6" {
		t.Errorf("[::1]: got %#v", err)
	}
	for _, address := range []string{"10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fe80::1]", "[::]",
		"0.0.0.0"} {
		_, err := f.Fetch(t.Context(), fmt.Sprintf("https://%s:%d/", address, port))
		wantReason(t, err, "no public address")
	}
	_, err = f.Fetch(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/", port))
	wantReason(t, err, "not https")
}

// A name that is public at the first look-up and private when the connection is made. httptest's certificate is valid
// for example.com, so that only the address check prevents the connection.
func TestRebinding(t *testing.T) {
	h := newHost(t, document("application/json", `{"secret":true}`))
	target := fmt.Sprintf("https://example.com:%d/", h.Listener.Addr().(*net.TCPAddr).Port)
	for name, second := range map[string][]string{"private": {"127.0.0.1"}, "public beside private": {"127.0.0.1",
		"127.0.0.2"}} {
		t.Run(name, func(t *testing.T) {
			public := netip.MustParseAddr("93.184.215.14")
			resolver := names(t, func(query int) []netip.Addr {
				if query == 0 {
					return []netip.Addr{public}
				}
				var list []netip.Addr
				for _, s := range second {
					list = append(list, netip.MustParseAddr(s))
				}
				return list
			})
			looked, err := resolver.LookupNetIP(t.Context(), "ip4", "example.com")
			if err != nil || looked[0].Unmap() != public {
				t.Fatalf("the first look-up: got %v, %v", looked, err)
			}
			_, err = newFetcher(Config{RootCAs: h.roots(), Resolver: resolver}).Fetch(t.Context(), target)
			wantReason(t, err, "no public address")
			if n := h.requests.Load(); n != 0 {
				t.Fatalf("%d requests reached the private address", n)
			}
		})
	}
	// Without the check the connection succeeds.
	resolver := names(t, func(int) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	if _, err := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), Resolver: resolver}).Fetch(t.Context(),
		target); err != nil {
		t.Fatal(err)
	}
}

// names returns a resolver that answers the nth query for IPv4 addresses with answer(n), and has no IPv6 addresses.
func names(t *testing.T, answer func(query int) []netip.Addr) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for query := 0; ; {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				for _, a := range answer(query) {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
						Body:   &dnsmessage.AResource{A: a.As4()},
					})
				}
				query++
			}
			if m.Answers == nil && answer(query) == nil {
				m.RCode = dnsmessage.RCodeNameError
			}
			if packed, err := m.Pack(); err == nil {
				server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}
