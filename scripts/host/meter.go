package host

import (
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/api"

	"registrar/engine"
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

// A meter is the fuel and the wall clock of one call into a guest. While the base runs, the clock stands still and the
// fuel that was handed out is taken back, so that the base's scripts find what is left of the registration's.
type meter struct {
	request context.Context
	fuel    api.MutableGlobal // of the instance: what is left of the slice
	step    int64             // fuel of the call that is not handed out
	shared  *int64            // fuel of the registration that is not handed out
	limit   time.Duration     // of the wall clock
	used    time.Duration     // of it, until since
	since   time.Time
	result  [1]uint64 // of the function
}

// grant hands out a slice, as far as there is fuel.
func (m *meter) grant() {
	m.since = time.Now()
	m.hand(0, slice)
}

// hand adds fuel to what the guest has, and returns how much there was.
func (m *meter) hand(has, wanted int64) int64 {
	n := max(min(wanted, m.step, *m.shared), 0)
	m.step -= n
	*m.shared -= n
	m.fuel.Set(api.EncodeI64(has + n))
	return n
}

// settle takes back what the guest did not use. It may have used more than it had: that is owed.
func (m *meter) settle() {
	m.used += time.Since(m.since)
	left := int64(m.fuel.Get())
	m.step += left
	*m.shared += left
	m.fuel.Set(0)
}

// Charge implements [hostfuncs.Meter]: it takes fuel for what the host does on the guest's behalf.
func (m *meter) Charge(fuel int64) {
	left := int64(m.fuel.Get()) - fuel
	m.fuel.Set(api.EncodeI64(left))
	if left < 0 {
		m.Event(uint32(metering.Fuel))
	}
}

// Event implements [hostfuncs.Meter]. It is what a guest calls that used up its slice, or whose calls nest too deep. It returns where the guest may go on,
// and panics where not.
func (m *meter) Event(reason uint32) {
	if metering.Reason(reason) == metering.Calls {
		panic(&limitExceeded{scripts.FailureDepth, fmt.Sprintf("more than %d calls nest", metering.DefaultCalls)})
	}
	if err := m.request.Err(); err != nil {
		panic(err)
	}
	if m.used+time.Since(m.since) > m.limit {
		panic(&overrun{limit: m.limit})
	}
	owed := -int64(m.fuel.Get())
	if n := m.hand(-owed, max(slice, owed)); n < owed || n == 0 {
		panic(&limitExceeded{scripts.FailureFuel, "it ran out of fuel"})
	}
}

// A limitExceeded ends a guest that spent what it may.
type limitExceeded struct {
	kind   scripts.FailureKind
	reason string
}

func (l *limitExceeded) Error() string { return l.reason }

// An overrun is a script that used up its wall clock. Fuel is the policy and the clock a backstop, so this counts as a
// server that is too busy.
type overrun struct{ limit time.Duration }

func (o *overrun) Error() string { return fmt.Sprintf("it ran longer than %s", o.limit) }

// Unwrap makes an overrun a part of the server that is saturated.
func (o *overrun) Unwrap() error { return engine.ErrUnavailable }
