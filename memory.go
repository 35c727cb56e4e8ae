package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// gcPercent is how much may be allocated, in per cent of what lives, until the next garbage collection. Little of a
	// server's memory lives, and what a registration leaves is gone with it: at Go's 100 a collection comes every few MB,
	// which costs a tenth of the processor time under load.
	gcPercent = 400
	// heapShare is the part of a container's memory that Go may fill before it collects more often. The rest is for the
	// linear memories of scripts and their code, which are none of Go's.
	heapShare = 0.6
)

// settleMemory says when garbage is collected, unless the environment does: GOGC and GOMEMLIMIT.
func settleMemory(ctx context.Context, logger *slog.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limit, err := memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(heapShare))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported): // there is none
	case err != nil:
		logger.WarnContext(ctx, "the memory limit of the container is not known: set GOMEMLIMIT", "error", err)
	case limit < math.MaxInt64:
		logger.DebugContext(ctx, "memory limit", "bytes", limit)
	}
}
