package cli

import (
	"context"
	"fmt"
	"log/slog"
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
	traces        string // where traces are sent; "" means nowhere
}

// announce reports that the server is listening: a table on a terminal, else one log record.
func announce(ctx context.Context, a announcement, logger *slog.Logger, to *console) {
	if to.terminal {
		a.print(to)
	} else {
		if a.traces != "" {
			logger.InfoContext(ctx, "sending traces", "otlp_endpoint", a.traces)
		}
		logger.InfoContext(ctx, "listening", "public", a.public, "admin", a.admin, "database", a.database,
			"deployment", a.deployment, "registration", guards(a.policy), "admin_token", a.token)
	}
	if a.exposed {
		logger.WarnContext(ctx, "the admin API "+adminExposed, "admin", a.admin)
	}
}

const (
	// adminExposed says what an admin address that is not loopback means.
	adminExposed = "serves plain HTTP beyond this machine: let only administrators reach it"
	// localProxy says what a proxy means where registration is open to this machine.
	localProxy = "a proxy here that adds no header would open it to all who reach the proxy; before you run one, set " +
		"--registration token, or name it with --trusted-proxy"
)

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
	rows := [][]string{
		{"registrar", a.public},
		{"admin API", a.admin},
		{"database", a.database},
		{"deployment", a.deployment},
		{"registration", guards(a.policy)},
		{"admin token", a.token},
	}
	if a.traces != "" {
		rows = append(rows, []string{"traces", a.traces})
	}
	return rows
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
