package engine

import (
	"fmt"
	"net/netip"
	"strings"
)

// A subject alternative name may be any URI: workload identities have schemes such as spiffe.
var certificateURI = uriRule{code: InvalidClientMetadata, named: true, fragment: true}

// checkCertificateNames checks the form of the members that name the client's certificate (RFC 8705 §2.1.2).
func checkCertificateNames(m *Metadata) error {
	for _, name := range [...]struct {
		member, value string
		problem       func(string) string
	}{
		{"tls_client_auth_subject_dn", m.TLSClientAuthSubjectDN, dnProblem},
		{"tls_client_auth_san_dns", m.TLSClientAuthSANDNS, dnsNameProblem},
		{"tls_client_auth_san_uri", m.TLSClientAuthSANURI, func(s string) string {
			_, problem := certificateURI.read(s)
			return problem
		}},
		{"tls_client_auth_san_ip", m.TLSClientAuthSANIP, addressProblem},
		{"tls_client_auth_san_email", m.TLSClientAuthSANEmail, mailboxProblem},
	} {
		if name.value == "" {
			continue
		}
		if problem := name.problem(name.value); problem != "" {
			return Refuse("%s %s", name.member, problem)
		}
	}
	return nil
}

// dnsNameProblem checks a dNSName: in the preferred syntax of RFC 1034 (RFC 5280 §4.2.1.6), which has no underscores,
// and no wildcard, which would name other clients too.
func dnsNameProblem(s string) string {
	const form = "must be a host name, such as client.example"
	if strings.Contains(s, ":") || endsInNumber(s) {
		if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
			return fmt.Sprintf("must be a host name, not the address %s: use tls_client_auth_san_ip", addr)
		}
	}
	if i := strings.IndexAny(s, "*_:/[]@"); i >= 0 {
		return form + ", without " + charName(s[i])
	}
	return hostProblem(s, true)
}

// addressProblem checks an iPAddress: dotted decimal, or the spelling of RFC 5952 (RFC 8705 §2.1.2).
func addressProblem(s string) string {
	if addr, ok := looseIPv4(s); ok && addr.String() != s {
		return otherSpelling(addr)
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	switch addr = addr.Unmap(); {
	case err != nil || addr.Zone() != "":
		return "must be an IP address, such as 192.0.2.1 or 2001:db8::1"
	case addr.String() != s:
		return otherSpelling(addr)
	}
	return ""
}

// mailboxProblem checks an rfc822Name: a Mailbox of RFC 5321 §4.1.2 (RFC 5280 §4.2.1.6) with a Dot-string before the @
// and a host name after it. Quoted local parts and addresses in brackets are valid there, but not in use.
func mailboxProblem(s string) string {
	const form = "must be a mail address, such as client@mail.example"
	at := strings.LastIndexByte(s, '@')
	if at < 0 || at > 64 { // RFC 5321 §4.5.3.1.1
		return form
	}
	for atom := range strings.SplitSeq(s[:at], ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return r >= 0x80 || !isLetter(byte(r)) && !isDigit(byte(r)) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
		}) {
			return form
		}
	}
	host := s[at+1:]
	if host == "" || strings.ContainsAny(host, "*_:/[]") || endsInNumber(host) {
		return form
	}
	return hostProblem(host, true)
}

// dnProblem checks the string form of a distinguished name (RFC 4514 §3). Like RFC 2253, it allows spaces beside
// separators, which many tools print.
func dnProblem(s string) string {
	const form = "must be a distinguished name as in RFC 4514, such as CN=client,O=Example,C=DE"
	for rest, more := s, true; more; {
		var ok bool
		if rest, more, ok = cutAttribute(rest); !ok {
			return fmt.Sprintf("%s; it is wrong from byte %d", form, len(s)-len(rest))
		}
	}
	return ""
}

// cutAttribute cuts "type=value" from the front of a distinguished name. more reports whether a separator followed it.
// If ok is false, rest begins where s is wrong.
func cutAttribute(s string) (rest string, more, ok bool) {
	s = strings.TrimLeft(s, " ")
	kind, value, found := strings.Cut(s, "=")
	if kind = strings.TrimRight(kind, " "); !found || !isAttributeType(kind) {
		return s, false, false
	}
	value = strings.TrimLeft(value, " ")
	if strings.HasPrefix(value, "#") {
		return cutHexString(value)
	}
	return cutString(value)
}

// isAttributeType reports whether s is a descr or a numericoid of RFC 4512 §1.4.
func isAttributeType(s string) bool {
	if s == "" || !isLetter(s[0]) && !isDigit(s[0]) {
		return false
	}
	if isLetter(s[0]) {
		return !strings.ContainsFunc(s, func(r rune) bool {
			return r >= 0x80 || !isLetter(byte(r)) && !isDigit(byte(r)) && r != '-'
		})
	}
	for number := range strings.SplitSeq(s, ".") {
		if number == "" || len(number) > 1 && number[0] == '0' ||
			strings.ContainsFunc(number, func(r rune) bool { return r < '0' || r > '9' }) {
			return false
		}
	}
	return strings.Contains(s, ".")
}

// cutHexString cuts a hexstring of RFC 4514 §3 and the separator after it.
func cutHexString(s string) (rest string, more, ok bool) {
	i := 1
	for i+1 < len(s) && isHex(s[i]) && isHex(s[i+1]) {
		i += 2
	}
	if i == 1 {
		return s, false, false
	}
	return cutSeparator(s[i:])
}

// cutString cuts a string of RFC 4514 §3, which may be empty, and the separator after it.
func cutString(s string) (rest string, more, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(" \"#+,;<=>\\", s[i+1]) >= 0:
			i++
		case c == '\\' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		case c == ',' || c == '+':
			return cutSeparator(s[i:])
		case c < ' ' || c == 0x7f || strings.IndexByte("\"\\;<>", c) >= 0:
			return s[i:], false, false
		}
	}
	return "", false, true
}

// cutSeparator cuts a comma or plus sign from the front of s, which otherwise must be empty.
func cutSeparator(s string) (rest string, more, ok bool) {
	switch s = strings.TrimLeft(s, " "); {
	case s == "":
		return "", false, true
	case s[0] == ',' || s[0] == '+':
		return s[1:], true, true
	}
	return s, false, false
}
