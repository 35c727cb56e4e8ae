package engine

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"
	"time"
)

// worstBody is the size of the bodies of BenchmarkWorstBodies: the limit of a registration's body.
const worstBody = 64 << 10

// fill returns the text with %s replaced by as many repetitions of element as a body holds. %d in the element counts.
func fill(text, element, separator string) string { return fillTo(worstBody, text, element, separator) }

func fillTo(size int, text, element, separator string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		next := element
		if strings.Contains(element, "%d") {
			next = fmt.Sprintf(element, i)
		}
		if len(text)+b.Len()+len(separator)+len(next) > size {
			return strings.Replace(text, "%s", b.String(), 1)
		}
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(next)
	}
}

// most is fill with at most n repetitions, each padded so that together they fill a body.
func most(n int, text, element, separator string) string {
	pad := max(0, (worstBody-len(text))/n-len(element)-len(separator)-4)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(separator)
		}
		e := strings.Replace(element, "%pad", strings.Repeat("a", pad), 1)
		b.WriteString(strings.ReplaceAll(e, "%d", fmt.Sprint(i)))
	}
	return strings.Replace(text, "%s", b.String(), 1)
}

func worstBodies() map[string]string {
	with := func(members string) string { return `{"redirect_uris":["https://app.example/cb"],` + members + `}` }
	statement := func(header, claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return `"software_statement":"` + encode([]byte(header)) + "." + encode([]byte(claims)) + `.AAAA"`
	}
	bodies := map[string]string{
		"scope, many":           fill(with(`"scope":"%s"`), "s%d", " "),
		"scope, most":           most(maxScopes, with(`"scope":"%s"`), "%pad%d", " "),
		"scope, the same":       fill(with(`"scope":"%s"`), "a", " "),
		"scope, spaces":         fill(with(`"scope":"%s"`), " ", ""),
		"scope, one":            fill(with(`"scope":"%s"`), "a", ""),
		"tags, many":            fill(with(`%s`), `"client_name#x-%d":"a"`, ","),
		"tags, one":             fill(with(`"client_name#x%s":"a"`), "-a", ""),
		"tags, extensions":      fill(with(`"client_name#en%s":"a"`), "-a-bcd", ""),
		"unknown members":       fill(with(`%s`), `"%d":0`, ","),
		"unknown members, most": most(maxMembers-1, with(`%s`), `"a%d":0`, ","),
		"duplicate member":      fill(with(`%s,"a0":0`), `"a%d":"0000000000000000"`, ","),
		"wrong type at the end": fill(with(`"contacts":[%s,1]`), `"a%d"`, ","),
		"broken at the end":     fill(with(`"contacts":[%s],`), `"a%d"`, ","),
		"tags, longest":         with(strings.Join(longTags(), ",")),
		"statement":             fill(with(`"software_statement":"%s"`), "a", ""),
		"statement, header": with(statement(
			fillTo(maxStatementHeader*3/4, `{"alg":"ES256",%s}`, `"a%d":0`, ","), `{}`)),
		"statement, long header": with(statement(
			fillTo(worstBody*3/4-200, `{"alg":"ES256",%s}`, `"a%d":0`, ","), `{}`)),
		"statement, claims": with(statement(
			`{"alg":"ES256"}`, fillTo(worstBody*3/4-200, `{"iss":"board",%s}`, `"a%d":0`, ","))),
		"nesting":                 fill(with(`"x":[%s]`), strings.Repeat("[", 90)+strings.Repeat("]", 90), ","),
		"client_name":             fill(with(`"client_name":"%s"`), `\u00e9`, ""),
		"client_name, joiners":    fill(with(`"client_name":"%sب"`), "ب\u200c", ""),
		"client_name, emoji":      fill(with(`"client_name":"%s"`), "👩\u200d", ""),
		"client_name, viramas":    fill(with(`"client_name":"%s"`), "क्\u200d", ""),
		"client_names":            most(maxTags, with(`%s`), `"client_name#x-%d":"é%pad"`, ","),
		"software_version":        fill(with(`"software_version":"%s"`), "é", ""),
		"response_types, order":   fill(with(`"response_types":["code",%s]`), `"token id_token code"`, ","),
		"redirect URIs, the same": fill(`{"redirect_uris":[%s]}`, `"https://a.example/"`, ","),
		"redirect URIs, twice":    most(200, `{"redirect_uris":[%s]}`, `"https://a.example/%pad"`, ","),
		"client_uri":              fill(with(`"client_uri":"https://app.example/%s"`), "%41", ""),
		"redirect URI":            fill(`{"redirect_uris":["https://app.example/%s"]}`, "%41", ""),
		"redirect host":           fill(`{"redirect_uris":["https://%s.example/"]}`, "a.", ""),
		"redirect URIs":           fill(`{"redirect_uris":[%s]}`, `"https://a%d.example/"`, ","),
		"redirect URIs, most":     most(200, `{"redirect_uris":[%s]}`, `"https://a%d.example/%pad"`, ","),
		"redirect URIs, logout": most(200, `{"redirect_uris":[%s],"frontchannel_logout_uri":"https://a199.example/"}`,
			`"https://a%d.example/%pad"`, ","),
		"pages and redirect URIs": most(200, `{"redirect_uris":[%s],`, `"https://a%d.example/"`, ",") +
			strings.Join(taggedPages(), ",") + `}`,
		"response_types, one": fill(with(`"response_types":["code","%s"]`), "a ", ""),
		"response_types, words": most(maxList-1, with(`"response_types":["code",%s]`),
			`"`+strings.Repeat("a ", 300)+`"`, ","),
		"grant_types, words": most(maxList-1, with(`"grant_types":["authorization_code",%s]`), `"%pad"`, ","),
	}
	maps.Copy(bodies, worstKeys(with))
	bodies["redirect host, digits"] = fill(`{"redirect_uris":["https://%s/"]}`, "1", "")
	bodies["redirect host, octal"] = fill(`{"redirect_uris":["https://%s/"]}`, "0.", "")
	bodies["redirect host, script"] = fill(`{"redirect_uris":["https://%s.example/"]}`, "é", "")
	bodies["punycode"] = punycodeHosts()
	bodies["subject DN"] = fill(with(`"tls_client_auth_subject_dn":"%s"`), "CN=a,", "")
	bodies["subject DN, equals"] = fill(with(`"tls_client_auth_subject_dn":"CN=%s"`), "=", "")
	for _, list := range []string{"contacts", "default_acr_values", "authorization_details_types", "grant_types",
		"response_types", "identity_provider_restrictions", "allowed_identity_token_signing_algorithms"} {
		bodies[list] = fill(with(`"`+list+`":[%s]`), `"a%d"`, ",")
		bodies[list+", most"] = most(maxList, with(`"`+list+`":[%s]`), `"%pad%d"`, ",")
	}
	for _, list := range []string{"post_logout_redirect_uris", "request_uris", "allowed_cors_origins"} {
		bodies[list] = fill(with(`"`+list+`":[%s]`), `"https://a%d.example"`, ",")
		bodies[list+", most"] = most(maxList, with(`"`+list+`":[%s]`), `"https://%pad%d.example"`, ",")
	}
	return bodies
}

