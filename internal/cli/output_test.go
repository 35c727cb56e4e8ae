package cli

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTextCannotControlATerminal(t *testing.T) {
	p := &textWriter{}
	p.line("two\nlines, %s", "\x1b[2Jred\r\u202e")
	p.table([][]string{{"NAME", "ID"}, {"a\tb\nc", "\x07x"}, {"Zoë 漢字", "y"}})
	p.json([]byte(`{"a":"\u009b1m","b":"` + "\u202e" + `"}`))
	got := p.buffer.String()
	want := "two\nlines, \ufffd[2Jred\ufffd\ufffd\n" +
		"NAME    ID\na\ufffdb\ufffdc   \ufffdx\nZoë 漢字  y\n" +
		"{\n  \"a\": \"\\u009b1m\",\n  \"b\": \"\ufffd\"\n}\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONIsOneLineOfTheAPI(t *testing.T) {
	var b bytes.Buffer
	f := outputFlags{Output: "json"}
	err := f.write(&b, struct {
		Name string `json:"name"`
	}{"<x>\n"}, func(*textWriter) { t.Error("text was called") })
	if want := `{"name":"<x>\n"}` + "\n"; err != nil || b.String() != want {
		t.Errorf("got %q and %v, want %q", b.String(), err, want)
	}
}

func TestAnnouncementOnATerminal(t *testing.T) {
	var b bytes.Buffer
	announce(t.Context(), announcement{
		public:     "http://127.0.0.1:8080",
		admin:      "http://127.0.0.1:8081",
		database:   "sqlite:registrar.db",
		deployment: "3: ids, policy",
		policy:     "loopback",
		token:      "in registrar.token",
	}, nil, &console{err: &b, terminal: true})
	want := strings.Join([]string{
		"registrar     http://127.0.0.1:8080",
		"admin API     http://127.0.0.1:8081",
		"database      sqlite:registrar.db",
		"deployment    3: ids, policy",
		"registration  open to this machine only; see --registration",
		"admin token   in registrar.token",
		"",
		"Try it:",
		`  curl -H 'Content-Type: application/json' -d '{"client_name":"Example",` +
			`"redirect_uris":["https://app.example/cb"]}' http://127.0.0.1:8080/register`,
		"", "",
	}, "\n")
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBaseAddressIsOneThatThisMachineReaches(t *testing.T) {
	for _, tt := range []struct {
		listener string
		secure   bool
		want     string
	}{
		{"127.0.0.1:8080", false, "http://127.0.0.1:8080"},
		{"192.0.2.1:80", true, "https://192.0.2.1:80"},
		{"0.0.0.0:8080", false, "http://127.0.0.1:8080"},
		{"[::]:8443", true, "https://[::1]:8443"},
		{"[::1]:8080", false, "http://[::1]:8080"},
	} {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.listener))
		if got := baseAddress(addr, tt.secure); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.listener, got, tt.want)
		}
	}
}
