package fetch

import (
	"net/http"
	"testing"
	"time"
)

// How long a document is fresh, by RFC 9111 within 5 minutes and a day.
func TestFreshUntil(t *testing.T) {
	t.Parallel()
	const least, most = 5 * time.Minute, 24 * time.Hour
	const hour = time.Hour - 2*time.Second // the request took 2 s
	arrived := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	asked := arrived.Add(-2 * time.Second)
	at := func(d time.Duration) string { return arrived.Add(d).UTC().Format(http.TimeFormat) }
	c := Config{MinFresh: least, MaxFresh: most}
	for name, tt := range map[string]struct {
		header http.Header
		want   time.Duration // that the document is fresh; 0 means that it is not kept
	}{
		"nothing":               {headers(), least},
		"max-age":               {headers("Cache-Control", "max-age=3600"), hour},
		"s-maxage over max-age": {headers("Cache-Control", "max-age=7200, s-maxage=3600"), hour},
		"over Expires":          {headers("Cache-Control", "max-age=3600", "Expires", at(9*time.Hour)), hour},
		"capitals and quotes":   {headers("Cache-Control", ` Public , MAX-AGE="3600"`), hour},
		"two lines":             {headers("Cache-Control", "public", "Cache-Control", "max-age=3600"), hour},
		"the first of two":      {headers("Cache-Control", "max-age=3600, max-age=7200"), hour},
		"Age": {headers("Cache-Control", "max-age=3600", "Age", "600"),
			50*time.Minute - 2*time.Second},
		"Age that is no number": {headers("Cache-Control", "max-age=3600", "Age", "x"), hour},
		"an old Date": {headers("Cache-Control", "max-age=3600", "Date", at(-time.Minute)),
			59 * time.Minute},
		"older than it is fresh":   {headers("Cache-Control", "max-age=3600", "Age", "4000"), least},
		"Expires":                  {headers("Expires", at(time.Hour), "Date", at(0)), hour},
		"Expires without Date":     {headers("Expires", at(time.Hour)), hour},
		"Expires in the past":      {headers("Expires", at(-time.Hour)), least},
		"Expires 0":                {headers("Expires", "0"), least},
		"Expires twice":            {headers("Expires", at(time.Hour), "Expires", at(time.Hour)), least},
		"too short":                {headers("Cache-Control", "max-age=1"), least},
		"too long":                 {headers("Cache-Control", "max-age=31536000"), most},
		"too large a number":       {headers("Cache-Control", "max-age=99999999999999999999999"), most},
		"no number":                {headers("Cache-Control", "max-age=1h"), least},
		"a negative number":        {headers("Cache-Control", "max-age=-1"), least},
		"no value":                 {headers("Cache-Control", "max-age"), least},
		"no-cache":                 {headers("Cache-Control", "no-cache, max-age=3600"), least},
		"Vary *":                   {headers("Cache-Control", "max-age=3600", "Vary", "*"), least},
		"no-store":                 {headers("Cache-Control", "max-age=3600, no-store"), 0},
		"private":                  {headers("Cache-Control", "private"), 0},
		"no-store within quotes":   {headers("Cache-Control", `x="a, no-store, \", private", max-age=3600`), hour},
		"a quote that has no end":  {headers("Cache-Control", `x="a, max-age=3600`), least},
		"names that only begin so": {headers("Cache-Control", "no-stores, max-age2=3600"), least},
	} {
		t.Run(name, func(t *testing.T) {
			p := readPolicy(tt.header, asked, arrived)
			if p.keep != (tt.want != 0) {
				t.Errorf("keep is %v", p.keep)
			}
			if got := c.freshUntil(p, arrived.Add(600)).Sub(arrived); got != tt.want {
				t.Errorf("fresh for %v, want %v", got, tt.want)
			}
		})
	}
}

// headers returns a header of pairs of a name and a value.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
