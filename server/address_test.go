package server

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// trusting returns proxies with the addresses 10.0.0.0/8 and 2001:db8:ffff::/48.
func trusting(header ForwardedHeader) *proxies {
	return &proxies{header: header,
		trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}}
}

// from returns a request of a proxy with the header lines of name.
func from(name string, lines ...string) *http.Request {
	return &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{name: lines}}
}

func TestXForwardedFor(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string // "" means that it cannot be read
	}{
		{"IPv4", []string{"203.0.113.9"}, "203.0.113.9"},
		{"IPv4 with a port", []string{"203.0.113.9:41234"}, "203.0.113.9"},
		{"IPv6", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", []string{"[2001:db8::1]:5555"}, "2001:db8::1"},
		{"IPv6 in another spelling", []string{"2001:0DB8:0:0:0:0:0:1"}, "2001:db8::1"},
		{"IPv6 with a zone", []string{"fe80::1%eth0"}, "fe80::1"},
		{"IPv4 in IPv6", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"IPv4 in IPv6, with a port", []string{"[::ffff:203.0.113.9]:1"}, "203.0.113.9"},
		{"spaces", []string{" \t203.0.113.9 \t"}, "203.0.113.9"},
		{"the last one counts", []string{"192.0.2.1, 203.0.113.9"}, "203.0.113.9"},
		{"without spaces", []string{"192.0.2.1,203.0.113.9:1"}, "203.0.113.9"},
		{"several lines are one list", []string{"192.0.2.1", "203.0.113.9", "10.1.1.1"}, "203.0.113.9"},
		{"trusted hops are skipped", []string{"192.0.2.1, 203.0.113.9, 10.1.1.1:80, [2001:db8:ffff::1]:80"},
			"203.0.113.9"},
		{"a trusted hop in IPv6", []string{"203.0.113.9, ::ffff:10.1.1.1"}, "203.0.113.9"},
		{"a trusted hop before a client", []string{"10.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"only trusted hops", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"garbage of the client", []string{`garbage, "", 203.0.113.9`}, "203.0.113.9"},
		{"garbage in an earlier line", []string{"unix:", "203.0.113.9"}, "203.0.113.9"},
		{"empty elements", []string{",, 203.0.113.9 ,,", "", ", "}, "203.0.113.9"},

		{"garbage", []string{"garbage"}, ""},
		{"garbage after an address", []string{"203.0.113.9, garbage"}, ""},
		{"garbage after an address, in a later line", []string{"203.0.113.9", "unknown"}, ""},
		{"garbage behind trusted hops", []string{"203.0.113.9, garbage, 10.1.1.1"}, ""},
		{"a UNIX socket", []string{"unix:"}, ""},
		{"a name", []string{"client.example"}, ""},
		{"a name with a port", []string{"localhost:80"}, ""},
		{"nothing", []string{""}, ""},
		{"only commas", []string{", ,"}, ""},
		{"two addresses without a comma", []string{"203.0.113.9 192.0.2.1"}, ""},
		{"a number too large", []string{"203.0.113.256"}, ""},
		{"a leading zero", []string{"203.0.113.09"}, ""},
		{"too few numbers", []string{"203.0.113"}, ""},
		{"a range", []string{"203.0.113.0/24"}, ""},
		{"no port", []string{"203.0.113.9:"}, ""},
		{"a port too large", []string{"203.0.113.9:65536"}, ""},
		{"a port that is no number", []string{"203.0.113.9:+80"}, ""},
		{"an open bracket", []string{"[2001:db8::1"}, ""},
		{"a closing bracket", []string{"2001:db8::1]"}, ""},
		{"something after the bracket", []string{"[2001:db8::1]5555"}, ""},
		{"IPv4 in brackets", []string{"[203.0.113.9]:80"}, ""},
		{"quotation marks", []string{`"203.0.113.9"`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkCaller(t, trusting(ForwardedEither), from("X-Forwarded-For", tt.lines...), tt.want)
		})
	}
}

func TestForwarded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string // "" means that it cannot be read
	}{
		{"IPv4", []string{"for=203.0.113.9"}, "203.0.113.9"},
		{"the name in another case", []string{"For=203.0.113.9"}, "203.0.113.9"},
		{"IPv4 with a port", []string{`for="203.0.113.9:4711"`}, "203.0.113.9"},
		{"an obfuscated port", []string{`for="203.0.113.9:_gazonk.1-A"`}, "203.0.113.9"},
		{"IPv6", []string{`for="[2001:db8::1]"`}, "2001:db8::1"},
		{"IPv6 with a port", []string{`FOR="[2001:DB8::1]:4711"`}, "2001:db8::1"},
		{"IPv6 without quotation marks", []string{`for=[2001:db8::1]:4711`}, "2001:db8::1"},
		{"quoted pairs", []string{`for="\2\03.0.113.9"`}, "203.0.113.9"},
		{"other parameters", []string{`by=10.0.0.1;for=203.0.113.9;host="a.example";proto=https`}, "203.0.113.9"},
		{"spaces", []string{` for=203.0.113.9 ; proto=http ;by=10.0.0.1 `}, "203.0.113.9"},
		{"empty pairs", []string{`;;for=203.0.113.9;;`}, "203.0.113.9"},
		{"the last one counts", []string{"for=192.0.2.1, for=203.0.113.9"}, "203.0.113.9"},
		{"several lines are one list", []string{"for=192.0.2.1", "for=203.0.113.9", `for="10.1.1.1:80"`},
			"203.0.113.9"},
		{"trusted hops are skipped", []string{`for=203.0.113.9,for=10.1.1.1;by=10.0.0.1, for="[2001:db8:ffff::1]:80"`},
			"203.0.113.9"},
		{"only trusted hops", []string{"for=10.3.3.3, for=10.2.2.2"}, "10.3.3.3"},
		{"commas and semicolons in quotation marks", []string{`for=203.0.113.9;x=",for=192.0.2.1;",, `}, "203.0.113.9"},
		{"an escaped quotation mark", []string{`x="\",for=192.0.2.1";for=203.0.113.9`}, "203.0.113.9"},
		{"an unknown client before", []string{"for=unknown, for=203.0.113.9"}, "203.0.113.9"},
		{"no for before", []string{"proto=http, for=203.0.113.9"}, "203.0.113.9"},
		{"a quotation mark open in an earlier line", []string{`for="`, "for=203.0.113.9"}, "203.0.113.9"},
		{"garbage in an earlier line", []string{`= =`, "for=203.0.113.9"}, "203.0.113.9"},

		{"unknown", []string{"for=unknown"}, ""},
		{"hidden", []string{"for=_hidden"}, ""},
		{"hidden with a port", []string{`for="_SEVKISEK:4711"`}, ""},
		{"unknown behind trusted hops", []string{"for=203.0.113.9, for=unknown, for=10.1.1.1"}, ""},
		{"no for", []string{"for=203.0.113.9, proto=https;by=10.0.0.1"}, ""},
		{"two for", []string{"for=203.0.113.9;for=192.0.2.1"}, ""},
		{"an empty for", []string{`for=""`}, ""},
		{"only an address", []string{"203.0.113.9"}, ""},
		{"nothing", []string{""}, ""},
		{"only delimiters", []string{" ;, ;;"}, ""},
		{"a quotation mark that the client left open", []string{`for=192.0.2.1;x=", for=203.0.113.9`}, ""},
		{"one that the address of a client closes", []string{`for=192.0.2.1;x=", for="[2001:db8::1]:80"`}, ""},
		{"something after a quoted string", []string{`for="203.0.113.9"x`}, ""},
		{"no value", []string{"for=;proto=http"}, ""},
		{"no name", []string{"=203.0.113.9"}, ""},
		{"spaces around the equals sign", []string{"for = 203.0.113.9"}, ""},
		{"an escape at the end", []string{`for="203.0.113.9\`}, ""},
		{"not a token", []string{"for=203.0.113.9;host=a/b"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkCaller(t, trusting(ForwardedEither), from("Forwarded", tt.lines...), tt.want)
		})
	}
}

// Only the header that the proxy sets counts; of either, none may contradict the other.
func TestWhichForwardedHeader(t *testing.T) {
	const xff, rfc, proto = "X-Forwarded-For", "Forwarded", "X-Forwarded-Proto"
	const a, b = "203.0.113.9", "192.0.2.1"
	for _, tt := range []struct {
		name                   string
		header                 http.Header
		either, onlyXFF, onlyF string // "" means that it cannot be read
	}{
		{"no header", http.Header{}, "10.0.0.1", "10.0.0.1", "10.0.0.1"},
		{"X-Forwarded-For", http.Header{xff: {a}}, a, a, ""},
		{"Forwarded", http.Header{rfc: {"for=" + a}}, a, "", a},
		{"both agree", http.Header{xff: {a + ":1"}, rfc: {`for="` + a + `:2"`}}, a, a, a},
		{"they differ", http.Header{xff: {a}, rfc: {"for=" + b}}, "", a, b},
		{"Forwarded is unreadable", http.Header{xff: {a}, rfc: {"for=unknown"}}, "", a, ""},
		{"X-Forwarded-For is unreadable", http.Header{xff: {"garbage"}, rfc: {"for=" + b}}, "", "", b},
		{"Forwarded is empty", http.Header{xff: {a}, rfc: {""}}, "", a, ""},
		{"only the scheme", http.Header{proto: {"https"}}, "", "", ""},
		{"only Via", http.Header{"Via": {"1.1 proxy"}}, "", "", ""},
		{"another header with the address", http.Header{"X-Real-Ip": {a}}, "", "", ""},
		{"another header beside it", http.Header{xff: {a}, "X-Real-Ip": {b}}, a, a, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: tt.header}
			checkCaller(t, trusting(ForwardedEither), r, tt.either)
			checkCaller(t, trusting(ForwardedXForwardedFor), r, tt.onlyXFF)
			checkCaller(t, trusting(ForwardedRFC7239), r, tt.onlyF)
		})
	}
}

// The headers of a peer that is not trusted are not read.
func TestPeers(t *testing.T) {
	for _, tt := range []struct{ peer, want string }{
		{"192.0.2.7:80", "192.0.2.7"},
		{"[::ffff:192.0.2.7]:80", "192.0.2.7"},
		{"[2001:db8::7]:80", "2001:db8::7"},
		{"[fe80::7%eth0]:80", "fe80::7"},
		{"[::ffff:10.0.0.1]:80", "203.0.113.9"},
		{"[2001:db8:ffff::1%eth0]:80", "203.0.113.9"},
		{"@", ""},
		{"", ""},
	} {
		r := from("X-Forwarded-For", "203.0.113.9")
		r.RemoteAddr = tt.peer
		checkCaller(t, trusting(ForwardedEither), r, tt.want)
	}
}

func checkCaller(t *testing.T, p *proxies, r *http.Request, want string) {
	t.Helper()
	got, err := p.caller(r)
	if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
		t.Errorf("%s, %s, %q: got %s, %v; want %q", p.header, r.RemoteAddr, r.Header, got, err, want)
	}
}

// The reason names the header, and quotes what is wrong in few characters, all ASCII.
func TestUnreadErrors(t *testing.T) {
	for _, tt := range []struct{ header, line, want string }{
		{"X-Forwarded-For", "unix:", `X-Forwarded-For: "unix:" is not an address`},
		{"X-Forwarded-For", "é\u202e" + strings.Repeat("a", 20_000),
			`X-Forwarded-For: "\u00e9\u202e` + strings.Repeat("a", 62) + `" is not an address`},
		{"X-Forwarded-For", "", "X-Forwarded-For: it is empty"},
		{"Forwarded", "for=unknown", `Forwarded: "unknown" is not an address`},
		{"Forwarded", "proto=http", "Forwarded: an element has no for, or more than one"},
		{"Forwarded", "203.0.113.9",
			"Forwarded: it is not a list of parameters such as for=192.0.2.1 (RFC 7239 section 4)"},
		{"Via", "1.1 a", "Via: the proxy forwarded the request without X-Forwarded-For or Forwarded"},
	} {
		_, err := trusting(ForwardedEither).caller(from(tt.header, tt.line))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %.80s: got %v, want %s", tt.header, tt.line, err, tt.want)
		}
	}
}

func TestMinutely(t *testing.T) {
	var m minutely
	start := time.Now()
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Second, 0}, {59 * time.Second, 0}, {time.Minute, 3}, {61 * time.Second, 0}, {2 * time.Minute, 2},
		{10 * time.Minute, 1}} {
		if got := m.due(start.Add(tt.after)); got != tt.want {
			t.Errorf("after %s: got %d, want %d", tt.after, got, tt.want)
		}
	}
}

// node is the grammar of a node that has an address, apart from what netip checks.
var node = regexp.MustCompile(`^(?:\[([^\]]*:[^\]]*)\]|([0-9.]+))(?::(?:([0-9]+)|_[A-Za-z0-9._-]+))?$`)

// slowAddress is an independent nodeAddress.
func slowAddress(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	m := node.FindStringSubmatch(s)
	if m == nil || len(strings.TrimLeft(m[3], "0")) > 5 || len(strings.TrimLeft(m[3], "0")) == 5 &&
		strings.TrimLeft(m[3], "0") > "65535" {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(m[1] + m[2])
	return addr.Unmap().WithZone(""), err == nil
}

// slowNearest is an independent walk over hops from left to right.
func slowNearest(p *proxies, hops []string) (addr netip.Addr, ok bool) {
	for i, hop := range slices.Backward(hops) {
		addr, ok = slowAddress(hop)
		if trusted := slices.ContainsFunc(p.trusted, func(t netip.Prefix) bool { return t.Contains(addr) }); !ok ||
			!trusted ||
			i == 0 {
			break
		}
	}
	return addr, ok
}

// checkFuzzed compares the caller of a request with the result of slowNearest, and checks that what a client puts
// before the elements of the proxies never changes the result, unless to none.
func checkFuzzed(t *testing.T, name string, lines, hops []string, wellFormed bool) {
	t.Helper()
	p := trusting(ForwardedEither)
	want, ok := slowNearest(p, hops)
	got, err := p.caller(from(name, lines...))
	if ok = ok && wellFormed; ok != (err == nil) || ok && got != want {
		t.Errorf("%s %q: got %s and %v, want %s, %t", name, lines, got, err, want, ok)
	}
	if err != nil && len(err.Error()) > 1000 {
		t.Errorf("%s %q: the error has %d bytes", name, lines, len(err.Error()))
	}
}

var separator = regexp.MustCompile(`[ \t]*,[ \t]*`)

// FuzzForwardedFor checks X-Forwarded-For against a second implementation, and that a client cannot choose its address.
// The lines of a header are separated by newlines.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"203.0.113.9", "203.0.113.9:41234", "[2001:db8::1]:5555", "2001:db8::1, 10.0.0.1",
		"10.0.0.1,10.0.0.2", "unknown\n203.0.113.9", "[::ffff:10.0.0.1]:1, fe80::1%a, unix:", ",,\n ,\t", "[::1",
		"1.2.3.4:_a",
		"[fe80::1%]]:1", "1.2.3.4:99999", "1.2.3.4:00080", "::ffff:10.0.0.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if len(header) > 16<<10 {
			return // longer headers do not reach a handler
		}
		lines := strings.Split(header, "\n")
		hops := slices.DeleteFunc(separator.Split(strings.Trim(strings.Join(lines, ","), " \t"), -1),
			func(hop string) bool { return hop == "" })
		checkFuzzed(t, "X-Forwarded-For", lines, hops, len(hops) > 0)
		for _, real := range []string{"203.0.113.9", "[2001:db8::9]:80"} {
			want, _ := slowAddress(real)
			for _, spoofed := range [][]string{{header + ", " + real}, {header, real},
				{header + "," + real + ", 10.0.0.2"}} {
				if got, err := trusting(ForwardedEither).caller(from("X-Forwarded-For", spoofed...)); got != want {
					t.Errorf("%q: got %s and %v, want %s", spoofed, got, err, want)
				}
			}
		}
	})
}

// The grammar of Forwarded, with the leniencies of forwardedNodes.
const (
	spacesRE  = `[ \t]*`
	nameRE    = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	valueRE   = "[]:[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	pairRE    = `(` + nameRE + `)=(?:("(?s:[^"\\]|\\.)*")|(` + valueRE + `))`
	elementRE = `(?:` + pairRE + `)?` + spacesRE + `(?:;` + spacesRE + `(?:` + pairRE + spacesRE + `)?)*`
)

var (
	wholeLine  = regexp.MustCompile(`^` + spacesRE + elementRE + `(?:,` + spacesRE + elementRE + `)*$`)
	onePart    = regexp.MustCompile(`^(?:` + pairRE + `|[ \t;]+|,)`)
	quotedPair = regexp.MustCompile(`(?s)\\(.)`)
)

// slowNodes is an independent forwardedNodes.
func slowNodes(line string) (nodes []string, ok bool) {
	if !wholeLine.MatchString(line) {
		return nil, false
	}
	var values []string // of the for parameters of an element
	pairs := 0
	end := func() {
		if pairs > 0 && len(values) == 1 {
			nodes = append(nodes, values[0])
		} else if pairs > 0 {
			nodes = append(nodes, "")
		}
		values, pairs = nil, 0
	}
	for line != "" {
		m := onePart.FindStringSubmatch(line)
		line = line[len(m[0]):]
		if m[0] == "," {
			end()
		}
		if m[1] == "" {
			continue
		}
		pairs++
		if value := m[3]; strings.ToLower(m[1]) == "for" {
			if m[2] != "" {
				value = quotedPair.ReplaceAllString(m[2][1:len(m[2])-1], "$1")
			}
			values = append(values, value)
		}
	}
	end()
	return nodes, true
}

// FuzzForwarded checks Forwarded against a second implementation, and that a client cannot choose its address, not even
// where a proxy adds its element to the client's line. The lines of a header are separated by newlines.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"for=203.0.113.9", `for="203.0.113.9:41234";proto=https`, `For="[2001:db8::1]:5555"`,
		`for=10.0.0.1, for="\1.2.3.4";by=_a, for=unknown`, "for=\"\nfor=203.0.113.9", `x="`, `x="\`, `x=",for="`,
		";;,, ;",
		`for=1.2.3.4;for=1.2.3.4`, `for=[2001:db8::1]`, `host=a;x="a,b;c",for=10.0.0.1`, "for=_hidden", "for = 1.2.3.4",
		`for=1.2.3.4;x="\",for=1.1.1.1"`, "a=b\n\nfor=1.2.3.4:_x", "for=1.2.3.4\tfor=1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if len(header) > 16<<10 {
			return // longer headers do not reach a handler
		}
		lines := strings.Split(header, "\n")
		var hops []string
		for _, line := range slices.Backward(lines) {
			nodes, ok := slowNodes(line)
			if !ok {
				hops = slices.Insert(hops, 0, "malformed") // which is not an address
				break
			}
			hops = slices.Insert(hops, 0, nodes...)
		}
		checkFuzzed(t, "Forwarded", lines, hops, len(hops) > 0)
		for _, real := range []string{"for=203.0.113.9", `for="[2001:db8::9]:80"`,
			`host="a.example";for="203.0.113.9"`} {
			want := netip.MustParseAddr("203.0.113.9")
			if strings.Contains(real, "[") {
				want = netip.MustParseAddr("2001:db8::9")
			}
			if got, err := trusting(ForwardedEither).caller(from("Forwarded", header, real)); got != want {
				t.Errorf("%q in a line before %s: got %s and %v", header, real, got, err)
			}
			got, err := trusting(ForwardedEither).caller(from("Forwarded", header+", "+real))
			if err == nil && got != want {
				t.Errorf("%q before %s in one line: got %s", header, real, got)
			}
		}
	})
}
