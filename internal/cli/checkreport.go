package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"registrar/server"
)

// A severity says what a finding of check means.
type severity string

// The severities, the worst first.
const (
	severityError   severity = "error"   // serve would not start, or clients could not do what is configured
	severityWarning severity = "warning" // serve would start, but perhaps not as the operator means it
	severityNote    severity = "note"    // what serve would do by itself, and what follows from the configuration
)

// severities are all severities in the order of the report.
var severities = []severity{severityError, severityWarning, severityNote}

// A code names a kind of finding, for programs. docs/check.md describes each.
type code string

// The codes.
const (
	codeConfiguration     code = "configuration"
	codeVariable          code = "variable"
	codeAddress           code = "address"
	codeAlreadyRunning    code = "already_running"
	codePublicURL         code = "public_url"
	codeCertificate       code = "certificate"
	codePlainHTTP         code = "plain_http"
	codeAdminExposed      code = "admin_exposed"
	codeRegistrationOpen  code = "registration_open"
	codeLocalProxy        code = "local_proxy"
	codeCORSOrigin        code = "cors_origin"
	codeRateLimit         code = "rate_limit"
	codeKeys              code = "keys"
	codeDiscovery         code = "discovery"
	codeMetadataDocuments code = "metadata_documents"
	codeDocuments         code = "documents"
	codeDatabase          code = "database"
	codeSchema            code = "schema"
	codeAdminToken        code = "admin_token"
	codeDeployment        code = "deployment"
)

// A finding is something that check found.
type finding struct {
	Severity severity `json:"severity"`
	Code     code     `json:"code"`
	About    string   `json:"about"` // a flag, or an environment variable; "" means several
	Text     string   `json:"text"`

	usage bool // whether serve would exit with exitUsage
}

// A checkReport is what check reports: the findings, the worst first, and what serve would run.
type checkReport struct {
	OK       bool      `json:"ok"` // no finding is an error
	Findings []finding `json:"findings"`
	Runs     *runs     `json:"runs"`    // nil if the configuration is not valid
	OpenTo   *openTo   `json:"open_to"` // likewise
}

// runs is what serve would run.
type runs struct {
	Version           string     `json:"version"`
	Listen            string     `json:"listen"`
	TLS               bool       `json:"tls"`
	TLSUntil          *time.Time `json:"tls_until"` // when the certificate expires; nil without TLS
	AdminListen       string     `json:"admin_listen"`
	AdminTLS          bool       `json:"admin_tls"`
	AdminTLSUntil     *time.Time `json:"admin_tls_until"`
	PublicURL         string     `json:"public_url"`
	Issuer            string     `json:"issuer"`
	Database          string     `json:"database"` // without a password
	Schema            *int64     `json:"schema"`   // version; nil if it is unknown
	SchemaNeeded      int64      `json:"schema_needed"`
	Deployment        *string    `json:"deployment"` // nil if it is unknown
	Discovery         bool       `json:"discovery"`
	MetadataDocuments bool       `json:"metadata_documents"`
	Traces            string     `json:"traces"` // where they are sent; "" means none
}

// openTo is who may do what.
type openTo struct {
	Registration  string   `json:"registration"` // open, loopback or token
	Management    bool     `json:"management"`   // by clients, of their own registrations
	Origins       []string `json:"origins"`      // of pages; "*" means all, "loopback" those of this machine
	RateLimit     float64  `json:"rate_limit"`   // per second and address; 0 means none
	TokenIssuers  []string `json:"token_issuers"`
	Proxies       []string `json:"trusted_proxies"`
	Admin         string   `json:"admin"`       // loopback or network
	AdminToken    *string  `json:"admin_token"` // where it is; nil if it is unknown
	AdminCerts    bool     `json:"admin_client_certificates"`
	AdminIssuers  []string `json:"admin_issuers"`
	AdminSubjects []string `json:"admin_subjects"` // of client certificates that have roles
}

// add adds a finding.
func (r *checkReport) add(s severity, c code, about, format string, args ...any) {
	r.Findings = append(r.Findings, finding{Severity: s, Code: c, About: about, Text: fmt.Sprintf(format, args...)})
}

// fail adds the finding that an error ends serve, or keeps clients away.
func (r *checkReport) fail(c code, about string, err error) {
	r.add(severityError, c, about, "%v", err)
	r.Findings[len(r.Findings)-1].usage = isUsage(err)
}

