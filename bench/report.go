package main

import (
	"slices"
	"time"
)

// Options configure the measurements.
type Options struct {
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"` // of each load, without its warm-up
	Short   bool    `json:"short,omitzero"`
}

// duration returns Seconds as a duration.
func (o Options) duration() time.Duration { return time.Duration(o.Seconds * float64(time.Second)) }

// A Report is the result of all measurements.
type Report struct {
	Machine Machine   `json:"machine"`
	Options Options   `json:"options"`
	Begun   time.Time `json:"begun"`
	Minutes float64   `json:"minutes"` // duration of the run
	Rows    []Row     `json:"rows"`
	Samples []Sample  `json:"samples"`
}

// A Row is a figure, and optionally a goal.
type Row struct {
	Section string    `json:"section"`
	Name    string    `json:"name"`
	Unit    string    `json:"unit,omitzero"` // "" for a ratio
	Goal    *Goal     `json:"goal,omitzero"` // nil means none
	Median  float64   `json:"median"`
	Min     float64   `json:"min"`
	Max     float64   `json:"max"`
	Rounds  []float64 `json:"rounds"`
	Met     *bool     `json:"met,omitzero"`     // by the median; nil without a goal or a measurement
	Missing string    `json:"missing,omitzero"` // why there are no rounds; "" if there are
}

// A Goal bounds a median.
type Goal struct {
	AtLeast float64 `json:"at_least,omitzero"` // 0 means that AtMost applies
	AtMost  float64 `json:"at_most,omitzero"`
}

func atLeast(bound float64) *Goal { return &Goal{AtLeast: bound} }
func atMost(bound float64) *Goal  { return &Goal{AtMost: bound} }

func (g *Goal) met(value float64) bool {
	if g.AtLeast != 0 {
		return value >= g.AtLeast
	}
	return value <= g.AtMost
}

// newRow returns the row of a figure that was measured in rounds. goal may be nil.
func newRow(section, name, unit string, goal *Goal, rounds []float64) Row {
	r := Row{Section: section, Name: name, Unit: unit, Goal: goal, Rounds: rounds}
	if len(rounds) == 0 {
		return r
	}
	r.Median, r.Min, r.Max = median(rounds), slices.Min(rounds), slices.Max(rounds)
	if goal != nil {
		met := goal.met(r.Median)
		r.Met = &met
	}
	return r
}

// notMeasured returns the row of a figure that cannot be measured on this machine.
func notMeasured(section, name string, goal *Goal, reason string) Row {
	r := newRow(section, name, "", goal, nil)
	r.Missing = reason
	return r
}

// median returns the median of values, of which there must be at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// A Sample is the result of one load on one server. CPU times are microseconds per request, warm-up included.
type Sample struct {
	Section     string  `json:"section"`
	Round       int     `json:"round"` // from 1
	Target      string  `json:"target"`
	Connections int     `json:"connections"`
	Requests    int     `json:"requests"`
	Rate        float64 `json:"rate"`                 // requests a second
	P50         float64 `json:"p50_us,omitzero"`      // microseconds
	P99         float64 `json:"p99_us,omitzero"`      // microseconds
	ServerCPU   float64 `json:"server_cpu_us"`        // of the server
	DatabaseCPU float64 `json:"database_cpu_us"`      // of MariaDB; 0 if it is not used
	LoadCPU     float64 `json:"load_cpu_us,omitzero"` // of this program
	PoolMisses  float64 `json:"pool_misses,omitzero"` // share of registrations without a ready instance, 0 to 1
}

// series returns a figure of one target, by round.
func series(samples []Sample, section, target string, connections int, of func(Sample) float64) (values []float64) {
	for _, s := range samples {
		if s.Section == section && s.Target == target && s.Connections == connections {
			values = append(values, of(s))
		}
	}
	return values
}

// paired combines a figure of two targets, by round.
func paired(
	samples []Sample, section, a, b string, connections int, of func(Sample) float64,
	combine func(a, b float64) float64,
) (values []float64) {
	left, right := series(samples, section, a, connections, of), series(samples, section, b, connections, of)
	for i := range min(len(left), len(right)) {
		values = append(values, combine(left[i], right[i]))
	}
	return values
}

func ratio(a, b float64) float64 { return a / b }

func rate(s Sample) float64          { return s.Rate }
func p50(s Sample) float64           { return s.P50 }
func p99(s Sample) float64           { return s.P99 }
func serverCPU(s Sample) float64     { return s.ServerCPU }
func databaseCPU(s Sample) float64   { return s.DatabaseCPU }
func poolMissShare(s Sample) float64 { return 100 * s.PoolMisses }
func loadCPU(s Sample) float64       { return s.LoadCPU }
