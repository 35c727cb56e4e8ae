package growth

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"registrar/bench/fill"
	"registrar/bench/process"
)

// clients measures tables of increasing size, each against an empty table in the same MariaDB. After each measurement
// MariaDB writes all dirty pages, so that a measurement includes exactly the writes that its registrations cause.
func (b *bench) clients(ctx context.Context) (Axis, error) {
	axis := Axis{Name: "clients", Title: "Clients in the table", X: "clients in the table before",
		Base: "an empty table"}
	g, err := b.newGrowing(ctx)
	if err != nil {
		return Axis{}, err
	}
	defer g.close()
	for _, size := range b.Clients {
		if err := g.grow(ctx, size); err != nil {
			return axis, err
		}
		for i, ids := range b.IDs {
			pair, err := g.pair(ctx, ids, size)
			if err != nil {
				return axis, err
			}
			if i == len(axis.Series) {
				axis.Series = append(axis.Series, Series{Name: "IDs " + string(ids), Points: []Point{{Label: "0"}}})
			}
			points := &axis.Series[i].Points
			(*points)[0].join(pair[0])
			*points = append(*points, pair[1])
		}
	}
	return axis, nil
}

// join appends the measurements of q to p.
func (p *Point) join(q Point) {
	for _, lists := range [][2]*[]float64{{&p.Rates, &q.Rates}, {&p.Ratios, &q.Ratios}, {&p.P50, &q.P50},
		{&p.P99, &q.P99},
		{&p.ServerCPU, &q.ServerCPU}, {&p.DatabaseCPU, &q.DatabaseCPU}, {&p.PagesRead, &q.PagesRead}, {&p.PagesWrote,
			&q.PagesWrote}, {&p.CPURatios, &q.CPURatios}} {
		*lists[0] = append(*lists[0], *lists[1]...)
	}
}

// A growing is a table that is filled, and an empty one.
type growing struct {
	*bench
	dsns [2]string // of the empty database and of the filled one
	dbs  [2]*sql.DB
	size int // clients in the filled table
}

func (b *bench) newGrowing(ctx context.Context) (*growing, error) {
	g := &growing{bench: b}
	for i := range g.dsns {
		var err error
		if g.dsns[i], err = b.mariadb.Fresh(ctx); err != nil {
			return nil, err
		}
		p, err := b.start(ctx, g.dsns[i]) // creates the tables
		if err != nil {
			return nil, err
		}
		if err := p.Stop(); err != nil {
			return nil, err
		}
		if g.dbs[i], err = sql.Open("mysql", g.dsns[i]); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *growing) close() {
	for _, db := range g.dbs {
		db.Close()
	}
}

// grow fills the table until it has size clients. Meanwhile it does not flush each commit, since durability does not
// matter.
func (g *growing) grow(ctx context.Context, size int) error {
	if size <= g.size {
		return fmt.Errorf("%d clients after %d: sizes must ascend", size, g.size)
	}
	began := time.Now()
	if _, err := g.dbs[1].ExecContext(ctx, "SET GLOBAL innodb_flush_log_at_trx_commit = 2"); err != nil {
		return err
	}
	if err := fill.Clients(ctx, g.dbs[1], fill.Random, g.size, size, g.progress); err != nil {
		return err
	}
	if _, err := g.dbs[1].ExecContext(ctx, "SET GLOBAL innodb_flush_log_at_trx_commit = 1"); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Fprintf(g.progress, "inserted clients %d to %d in %v\n", g.size, size, took.Round(time.Second))
	g.fillRate = float64(size-g.size) / took.Seconds()
	g.size = size
	return nil
}

// pair measures the empty and the filled table in turn.
func (g *growing) pair(ctx context.Context, ids fill.IDs, size int) ([]Point, error) {
	empty := func(ctx context.Context) error {
		if _, err := g.dbs[0].ExecContext(ctx, "TRUNCATE TABLE clients"); err != nil {
			return err
		}
		return g.monitor.settle(ctx)
	}
	subjects := []subject{{label: "0", before: empty}, {label: count(size), before: g.monitor.settle}}
	for i := range subjects {
		p, err := g.start(ctx, g.dsns[i], "--client-id-format="+string(ids))
		if err != nil {
			return nil, err
		}
		subjects[i].processes, subjects[i].after = []*process.Process{p}, g.monitor.settle
	}
	points, err := g.alternate(ctx, "clients, IDs "+string(ids), subjects)
	if err != nil {
		return nil, err
	}
	return points, stop(subjects)
}

// count formats 3000000 as 3 M.
func count(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%g M", float64(n)/1e6)
	case n >= 1000 && n%100 == 0:
		return fmt.Sprintf("%g k", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
