package engine

import (
	"strings"
	"testing"
)

func TestCertificateNames(t *testing.T) {
	const dn, dns, uri, ip, email = "subject_dn", "san_dns", "san_uri", "san_ip", "san_email"
	for _, tt := range []struct {
		member, value string
		want          string // a part of the refusal; "" means that the value is valid
	}{
		{dns, "client.example", ""},
		{dns, "Client.xn--mnchen-3ya.example", ""},
		{dns, "*.client.example", "without '*'"},
		{dns, "client_a.example", "without '_'"},
		{dns, "https://client.example", "without ':'"},
		{dns, "client.example:443", "without ':'"},
		{dns, "client@example", "without '@'"},
		{dns, "client.example.", "a dot at the end"},
		{dns, "client..example", "an empty label"},
		{dns, "a b.example", "a space in its host"},
		{dns, "münchen.example", "use punycode, which is xn--mnchen-3ya.example"},
		{dns, "192.0.2.1", "use tls_client_auth_san_ip"},
		{dns, "2001:db8::1", "use tls_client_auth_san_ip"},
		{dns, "127.1", "write 127.0.0.1"},
		{uri, "https://client.example/a", ""},
		{uri, "spiffe://trust.example/workload", ""},
		{uri, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", ""},
		{uri, "client.example", "is relative"},
		{uri, "javascript:x", "never safe"},
		{uri, "https://a b", "holds a space"},
		{uri, "https://127.1/", "write 127.0.0.1"},
		{uri, "https://user@client.example/", "user information"},
		{ip, "192.0.2.1", ""},
		{ip, "2001:db8::1", ""},
		{ip, "::1", ""},
		{ip, "2001:DB8:0::1", "write 2001:db8::1"},
		{ip, "[2001:db8::1]", "write 2001:db8::1"},
		{ip, "::ffff:192.0.2.1", "write 192.0.2.1"},
		{ip, "127.1", "write 127.0.0.1"},
		{ip, "0300.0.2.1", "write 192.0.2.1"},
		{ip, "192.0.2.256", "must be an IP address"},
		{ip, "192.0.2.0/24", "must be an IP address"},
		{ip, "fe80::1%eth0", "must be an IP address"},
		{ip, "client.example", "must be an IP address"},
		{email, "client+a@mail.example", ""},
		{email, "first.last@mail.example", ""},
		{email, "client", "must be a mail address"},
		{email, "@mail.example", "must be a mail address"},
		{email, "client@", "must be a mail address"},
		{email, "a b@mail.example", "must be a mail address"},
		{email, "a..b@mail.example", "must be a mail address"},
		{email, "a@b@mail.example", "must be a mail address"},
		{email, "Client <client@mail.example>", "must be a mail address"},
		{email, "client@192.0.2.1", "must be a mail address"},
		{email, "client@[192.0.2.1]", "must be a mail address"},
		{email, "ü@mail.example", "must be a mail address"},
		{email, "client@münchen.example", "use punycode, which is xn--mnchen-3ya.example"},
		{email, strings.Repeat("a", 65) + "@mail.example", "must be a mail address"},
		{dn, "CN=client", ""},
		{dn, "CN=client,OU=a+UID=b,O=Example,C=DE", ""},
		{dn, "CN=client, O=Example , C = DE", ""},
		{dn, `CN=Doe\, Jane \22x\22,O=Lučić,2.5.4.10=a=b`, ""},
		{dn, "1.3.6.1.4.1.1466.0=#04024869,O=Example", ""},
		{dn, "CN=", ""},
		{dn, "client", "must be a distinguished name"},
		{dn, "/C=DE/CN=client", "wrong from byte 0"},
		{dn, "CN=client,", "wrong from byte 10"},
		{dn, "CN=a,,O=b", "wrong from byte 5"},
		{dn, "=client", "wrong from byte 0"},
		{dn, "C N=client", "wrong from byte 0"},
		{dn, "2.05=client", "wrong from byte 0"},
		{dn, `CN="client"`, "wrong from byte 3"},
		{dn, `CN=client\`, "wrong from byte 9"},
		{dn, "CN=a;O=b", "wrong from byte 4"},
		{dn, "CN=a\x00", "wrong from byte 4"},
		{dn, "CN=#0", "wrong from byte 3"},
		{dn, "CN=#04x", "wrong from byte 6"},
	} {
		var m Metadata
		*map[string]*string{dn: &m.TLSClientAuthSubjectDN, dns: &m.TLSClientAuthSANDNS, uri: &m.TLSClientAuthSANURI,
			ip: &m.TLSClientAuthSANIP, email: &m.TLSClientAuthSANEmail}[tt.member] = tt.value
		err := checkCertificateNames(&m)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s %q: %v", tt.member, tt.value, err)
			}
			continue
		}
		wantRefusal(t, err, InvalidClientMetadata, tt.want)
		if err != nil && !strings.Contains(err.Error(), "tls_client_auth_"+tt.member) {
			t.Errorf("%v does not name tls_client_auth_%s", err, tt.member)
		}
	}
}
