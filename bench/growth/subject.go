package growth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"registrar/bench/chart"
	"registrar/bench/load"
	"registrar/bench/process"
)

// A subject is what is measured at one point of an axis.
type subject struct {
	label     string
	processes []*process.Process          // of registrar, which share the load
	body      func(i int) []byte          // nil means [load.Body]
	before    func(context.Context) error // runs before each measurement; nil means nothing
	after     func(context.Context) error // runs after each measurement and is part of it; nil means nothing
}

// start starts registrar in a new folder.
func (b *bench) start(ctx context.Context, dsn string, args ...string) (*process.Process, error) {
	folder, err := os.MkdirTemp(b.folder, "registrar-")
	if err != nil {
		return nil, err
	}
	return process.Registrar(ctx, process.Options{Program: b.program, Folder: folder, Database: "mysql:" + dsn,
		Args: append([]string{"--max-redirect-uris=1000"}, args...)}) // large bodies have many
}

// stop stops the subjects' processes, each once.
func stop(subjects []subject) (err error) {
	seen := map[*process.Process]bool{}
	for _, s := range subjects {
		for _, p := range s.processes {
			if !seen[p] {
				err = errors.Join(err, p.Stop())
			}
			seen[p] = true
		}
	}
	return err
}

// alternate measures subjects in turn, in reverse order every second round. Ratios are to the first subject.
func (b *bench) alternate(ctx context.Context, axis string, subjects []subject) ([]Point, error) {
	points := make([]Point, len(subjects))
	order := make([]int, len(subjects))
	for i, s := range subjects {
		points[i].Label, order[i] = s.label, i
	}
	for round := range b.Rounds {
		for _, i := range order {
			if err := b.measure(ctx, subjects[i], &points[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", subjects[i].label, err)
			}
		}
		for i := range points {
			points[i].Ratios = append(points[i].Ratios, points[i].Rates[round]/points[0].Rates[round])
			points[i].CPURatios = append(points[i].CPURatios, points[0].cpu(round)/points[i].cpu(round))
		}
		slices.Reverse(order)
	}
	for _, p := range points {
		fmt.Fprintf(b.progress, "%s, %s: %s/s, %s of %s\n", axis, p.Label, chart.Number(chart.Median(p.Rates)),
			chart.Number(chart.Median(p.Ratios)), points[0].Label)
	}
	return points, nil
}

// measure adds one measurement to p.
func (b *bench) measure(ctx context.Context, s subject, p *Point) error {
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return err
		}
	}
	before, err := b.reading(ctx, s)
	if err != nil {
		return err
	}
	result, err := b.load(ctx, s)
	if err != nil {
		return err
	}
	if s.after != nil {
		if err := s.after(ctx); err != nil {
			return err
		}
	}
	after, err := b.reading(ctx, s)
	if err != nil {
		return err
	}
	each := func(v float64) float64 { return v / float64(result.All) }
	p.Rates = append(p.Rates, result.Rate())
	p.P50 = append(p.P50, float64(result.P50)/1e6)
	p.P99 = append(p.P99, float64(result.P99)/1e6)
	p.ServerCPU = append(p.ServerCPU, each(float64((after.server - before.server).Microseconds())))
	p.DatabaseCPU = append(p.DatabaseCPU, each(float64((after.database - before.database).Microseconds())))
	p.PagesRead = append(p.PagesRead, each(float64(after.read-before.read)))
	p.PagesWrote = append(p.PagesWrote, each(float64(after.wrote-before.wrote)))
	return nil
}

// cpu returns the processor time per registration of registrar and MariaDB in a round, in microseconds. It is at least
// 1, since times are measured in steps of 10 ms and ratios must be finite.
func (p Point) cpu(round int) float64 { return max(1, p.ServerCPU[round]+p.DatabaseCPU[round]) }

// load loads the subject's processes concurrently, each with its share of the connections. Latencies are those of the
// slowest process.
func (b *bench) load(ctx context.Context, s subject) (sum load.Result, err error) {
	results, d := make([]load.Result, len(s.processes)), time.Duration(b.Seconds*float64(time.Second))
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range s.processes {
		group.Go(func() (err error) {
			results[i], err = load.Run(ctx, load.Target{Name: s.label, URL: p.URL + "/register", Body: s.body},
				max(1, b.Connections/len(s.processes)), d)
			return err
		})
	}
	err = group.Wait()
	for _, r := range results {
		sum.Requests += r.Requests
		sum.All += r.All
		sum.Seconds = max(sum.Seconds, r.Seconds)
		sum.P50, sum.P99 = max(sum.P50, r.P50), max(sum.P99, r.P99)
	}
	return sum, err
}

// A reading is the values of counters.
type reading struct {
	server, database time.Duration // of processor time
	read, wrote      int64         // pages
}

func (b *bench) reading(ctx context.Context, s subject) (r reading, err error) {
	for _, p := range s.processes {
		cpu, err := p.CPU()
		if err != nil {
			return r, err
		}
		r.server += cpu
	}
	usage, err := b.mariadb.Usage()
	if err != nil {
		return r, err
	}
	r.database = usage.CPU
	pages, err := b.monitor.pages(ctx)
	r.read, r.wrote = pages.read, pages.wrote
	return r, err
}
