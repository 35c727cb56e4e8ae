package app

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// headroomSize is how much garbage there may be in any case. Go collects when the heap is twice what lives, which is
	// little here, and what a registration leaves is gone with it: a collection would come every few MB, and take a fifth of
	// the processor time under load.
	headroomSize = 32 << 20
	// heapShare is the part of a container's memory that Go may fill before it collects more often. The rest is for the
	// linear memories of scripts and their code, which are none of Go's.
	heapShare = 0.6
)

// A server that has nothing to do gives back what it does not need: restPeriod is how long it must have allocated less than
// idleAllocs bytes, and there must be more to give back than heapSlack bytes.
const (
	restPeriod = time.Second
	idleAllocs = 256 << 10
	heapSlack  = 8 << 20
)

// SettleMemory says when garbage is collected, unless the environment does: GOGC and GOMEMLIMIT. It holds until release is
// called.
func SettleMemory(ctx context.Context, logger *slog.Logger) (release func()) {
	var headroom []byte // counts as alive, but is never touched: it takes none of the machine's memory
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv("GOGC") == "" {
		headroom = make([]byte, headroomSize)
		go rest(ctx)
	}
	limit, err := memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(heapShare))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported): // there is none
	case err != nil:
		logger.WarnContext(ctx, "the memory limit of the container is not known: set GOMEMLIMIT", "error", err)
	case limit < math.MaxInt64:
		logger.DebugContext(ctx, "memory limit", "bytes", limit)
	}
	return func() {
		cancel()
		runtime.KeepAlive(headroom)
	}
}

// rest gives memory back to the system in quiet times, until ctx is done. The garbage that may gather would else stay where
// it is until the next load.
func rest(ctx context.Context) {
	clock := time.NewTicker(restPeriod)
	defer clock.Stop()
	var released uint64 // what was allocated when memory was given back last
	for before := allocated(); ; {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		now := allocated()
		if now-before < idleAllocs && now-released > heapSlack {
			debug.FreeOSMemory()
			released = allocated()
		}
		before = now
	}
}

// allocated is how many bytes were allocated since the program began. Go counts them as pages are filled.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
