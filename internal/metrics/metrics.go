// Package metrics counts the work of the server and its scripts for Prometheus. [Metrics] implements the observer
// interfaces of those packages and of the store, and serves /metrics. Labels are bounded: scripts and their steps are
// those of the deployment in force, routes those of the server, steps of refusals those of the engine; what is not
// among the known values is "other".
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"registrar/internal/guard"
	"registrar/internal/version"
)

// maxScrapes bounds concurrent scrapes.
const maxScrapes = 8

// Metrics is the metrics of one server. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	web      *web
	scripts  *scriptMetrics
	database *databaseMetrics
	outside  *outside
}

// New returns Metrics whose counters are 0.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), web: newWeb(), scripts: newScripts(),
		database: newDatabase(), outside: newOutside()}
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(buildInfo())
	m.registry.MustRegister(m.web.collectors()...)
	m.registry.MustRegister(m.scripts.collectors()...)
	m.registry.MustRegister(m.database.collectors()...)
	m.registry.MustRegister(m.outside.collectors()...)
	return m
}

// buildInfo returns a metric that is always 1 and has the program's version in its labels.
func buildInfo() prometheus.Collector {
	v := version.Get()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "registrar_build_info", Help: "Always 1; the labels tell which program this is.",
		ConstLabels: prometheus.Labels{"version": v.Version, "commit": v.Commit, "go": v.Go, "wazero": v.Wazero()},
	})
	info.Set(1)
	return info
}

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: maxScrapes})
}

// A Host runs scripts.
type Host interface {
	// Current returns the number of the deployment that registrations run through, false before one is loaded.
	Current() (number int64, loaded bool)
	// Ready returns nil if the deployment in force is loaded, else the reason.
	Ready() error
	// Waiting returns the number of ready instances by script.
	Waiting() map[string]int
}

// Watch adds the state of a host to each scrape. It must be called at most once.
func (m *Metrics) Watch(h Host) { m.registry.MustRegister(newWatch(h)) }

// WatchPanics has each scrape read how many panics a guard caught. It is called once.
func (m *Metrics) WatchPanics(g *guard.Guard) {
	for _, place := range guard.Places() {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "registrar_panics_total", Help: "Panics that were caught, by where they happened: each is a defect.",
			ConstLabels: prometheus.Labels{"where": place.String()},
		}, func() float64 { return float64(g.Panics(place)) }))
	}
}

// A watch collects the metrics that a host returns on demand.
type watch struct {
	host                    Host
	number, loaded, waiting *prometheus.Desc
}

func newWatch(h Host) *watch {
	return &watch{
		host: h,
		number: prometheus.NewDesc("registrar_deployment_number",
			"Number of the deployment that registrations run through; 0 if there is none.", nil, nil),
		loaded: prometheus.NewDesc("registrar_deployment_loaded",
			"1 if registrations run through the deployment in force, else 0.", nil, nil),
		waiting: prometheus.NewDesc("registrar_script_instances_waiting",
			"Script instances that are ready for a registration.",
			[]string{"script"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (w *watch) Describe(to chan<- *prometheus.Desc) {
	to <- w.number
	to <- w.loaded
	to <- w.waiting
}

// Collect implements [prometheus.Collector].
func (w *watch) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	number, _ := w.host.Current()
	gauge(w.number, float64(number))
	loaded := 1.0
	if w.host.Ready() != nil {
		loaded = 0
	}
	gauge(w.loaded, loaded)
	for script, n := range w.host.Waiting() {
		gauge(w.waiting, float64(n), script)
	}
}
