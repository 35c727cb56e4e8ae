package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"registrar/server"
)

// An announcement is what there is to say of a server that begins to serve.
type announcement struct {
	public, admin string // base URLs
	exposed       bool   // the admin address is not loopback
	database      string // without a password
	deployment    string
	policy        server.RegistrationPolicy
	token         string // where the admin token is
}

// announce says it: to a person on a terminal, else to the log.
func announce(ctx context.Context, a announcement, logger *slog.Logger, to *console) {
	if to.terminal {
		a.print(to)
	} else {
		logger.InfoContext(ctx, "listening", "public", a.public, "admin", a.admin, "database", a.database, "deployment", a.deployment,
			"registration", guards(a.policy), "admin_token", a.token)
	}
	if a.exposed {
		logger.WarnContext(ctx, "the admin API speaks plain HTTP beyond this machine: see that only administrators reach it", "admin", a.admin)
	}
}

// print tells a person, in a few lines, what they need to begin.
func (a announcement) print(to *console) {
	p := &textWriter{}
	p.table(a.rows())
	if a.policy != server.RegistrationToken {
		p.line("\nTry it:\n  %s\n", a.curl())
	}
	// What cannot be written to a terminal is not read by anybody.
	_, _ = to.err.Write(p.buffer.Bytes())
}

func (a announcement) rows() [][]string {
	return [][]string{
		{"registrar", a.public},
		{"admin API", a.admin},
		{"database", a.database},
		{"deployment", a.deployment},
		{"registration", guards(a.policy)},
		{"admin token", a.token},
	}
}

// curl returns a command that registers a client here.
func (a announcement) curl() string {
	insecure := ""
	if strings.HasPrefix(a.public, "https:") {
		insecure = "--insecure " // the certificate is for the public URL's host, and this goes to an address
	}
	return fmt.Sprintf(`curl %s-H 'Content-Type: application/json' -d '{"client_name":"Example","redirect_uris":["https://app.example/cb"]}' %s/register`, insecure, a.public)
}

// guards says in words who may register.
func guards(p server.RegistrationPolicy) string {
	switch p {
	case server.RegistrationOpen:
		return "open: everybody may register"
	case server.RegistrationLoopback:
		return "open to this machine: for others, see --registration"
	}
	return "token: whoever has one, see registrar token create"
}

// baseAddress returns the URL under which this machine reaches a listener.
func baseAddress(addr net.Addr, secure bool) string {
	tcp := addr.(*net.TCPAddr)
	ip := tcp.IP
	switch {
	case ip.IsUnspecified() && ip.To4() == nil:
		ip = net.IPv6loopback
	case ip.IsUnspecified():
		ip = net.IPv4(127, 0, 0, 1)
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port))
}
