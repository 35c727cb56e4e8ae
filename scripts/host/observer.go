package host

import (
	"errors"

	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// An Observer counts what scripts do. It is called in the middle of registrations, by many at once, so it must be quick.
type Observer interface {
	// StepEnded is told how a script's part in a step of a registration ended. Dry runs are left out.
	StepEnded(script string, end scripts.StepEnd)
	// Instance is told what happened to an instance of a script that is deployed.
	Instance(script string, event scripts.InstanceEvent)
	// Deployed is told the scripts that have come in force here, and the steps of each, before one of them is observed.
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
			waiting[s.Name] = s.shelf.waiting()
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

// kindOf says what an error that ended a guest speaks of. No wazero error tells that memory ran out: the guest that got
// none decides what to do, and mostly traps. So a guest that ends with its memory nearly full counts as such.
func (h *Host) kindOf(err error, i *instance) scripts.FailureKind {
	if limit, ok := errors.AsType[*limitExceeded](err); ok {
		return limit.kind
	}
	if _, ok := errors.AsType[*hostfuncs.Trap](err); ok {
		return scripts.FailureContract
	}
	if _, ok := errors.AsType[*exitStatus](err); ok {
		return scripts.FailureContract
	}
	if i != nil && uint64(i.module.Memory().Size()) > uint64(h.config.MemoryPages)*wasmbin.PageSize*3/4 {
		return scripts.FailureMemory
	}
	return scripts.FailureTrap
}
