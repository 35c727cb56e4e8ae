package metrics

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"registrar/scripts"
)

// scriptMetrics is the metrics of scripts. The counters of a step are looked up when its script is deployed, so that
// counting takes no lock and no memory.
type scriptMetrics struct {
	calls     *prometheus.CounterVec
	failures  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	fuel      *prometheus.HistogramVec
	instances [scripts.InstanceRenewed + 1]*prometheus.CounterVec

	deploying sync.Mutex
	deployed  atomic.Pointer[map[string]*script] // the map is never modified, only replaced
}

// A script is the metrics of one script of the deployment in force.
type script struct {
	steps     map[string]*step
	instances [scripts.InstanceRenewed + 1]prometheus.Counter
}

type step struct {
	calls     map[scripts.Outcome]prometheus.Counter
	failures  map[scripts.FailureKind]prometheus.Counter
	durations prometheus.Observer
	fuel      prometheus.Observer
}

func newScripts() *scriptMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets},
			[]string{"script", "step"})
	}
	return &scriptMetrics{
		calls: counter("registrar_script_calls_total", "Steps that scripts were called for, by outcome.",
			"script", "step", "outcome"),
		failures: counter("registrar_script_failures_total",
			"Steps that scripts failed to do, by kind of failure.", "script", "step", "kind"),
		durations: histogram("registrar_script_step_duration_seconds",
			"Wall clock time of scripts per step, without the replaced step.",
			prometheus.ExponentialBuckets(10e-6, 4, 9)), // to 0.66 s
		fuel: histogram("registrar_script_step_fuel_instructions",
			"Fuel of scripts per step, without the replaced step.",
			prometheus.ExponentialBuckets(1000, 4, 8)), // to 16 million
		instances: [...]*prometheus.CounterVec{
			scripts.InstanceTaken: counter("registrar_script_pool_hits_total",
				"Registrations that found a ready instance.", "script"),
			scripts.InstanceMissing: counter("registrar_script_pool_misses_total",
				"Registrations that found no ready instance and created one.", "script"),
			scripts.InstanceMade: counter("registrar_script_instances_made_total",
				"Instances created, in advance and on demand.", "script"),
			scripts.InstanceRenewed: counter("registrar_script_instances_renewed_total",
				"Used instances that were reset.", "script"),
		},
	}
}

func (s *scriptMetrics) collectors() []prometheus.Collector {
	all := []prometheus.Collector{s.calls, s.failures, s.durations, s.fuel}
	for _, v := range s.instances {
		all = append(all, v)
	}
	return all
}

// StepEnded implements the scripts' observer.
func (m *Metrics) StepEnded(name string, end scripts.StepEnd) {
	s := m.scripts.find(name)
	if s == nil {
		return // retired, but in use by a registration that began before
	}
	step := s.steps[end.Step]
	if step == nil {
		return
	}
	if c := step.calls[end.Outcome]; c != nil {
		c.Inc()
	}
	if c := step.failures[end.Failure]; c != nil {
		c.Inc()
	}
	if end.Entered {
		step.durations.Observe(end.Elapsed.Seconds())
		step.fuel.Observe(float64(end.Fuel))
	}
}

// Instance implements the scripts' observer.
func (m *Metrics) Instance(name string, event scripts.InstanceEvent) {
	if s := m.scripts.find(name); s != nil {
		s.instances[event].Inc()
	}
}

func (s *scriptMetrics) find(name string) *script {
	if all := s.deployed.Load(); all != nil {
		return (*all)[name]
	}
	return nil
}

// Deployed implements the scripts' observer. It drops the metrics of retired scripts.
func (m *Metrics) Deployed(steps map[string][]string) {
	s := m.scripts
	s.deploying.Lock()
	defer s.deploying.Unlock()
	next := make(map[string]*script, len(steps))
	for name, of := range steps {
		next[name] = s.open(name, of)
	}
	last := s.deployed.Swap(&next)
	if last == nil {
		return
	}
	for name, old := range *last {
		for step := range old.steps {
			if !slices.Contains(steps[name], step) {
				s.dropStep(name, step)
			}
		}
		if next[name] == nil {
			for _, v := range s.instances {
				v.DeleteLabelValues(name)
			}
		}
	}
}

// open returns the metrics of a script. Existing counters keep their values.
func (s *scriptMetrics) open(name string, steps []string) *script {
	one := &script{steps: make(map[string]*step, len(steps))}
	for i, v := range s.instances {
		one.instances[i] = v.WithLabelValues(name)
	}
	for _, of := range steps {
		st := &step{
			calls:     map[scripts.Outcome]prometheus.Counter{},
			failures:  map[scripts.FailureKind]prometheus.Counter{},
			durations: s.durations.WithLabelValues(name, of),
			fuel:      s.fuel.WithLabelValues(name, of),
		}
		for _, outcome := range []scripts.Outcome{scripts.OutcomeDone, scripts.OutcomeRefused, scripts.OutcomeFailed,
			scripts.OutcomeAborted} {
			st.calls[outcome] = s.calls.WithLabelValues(name, of, string(outcome))
		}
		for _, kind := range scripts.FailureKinds() {
			st.failures[kind] = s.failures.WithLabelValues(name, of, string(kind))
		}
		one.steps[of] = st
	}
	return one
}

func (s *scriptMetrics) dropStep(script, step string) {
	labels := prometheus.Labels{"script": script, "step": step}
	s.calls.DeletePartialMatch(labels)
	s.failures.DeletePartialMatch(labels)
	s.durations.DeletePartialMatch(labels)
	s.fuel.DeletePartialMatch(labels)
}
