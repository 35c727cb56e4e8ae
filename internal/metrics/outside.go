package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// outside is the metrics of what the server reads from elsewhere.
type outside struct {
	keySets   *prometheus.HistogramVec
	documents *prometheus.HistogramVec
}

// The outcomes of packages keyset and fetch. Others count as other.
var (
	keySetOutcomes = []string{"read", "timeout", "certificate", "unreachable", "status", "too_large", "invalid"}
	fetchOutcomes  = []string{"fetched", "not_modified", "url", "resolve", "connect", "tls", "timeout", "status",
		"redirect", "type", "size", "busy", "host_busy"}
)

// Whose URLs are fetched.
const (
	ByClient   = "client"   // documents at URLs that clients name
	ByOperator = "operator" // the upstream's discovery document
)

func newOutside() *outside {
	// To 10 s: an attempt takes 3 s at most, and a fetch may wait for others before.
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	o := &outside{
		keySets: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "registrar_key_set_fetch_duration_seconds",
			Help:    "Time of attempts to read the keys of trusted issuers, by outcome.",
			Buckets: buckets,
		}, []string{"outcome"}),
		documents: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "registrar_document_fetch_duration_seconds",
			Help:    "Time of fetches of documents, by whose URL it is and outcome.",
			Buckets: buckets,
		}, []string{"url_of", "outcome"}),
	}
	for _, outcome := range keySetOutcomes { // a rate needs an initial 0
		o.keySets.WithLabelValues(outcome)
	}
	for _, outcome := range fetchOutcomes {
		o.documents.WithLabelValues(ByClient, outcome)
		o.documents.WithLabelValues(ByOperator, outcome)
	}
	return o
}

func (o *outside) collectors() []prometheus.Collector {
	return []prometheus.Collector{o.keySets, o.documents}
}

// KeySetFetched implements the Observe of package keyset.
func (m *Metrics) KeySetFetched(outcome string, took time.Duration) {
	m.outside.keySets.WithLabelValues(known(outcome, keySetOutcomes)).Observe(took.Seconds())
}

// DocumentFetched returns a function that implements the Observe of package fetch for the URLs of urlOf: ByClient or
// ByOperator.
func (m *Metrics) DocumentFetched(urlOf string) func(outcome string, took time.Duration) {
	return func(outcome string, took time.Duration) {
		m.outside.documents.WithLabelValues(urlOf, known(outcome, fetchOutcomes)).Observe(took.Seconds())
	}
}

// known returns value if it is in the list, else other.
func known(value string, list []string) string {
	if slices.Contains(list, value) {
		return value
	}
	return other
}

// WatchCertificates adds to each scrape when the certificates of the listeners expire. The keys are public and admin;
// a function returns the end of the certificate in use, or the zero time if there is none. It must be called at most
// once.
func (m *Metrics) WatchCertificates(notAfter map[string]func() time.Time) {
	for listener, end := range notAfter {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "registrar_certificate_expiry_timestamp_seconds",
			Help:        "When the certificate of a listener expires, in seconds since 1970.",
			ConstLabels: prometheus.Labels{"listener": listener},
		}, func() float64 {
			if at := end(); !at.IsZero() {
				return float64(at.Unix())
			}
			return 0
		}))
	}
}
