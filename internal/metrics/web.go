package metrics

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// web is the metrics of HTTP.
type web struct {
	registrations *prometheus.CounterVec
	unread        prometheus.Counter
	requests      *prometheus.HistogramVec
}

func newWeb() *web {
	w := &web{
		registrations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_registrations_total",
			Help: "Admitted registrations, by outcome.",
		}, []string{"outcome"}),
		unread: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "registrar_addresses_unread_total",
			Help: "Requests of trusted proxies in which the address of the caller cannot be read.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "registrar_http_request_duration_seconds",
			Help:    "Time to respond to HTTP requests.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
	}
	for _, outcome := range []string{"registered", "refused", "failed", "unavailable"} {
		w.registrations.WithLabelValues(outcome) // a rate needs an initial 0
	}
	return w
}

func (w *web) collectors() []prometheus.Collector {
	return []prometheus.Collector{w.registrations, w.unread, w.requests}
}

// Answered implements the server's observer.
func (m *Metrics) Answered(method, route string, status int, took time.Duration) {
	m.web.requests.WithLabelValues(knownMethod(method), cmp.Or(route, "none"),
		strconv.Itoa(status)).Observe(took.Seconds())
}

// Registered implements the server's observer.
func (m *Metrics) Registered(outcome string) { m.web.registrations.WithLabelValues(outcome).Inc() }

// AddressUnread implements the server's observer.
func (m *Metrics) AddressUnread() { m.web.unread.Inc() }

// knownMethod bounds the label, since clients may send any method.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions,
		http.MethodPatch:
		return method
	}
	return "other"
}
