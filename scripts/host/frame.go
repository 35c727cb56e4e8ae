package host

import (
	"sync"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/scripts/sandbox"
)

// A frame is the state of one step of a script while it runs. Each of the steps that nest has its own.
type frame struct {
	entry engine.Snapshot // when the step began
	meter sandbox.Meter
	call  hostfuncs.Call

	baseRan bool
	baseErr error           // of the base
	early   bool            // the script had changed something before the base ran
	before  engine.Snapshot // when the base began; only if early is true
	after   engine.Snapshot // when the base had ended; only if baseRan is true
}

// frames holds frames for reuse. Their snapshots are large: several steps of several scripts in each registration would
// leave hundreds of kilobytes for the garbage collector.
var frames = sync.Pool{New: func() any { return new(frame) }}

// newFrame returns an empty frame. The caller must call free when nothing uses it any more.
func newFrame() *frame { return frames.Get().(*frame) }

// free empties f, which holds secrets, and gives it back.
func (f *frame) free() {
	*f = frame{}
	frames.Put(f)
}
