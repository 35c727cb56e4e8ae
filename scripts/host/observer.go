package host

import (
	"slices"

	"registrar/scripts"
	"registrar/scripts/sandbox"
)

// An Observer is notified of what scripts do. It must be safe for concurrent use and must not block, because it is
// called during registrations.
type Observer interface {
	// StepEnded is called when a script's run of a step has ended in a registration, but not in a dry run, a replay or
	// a shadow. The step is [sandbox.Initialize] if the script's instance failed in that, before the step.
	StepEnded(script string, end scripts.StepEnd)
	// Instance is called for each event of a deployed script's instances.
	Instance(script string, event scripts.InstanceEvent)
	// Deployed is called before a deployment comes into force here, with the steps of each script by name.
	Deployed(steps map[string][]string)
}

// unobserved is an Observer that does nothing.
type unobserved struct{}

func (unobserved) StepEnded(string, scripts.StepEnd)      {}
func (unobserved) Instance(string, scripts.InstanceEvent) {}
func (unobserved) Deployed(map[string][]string)           {}

// Waiting returns the number of ready instances by script, for the scripts of the loaded deployment that are not in
// shadow mode.
func (h *Host) Waiting() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting := map[string]int{}
	if h.current != nil {
		for _, s := range h.current.acting() {
			waiting[s.Name] = s.module.Ready()
		}
	}
	return waiting
}

// replaced returns the steps of each script of a deployment, by name, and _initialize where each instance runs it.
func replaced(d *deployed) map[string][]string {
	steps := make(map[string][]string, len(d.scripts))
	for _, s := range d.scripts {
		steps[s.Name] = s.steps
		if s.module.Initializes() {
			steps[s.Name] = append(slices.Clip(s.steps), sandbox.Initialize)
		}
	}
	return steps
}
