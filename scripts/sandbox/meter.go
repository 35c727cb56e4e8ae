package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/api"

	"registrar/scripts"
	"registrar/scripts/metering"
)

const (
	// slice is how much fuel a guest gets at a time: a few milliseconds' worth. Between two slices the host looks at the
	// clock and the request, and Go's garbage collector gets its turn.
	slice = 1_000_000
	// initializeFuel is what _initialize may use.
	initializeFuel = 100_000_000
)

// A Meter is the fuel and the wall clock of one call into a guest. While the base runs, the caller pauses it, so that
// the base's scripts find what is left of the registration's fuel.
type Meter struct {
	registration *int64 // fuel of the registration that is not handed out
	own          int64  // fuel of a step of the script; 0 means Config.StepFuel

	request context.Context
	fuel    api.MutableGlobal // of the instance: what is left of the slice
	given   int64             // fuel of the call
	step    int64             // fuel of the call that is not handed out
	limit   time.Duration     // of the wall clock
	used    time.Duration     // of it, until since
	since   time.Time         // zero until the guest is entered
	result  [1]uint64         // of the function
}

// NewMeter returns the meter of a call in a registration whose scripts share what *registration has left. step is the
// fuel of the call; 0 means [Config].StepFuel.
func NewMeter(registration *int64, step int64) Meter {
	return Meter{registration: registration, own: step}
}

// start sets what the call of an instance may use.
func (m *Meter) start(request context.Context, i *Instance) {
	c := &i.module.sandbox.config
	m.request, m.fuel = request, i.fuel
	m.given = cmp.Or(m.own, c.StepFuel)
	m.step, m.limit = m.given, c.StepTimeout
}

// Entered reports whether the guest was entered.
func (m *Meter) Entered() bool { return !m.since.IsZero() }

// Fuel returns what the call has used, the base excluded.
func (m *Meter) Fuel() int64 { return m.given - m.step }

// Elapsed returns the wall clock that the call has used, the base excluded.
func (m *Meter) Elapsed() time.Duration { return m.used }

// Resume starts the clock and hands out a slice, as far as there is fuel.
func (m *Meter) Resume() {
	m.since = time.Now()
	m.hand(0, slice)
}

// hand adds fuel to what the guest has, and returns how much there was.
func (m *Meter) hand(has, wanted int64) int64 {
	n := max(min(wanted, m.step, *m.registration), 0)
	m.spend(n)
	m.fuel.Set(api.EncodeI64(has + n))
	return n
}

// spend takes fuel from the call and the registration.
func (m *Meter) spend(fuel int64) {
	m.step -= fuel
	*m.registration -= fuel
}

// Pause stops the clock and takes back the fuel that the guest has left. A guest may have used more than it had: that
// is owed.
func (m *Meter) Pause() {
	m.used += time.Since(m.since)
	m.spend(-int64(m.fuel.Get()))
	m.fuel.Set(0)
}

// Charge implements [hostfuncs.Meter]: it takes fuel for what the host does on the guest's behalf.
func (m *Meter) Charge(fuel int64) {
	left := int64(m.fuel.Get()) - fuel
	m.fuel.Set(api.EncodeI64(left))
	if left < 0 {
		m.Event(uint32(metering.Fuel))
	}
}

// Event implements [hostfuncs.Meter]. A guest calls it that has used up its slice, or whose calls nest too deep. It
// returns if the guest may go on, and panics if not.
func (m *Meter) Event(reason uint32) {
	if metering.Reason(reason) == metering.Calls {
		panic(&limitError{scripts.FailureDepth, fmt.Sprintf("more than %d calls nest", metering.DefaultCalls)})
	}
	if err := m.request.Err(); err != nil {
		panic(err)
	}
	if m.used+time.Since(m.since) > m.limit {
		panic(&overrunError{m.limit})
	}
	owed := -int64(m.fuel.Get())
	if n := m.hand(-owed, max(slice, owed)); n < owed || n == 0 {
		panic(&limitError{scripts.FailureFuel, "it ran out of fuel"})
	}
}
