package main

import (
	"context"
	"fmt"

	"registrar/bench/fill"
	"registrar/bench/growth"
)

// growthSection compares a table of a million clients with an empty one. The command growth measures more.
func growthSection(ctx context.Context, h *harness) (rows []Row, err error) {
	o := growth.Options{Axis: []string{"clients"}, Clients: []int{1_000_000}, IDs: []fill.IDs{fill.UUIDv7, fill.Random},
		Rounds: h.Rounds, Seconds: h.Seconds, Connections: 64, BufferPool: 1024, RedoLog: 512}
	if h.Short {
		o.Clients, o.IDs, o.BufferPool, o.RedoLog = []int{1000}, o.IDs[:1], 64, 64
	}
	report, err := growth.Run(ctx, o, h.log)
	if err != nil {
		return nil, err
	}
	for _, series := range report.Axes[0].Series {
		rows = append(rows,
			newRow("growth", fmt.Sprintf("a table of %d clients ÷ an empty one, throughput, %s", o.Clients[0],
				series.Name),
				"", atLeast(0.9), series.Points[1].Ratios))
	}
	return rows, nil
}
