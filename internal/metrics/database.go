package metrics

import "github.com/prometheus/client_golang/prometheus"

// A Database stores clients.
type Database interface {
	// InDoubt returns how many clients are in doubt: their registrations were answered with an error, and whether their
	// rows are stored is not known yet.
	InDoubt() int
	// Settled returns how many clients were in doubt until their rows were removed, and until it was certain that there
	// are none.
	Settled() (removed, absent uint64)
}

// WatchDatabase adds the state of a database to each scrape. It must be called at most once.
func (m *Metrics) WatchDatabase(d Database) {
	settled := func(outcome string, count func() uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "registrar_registrations_settled_total",
			Help:        "Registrations that are not in doubt any more, by what was found of them: rows that were removed, or none.",
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
	)
}