// punycodeHosts returns a request with as many URIs as a client may have, with as many labels in punycode as fit.
func punycodeHosts() string {
	uri := `"https://` + strings.Repeat("xn--4ca.", 7) + `example"`
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat(uri+",", n), ",") }
	members := []string{`"redirect_uris":[` + list(DefaultMaxRedirectURIs) + `]`}
	for _, name := range []string{"post_logout_redirect_uris", "request_uris", "allowed_cors_origins"} {
		members = append(members, `"`+name+`":[`+list(maxList)+`]`)
	}
	for _, member := range localizable[1:] {
		for i := range maxTags {
			members = append(members, fmt.Sprintf(`"%s#x-%d":%s`, member, i, uri))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func taggedPages() []string {
	var pages []string
	for _, member := range localizable[1:] {
		for i := range maxTags {
			pages = append(pages, fmt.Sprintf(`"%s#x-%d":"https://a199.example/"`, member, i))
		}
	}
	return pages
}

// longTags returns as many language-tagged names as a client may have, with the longest tags.
func longTags() []string {
	var names []string
	for i := range maxTags {
		tag := fmt.Sprintf("en-a-%d", i+10)
		for len(tag)+len("-abcdefgh") <= maxTag {
			tag += "-abcdefgh"
		}
		for _, member := range localizable {
			names = append(names, fmt.Sprintf(`"%s#%s":"https://app.example/"`, member, tag))
		}
	}
	return names
}

// worstLimit bounds the processor time of a body of 64 KiB.
const worstLimit = 5 * time.Millisecond

func worstEngine(t testing.TB) *Engine {
	return newEngine(t, Config{Store: discard{}, Options: Options{URIsOnRedirectHost: true,
		AllowedResponseTypes: []string{"code", "id_token", "code id_token", "token", "id_token token", "code token",
			"code id_token token", "none"}},
		StatementKeys: newIssuer("board").trusting(Options{}).StatementKeys,
		Advertised: func() (Advertised, error) {
			return Advertised{"acr_values_supported": {"1", "2"}, "response_types_supported": {"code"},
				"authorization_details_types_supported": {"payment"}}, nil
		}})
}

// BenchmarkWorstBodies registers bodies of 64 KiB that are the most work for one member each. docs/security.md reports
// its result.
func BenchmarkWorstBodies(b *testing.B) {
	e := worstEngine(b)
	for name, body := range worstBodies() {
		if len(body) > worstBody+worstBody/8 {
			b.Fatalf("%s has %d bytes", name, len(body))
		}
		b.Run(name, func(b *testing.B) {
			before := processorTime(b)
			for b.Loop() {
				_ = e.tryBody(b, body)
			}
			each := (processorTime(b) - before) / time.Duration(b.N)
			b.ReportMetric(float64(each.Microseconds()), "cpu-us/op")
			if each > worstLimit {
				b.Errorf("takes %s of processor time, want at most %s", each, worstLimit)
			}
		})
	}
}

// processorTime returns the processor time of the process so far.
func processorTime(t testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// tryBody registers a body, and returns why it was refused; nil means registered.
func (e *Engine) tryBody(t testing.TB, body string) error {
	request, err := ParseRequest([]byte(body))
	if err == nil {
		_, err = e.Register(t.Context(), request, &Caller{Auth: AuthNone})
	}
	if _, refused := errors.AsType[*Error](err); err != nil && !refused {
		t.Fatal(err)
	}
	return err
}
