package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime"

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

// settleMemory says when garbage is collected, unless the environment does: GOGC and GOMEMLIMIT. It holds until release is
// called.
func settleMemory(ctx context.Context, logger *slog.Logger) (release func()) {
	var headroom []byte // counts as alive, but is never touched: it takes none of the machine's memory
	if os.Getenv("GOGC") == "" {
		headroom = make([]byte, headroomSize)
	}
	limit, err := memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(heapShare))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported): // there is none
	case err != nil:
		logger.WarnContext(ctx, "the memory limit of the container is not known: set GOMEMLIMIT", "error", err)
	case limit < math.MaxInt64:
		logger.DebugContext(ctx, "memory limit", "bytes", limit)
	}
	return func() { runtime.KeepAlive(headroom) }
}
