package metrics

import (
	"database/sql"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// databaseMetrics is the metrics of statements and batches. Its histograms are looked up once, so that observing takes
// no lock and no memory.
type databaseMetrics struct {
	statements *prometheus.HistogramVec
	byKind     map[string]prometheus.Observer
	batches    prometheus.Histogram
	waits      prometheus.Histogram
}

// statementKinds are the kinds of statements of package store. Others count as other.
var statementKinds = []string{"select", "insert", "update", "delete", "raw", "transaction", other}

// other is the value of a label for values that are not among the known ones.
const other = "other"

func newDatabase() *databaseMetrics {
	d := &databaseMetrics{
		statements: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_database_statement_duration_seconds",
			Help: "Time of statements and whole transactions, from the request for a connection to the last row.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5,
				10},
		}, []string{"statement"}),
		byKind: map[string]prometheus.Observer{},
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "registrar_batch_clients",
			Help:    "Clients that were stored by one statement.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 7), // to 64, the largest batch
		}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "registrar_batch_wait_seconds",
			Help:    "Time for which clients waited until their batch began; 0 for those that were stored at once.",
			Buckets: prometheus.ExponentialBuckets(.00025, 4, 8), // to 4 s
		}),
	}
	for _, kind := range statementKinds {
		d.byKind[kind] = d.statements.WithLabelValues(kind)
	}
	return d
}

func (d *databaseMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{d.statements, d.batches, d.waits}
}

// StatementEnded implements the store's observer.
func (m *Metrics) StatementEnded(kind string, took time.Duration) {
	o := m.database.byKind[kind]
	if o == nil {
		o = m.database.byKind[other]
	}
	o.Observe(took.Seconds())
}

// BatchBegan implements the store's observer.
func (m *Metrics) BatchBegan(items int) { m.database.batches.Observe(float64(items)) }

// ItemWaited implements the store's observer.
func (m *Metrics) ItemWaited(wait time.Duration) { m.database.waits.Observe(wait.Seconds()) }

// A Database stores clients.
type Database interface {
	// InDoubt returns how many clients are in doubt: their registrations were answered with an error, and whether their
	// rows are stored is not known yet.
	InDoubt() int
	// Settled returns how many clients were in doubt until their rows were removed, and until it was certain that there
	// are none.
	Settled() (removed, absent uint64)
	// Pools returns the statistics of the connection pools by name. The names do not change.
	Pools() map[string]sql.DBStats
}

// WatchDatabase adds the state of a database to each scrape. It must be called at most once.
func (m *Metrics) WatchDatabase(d Database) {
	settled := func(outcome string, count func() uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "registrar_registrations_settled_total",
			Help: "Registrations that are not in doubt any more, by what was found of them: rows that were " +
				"removed, or none.",
			ConstLabels: prometheus.Labels{"outcome": outcome},
		}, func() float64 { return float64(count()) })
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "registrar_registrations_in_doubt",
			Help: "Registrations that were answered with 503 and whose rows the database may store nevertheless.",
		}, func() float64 { return float64(d.InDoubt()) }),
		settled("removed", func() uint64 { removed, _ := d.Settled(); return removed }),
		settled("absent", func() uint64 { _, absent := d.Settled(); return absent }),
		newPools(d),
	)
}

// WatchWrites adds to each scrape how long ago the database last took a write. It must be called at most once.
func (m *Metrics) WatchWrites(age func() time.Duration) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "registrar_database_write_age_seconds",
		Help: "Time since the database last took a write, or was found to take writes; 0 before the server listens.",
	}, func() float64 { return age().Seconds() }))
}

// pools collects the statistics of connection pools.
type pools struct {
	database                         Database
	connections, most, waits, waited *prometheus.Desc
}

func newPools(d Database) *pools {
	return &pools{
		database: d,
		connections: prometheus.NewDesc("registrar_database_connections", "Open connections, by what they do.",
			[]string{"pool", "state"}, nil),
		most: prometheus.NewDesc("registrar_database_connections_max", "Connections that may be open at once.",
			[]string{"pool"}, nil),
		waits: prometheus.NewDesc("registrar_database_connection_waits_total",
			"Statements that waited for a connection.", []string{"pool"}, nil),
		waited: prometheus.NewDesc("registrar_database_connection_wait_seconds_total",
			"Time for which statements waited for a connection.", []string{"pool"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (p *pools) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.connections, p.most, p.waits, p.waited} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (p *pools) Collect(to chan<- prometheus.Metric) {
	for name, s := range p.database.Pools() {
		gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
		to <- prometheus.MustNewConstMetric(p.connections, gauge, float64(s.InUse), name, "in_use")
		to <- prometheus.MustNewConstMetric(p.connections, gauge, float64(s.Idle), name, "idle")
		to <- prometheus.MustNewConstMetric(p.most, gauge, float64(s.MaxOpenConnections), name)
		to <- prometheus.MustNewConstMetric(p.waits, counter, float64(s.WaitCount), name)
		to <- prometheus.MustNewConstMetric(p.waited, counter, s.WaitDuration.Seconds(), name)
	}
}
