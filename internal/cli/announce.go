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

// An announcement describes a server that begins to serve.
type announcement struct {
	public, admin string // base URLs
	exposed       bool   // the admin address is not loopback
	database      string // without a password
	deployment    string
	policy        server.RegistrationPolicy
	token         string // where the admin token is
}

// announce reports that the server is listening: a table on a terminal, else one log record.
func announce(ctx context.Context, a announcement, logger *slog.Logger, to *console) {
	if to.terminal {
		a.print(to)
	} else {
		logger.InfoContext(ctx, "listening", "public", a.public, "admin", a.admin, "database", a.database,
			"deployment", a.deployment, "registration", guards(a.policy), "admin_token", a.token)
	}
	if a.exposed {
		logger.WarnContext(ctx, "the admin API serves plain HTTP beyond this machine: let only administrators reach it",
			"admin", a.admin)
	}
}

// print writes the announcement as a table, and a command to try unless that needs a token.
func (a announcement) print(to *console) {
	p := &textWriter{}
	p.table(a.rows())
	if a.policy != server.RegistrationToken {
		p.line("\nTry it:\n  %s\n", a.curl())
	}
	// A server without its terminal goes on.
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
		insecure = "--insecure " // the certificate names the public URL's host, not this address
	}
	const client = `{"client_name":"Example","redirect_uris":["https://app.example/cb"]}`
	return fmt.Sprintf(`curl %s-H 'Content-Type: application/json' -d '%s' %s/register`, insecure, client, a.public)
}

// guards describes who may register.
func guards(p server.RegistrationPolicy) string {
	switch p {
	case server.RegistrationOpen:
		return "open: anyone may register"
	case server.RegistrationLoopback:
		return "open to this machine only; see --registration"
	}
	return "token required; see registrar token create"
}

// baseAddress returns the URL at which this machine reaches a listener.
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