// finish sorts the findings.
func (r *checkReport) finish() {
	slices.SortStableFunc(r.Findings, func(a, b finding) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
	r.OK = len(r.errors()) == 0
}

// errors returns the findings that are errors.
func (r *checkReport) errors() (list []finding) {
	for _, f := range r.Findings {
		if f.Severity == severityError {
			list = append(list, f)
		}
	}
	return list
}

// result returns the error with which check exits: with the code of serve where that would not start.
func (r *checkReport) result() error {
	switch {
	case r.OK:
		return nil
	case slices.ContainsFunc(r.Findings, func(f finding) bool { return f.usage }):
		return exited(exitUsage)
	}
	return exited(exitFailed)
}

// complain writes the errors to standard error, each as serve would. A terminal shows them already if shown says so.
func (r *checkReport) complain(to *console, shown bool) {
	list := r.errors()
	if shown && to.terminal && len(list) > 0 {
		fmt.Fprintf(to.err, "registrar: check found errors: %d\n", len(list))
		return
	}
	for _, f := range list {
		fmt.Fprintln(to.err, "registrar:", printableLines(f.Text))
	}
}

// print prints the report for people.
func (r *checkReport) print(p *textWriter) {
	for _, f := range r.Findings {
		p.line("%-8s %s", f.Severity, strings.ReplaceAll(f.Text, "\n", "\n         "))
	}
	if r.Runs == nil {
		return
	}
	if len(r.Findings) > 0 {
		p.line("")
	}
	p.line("What would run")
	p.table(r.Runs.rows())
	p.line("\nWhat would be open to whom")
	p.table(r.OpenTo.rows())
}

func (r *runs) rows() [][]string {
	discovery := "none"
	if r.Discovery {
		discovery = "published"
	}
	if r.MetadataDocuments {
		discovery += "; clients may be metadata documents"
	}
	traces := "none"
	if r.Traces != "" {
		traces = "sent to " + r.Traces
	}
	return [][]string{
		{"  registrar", r.Version},
		{"  public address", r.Listen + ", " + protocol(r.TLSUntil)},
		{"  clients reach it at", r.PublicURL},
		{"  issuer", r.Issuer},
		{"  admin API", r.AdminListen + ", " + protocol(r.AdminTLSUntil)},
		{"  database", r.database()},
		{"  deployment", orUnknown(r.Deployment)},
		{"  discovery document", discovery},
		{"  traces", traces},
	}
}

// protocol describes a listener by when its certificate expires; nil means that it has none.
func protocol(until *time.Time) string {
	if until == nil {
		return "plain HTTP"
	}
	return "https, with a certificate until " + until.Format("2006-01-02 15:04 MST")
}

// database describes the database.
func (r *runs) database() string {
	switch {
	case r.Schema == nil:
		return r.Database
	case *r.Schema == r.SchemaNeeded:
		return fmt.Sprintf("%s, schema %d", r.Database, *r.Schema)
	}
	return fmt.Sprintf("%s, schema %d of %d", r.Database, *r.Schema, r.SchemaNeeded)
}

func (o *openTo) rows() [][]string {
	management, limit := "off", "none"
	if o.Management {
		management = "clients manage their own registrations"
	}
	if o.RateLimit > 0 {
		limit = fmt.Sprintf("%v a second from one address", o.RateLimit)
	}
	admin := "this machine"
	if o.Admin != "loopback" {
		admin = "everyone who reaches it"
	}
	if admin += ", with a token"; o.AdminCerts {
		admin += " and a client certificate"
		if len(o.AdminSubjects) > 0 {
			admin += ", or with a certificate that has a role"
		}
	}
	return [][]string{
		{"  registration", guards(server.RegistrationPolicy(o.Registration))},
		{"  access tokens of", orNone(o.TokenIssuers)},
		{"  management", management},
		{"  web pages of", orNone(o.Origins)},
		{"  rate limit", limit},
		{"  trusted proxies", orNone(o.Proxies)},
		{"  admin API", admin},
		{"  admin token", orUnknown(o.AdminToken)},
		{"  admin JWTs of", orNone(o.AdminIssuers)},
		{"  admin certificates of", orNone(o.AdminSubjects)},
	}
}

func orUnknown(s *string) string {
	if s == nil {
		return "not known"
	}
	return *s
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
