package metrics

import (
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"registrar/engine"
)

// web is the metrics of HTTP.
type web struct {
	registrations *prometheus.CounterVec
	outcomes      map[string]prometheus.Counter // of registrations, by outcome; never modified
	refusals      *prometheus.CounterVec
	unread        prometheus.Counter
	requests      *prometheus.HistogramVec
	answers       sync.Map // of requests: answer to prometheus.Observer
}

// An answer is a known method, a route of the server or "none", and a status. There are few of them.
type answer struct {
	method, route string
	status        int
}

func newWeb() *web {
	w := &web{
		outcomes: map[string]prometheus.Counter{},
		registrations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_registrations_total",
			Help: "Admitted registrations, by outcome.",
		}, []string{"outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_refusals_total",
			Help: "Registrations, updates and rotations that were refused, by error code and step.",
		}, []string{"code", "step"}),
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
		w.outcomes[outcome] = w.registrations.WithLabelValues(outcome) // a rate needs an initial 0
	}
	return w
}

func (w *web) collectors() []prometheus.Collector {
	return []prometheus.Collector{w.registrations, w.refusals, w.unread, w.requests}
}

// Answered implements the server's observer.
func (m *Metrics) Answered(method, route string, status int, took time.Duration) {
	m.web.answered(answer{knownMethod(method), cmp.Or(route, "none"), status}).Observe(took.Seconds())
}

// answered returns the histogram of an answer. Each is looked up by its labels once, since that takes a lock.
func (w *web) answered(a answer) prometheus.Observer {
	if o, known := w.answers.Load(a); known {
		return o.(prometheus.Observer)
	}
	o := w.requests.WithLabelValues(a.method, a.route, strconv.Itoa(a.status))
	w.answers.Store(a, o)
	return o
}

// Registered implements the server's observer.
func (m *Metrics) Registered(outcome string) {
	if c := m.web.outcomes[outcome]; c != nil {
		c.Inc()
		return
	}
	m.web.registrations.WithLabelValues(outcome).Inc()
}

// stepRequest takes the place of a step where the request cannot be read.
const stepRequest = "request"

// Refused implements the Refused of the engine and of the server's observer.
func (m *Metrics) Refused(code engine.Code, step string) {
	m.web.refusals.WithLabelValues(knownCode(code), knownStep(step)).Inc()
}

// knownCode bounds the label.
func knownCode(code engine.Code) string {
	if engine.ParseCode(string(code)) != code {
		return other
	}
	return string(code)
}

// knownStep bounds the label.
func knownStep(name string) string {
	if name == stepRequest || name == engine.StepNone {
		return name
	}
	for _, step := range engine.StepTable() {
		if step.Name == name {
			return name
		}
	}
	return other
}

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
