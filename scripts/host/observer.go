package host

import "registrar/scripts"

// An Observer counts what scripts do. Many goroutines call it, in the middle of registrations, so it must be quick.
type Observer interface {
	// StepEnded observes how a script's part in a step of a registration ended. It is not called for dry runs.
	StepEnded(script string, end scripts.StepEnd)
	// Instance observes what happened to an instance of a deployed script.
	Instance(script string, event scripts.InstanceEvent)
	// Deployed observes which scripts have come in force here, and the steps of each, before one of them is observed.
	Deployed(steps map[string][]string)
}

// unobserved is the Observer of a host that has none.
type unobserved struct{}

func (unobserved) StepEnded(string, scripts.StepEnd)      {}
func (unobserved) Instance(string, scripts.InstanceEvent) {}
func (unobserved) Deployed(map[string][]string)           {}

// Waiting returns how many instances of each script of the deployment in force wait for a registration.
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

// replaced returns the steps of each script of a deployment.
func replaced(d *deployed) map[string][]string {
	steps := make(map[string][]string, len(d.scripts))
	for _, s := range d.scripts {
		steps[s.Name] = s.steps
	}
	return steps
}
