package registrar

import (
	"strconv"
	"strings"
)

// endsInNumber reports whether browsers read a host as an IPv4 address: its last label, before a dot at the end, is
// decimal or hexadecimal (WHATWG URL, "ends in a number checker").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits, of := last, isDigit
	if len(last) >= 2 && last[0] == '0' && last[1]|0x20 == 'x' {
		digits, of = last[2:], isHex
	}
	for i := range len(digits) {
		if !of(digits[i]) {
			return false
		}
	}
	return last != ""
}

// parseIPv4 reads four decimal numbers up to 255, without leading zeros (RFC 3986 §3.2.2).
func parseIPv4(s string) (address uint32, ok bool) {
	dots, digits, n := 0, 0, uint32(0)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && digits > 0 && dots < 3:
			address, dots, digits, n = address<<8|n, dots+1, 0, 0
		case isDigit(c) && (digits == 0 || n > 0):
			if digits, n = digits+1, 10*n+uint32(c-'0'); n > 255 {
				return 0, false
			}
		default:
			return 0, false
		}
	}
	return address<<8 | n, dots == 3 && digits > 0
}

// readLiteral replaces the host, an IP literal with its brackets, by its IPv6 address as in RFC 5952.
func (u *URI) readLiteral() bool {
	if u.Host[len(u.Host)-1] != ']' {
		return false
	}
	groups, ok := parseIPv6(u.Host[1 : len(u.Host)-1])
	if !ok || [6]uint16(groups[:6]) == [6]uint16{5: 0xffff} { // ::ffff:192.0.2.1 is an IPv4 address (RFC 4291 §2.5.5.2)
		return false
	}
	u.Host = writeIPv6(groups)
	return true
}

// parseIPv6 reads an address in a form of RFC 4291 §2.2, with letters in lower case.
func parseIPv6(s string) (groups [8]uint16, ok bool) {
	n, gap, i := 0, -1, 0 // groups that were read, those of them before "::", and where the next one begins
	if strings.HasPrefix(s, "::") {
		gap, i = 0, 2
	}
	for i < len(s) {
		from := i
		for i < len(s) && isHex(s[i]) {
			i++
		}
		if i < len(s) && s[i] == '.' {
			address, ok := parseIPv4(s[from:])
			if !ok || n > 6 {
				return groups, false
			}
			groups[n], groups[n+1] = uint16(address>>16), uint16(address)
			n += 2
			break
		}
		group, err := strconv.ParseUint(s[from:i], 16, 16)
		if err != nil || i-from > 4 || n == 8 {
			return groups, false
		}
		groups[n] = uint16(group)
		n++
		if i == len(s) {
			break
		}
		if s[i] != ':' || i+1 == len(s) {
			return groups, false
		}
		if i++; s[i] == ':' {
			if gap >= 0 {
				return groups, false
			}
			gap = n
			i++
		}
	}
	if gap < 0 || n == 8 {
		return groups, gap < 0 && n == 8
	}
	var address [8]uint16
	copy(address[:], groups[:gap])
	copy(address[8-(n-gap):], groups[gap:n])
	return address, true
}

// writeIPv6 writes an address as RFC 5952 §4 says: the first of the longest runs of zeros, of two at least, as "::".
func writeIPv6(groups [8]uint16) string {
	from, length := 0, 1
	for i := range groups {
		end := i
		for end < 8 && groups[end] == 0 {
			end++
		}
		if end-i > length {
			from, length = i, end-i
		}
	}
	text := make([]byte, 0, 39)
	for i := 0; i < 8; i++ {
		if i == from && length > 1 {
			text = append(text, "::"...)
			i += length - 1
			continue
		}
		if n := len(text); n > 0 && text[n-1] != ':' {
			text = append(text, ':')
		}
		text = strconv.AppendUint(text, uint64(groups[i]), 16)
	}
	return string(text)
}
