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

	"registrar/internal/guard"
)

const (
	// headroomSize is the garbage that may accumulate, in bytes. Go collects when the heap has doubled. Little of it
	// lives here, so that it would collect every few MB and spend a fifth of the processor time under load.
	headroomSize = 32 << 20
	// heapShare is the share of a container's memory that Go may fill before it collects more often. The rest is for
	// the linear memories and the code of scripts, which are outside Go's heap.
	heapShare = 0.6
)

// An idle server returns memory to the system: when it allocated less than idleAllocs bytes in restPeriod, and more
// than heapSlack bytes since the last time.
const (
	restPeriod = time.Second
	idleAllocs = 256 << 10
	heapSlack  = 8 << 20
)

// SettleMemory configures the garbage collector until release is called. GOGC and GOMEMLIMIT override it.
func SettleMemory(ctx context.Context, logger *slog.Logger, panics *guard.Guard) (release func()) {
	var headroom []byte // counts as live, but is never touched, so that it uses no physical memory
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv("GOGC") == "" {
		headroom = make([]byte, headroomSize)
		panics.Go(guard.Memory, func() { rest(ctx) })
	}
	limit, err := memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(heapShare))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported): // no limit
	case err != nil:
		logger.WarnContext(ctx, "unknown memory limit of the container: set GOMEMLIMIT", "error", err)
	case limit < math.MaxInt64:
		logger.DebugContext(ctx, "memory limit", "bytes", limit)
	}
	return func() {
		cancel()
		runtime.KeepAlive(headroom)
	}
}

// rest returns memory to the system in quiet times, until ctx is done. The accumulated garbage would otherwise stay
// until the next load.
func rest(ctx context.Context) {
	clock := time.NewTicker(restPeriod)
	defer clock.Stop()
	var released uint64 // allocated, when memory was returned last
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

// allocated returns the bytes allocated since the program began. Go counts them as pages fill.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
