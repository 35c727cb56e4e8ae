// Package load calls a server over a number of keep-alive connections, one request at a time on each, and checks every
// response: it registers clients, or sends other [Calls]. It uses little processor time, since it shares the machine
// with the server. See [Run].
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A Target is a server to load.
type Target struct {
	Name string
	URL  string // of the registration endpoint, such as http://127.0.0.1:8080/register; of the server for other calls
	// More are URLs of further processes of the same server. The connections are spread over all of them.
	More []string
	// Body returns the body of registration number i, from 0. It must be safe for concurrent use. nil means [Body].
	Body  func(i int) []byte
	Calls *Calls // nil means registrations
	// Rate is the number of requests per second, begun at equal intervals as far as connections are free; 0 means that
	// each connection sends its next request at once. With a rate, the time of a response counts from the moment at
	// which its request should have begun, so that a server that stalls does not hide the requests that waited.
	Rate float64
}

// A Result is the result of a run.
type Result struct {
	Requests int     // answered after the warm-up
	Seconds  float64 // without the warm-up
	P50, P99 time.Duration
	All      int // answers, including those of the warm-up and those running at the end
}

// Rate returns the answered requests per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Seconds }

// patience bounds the time of a response.
const patience = time.Minute

// Run sends requests for a warm-up of a third of d, at most a second, which does not count, and then for d, or until
// the first response if that takes longer, or until all calls were made if there is a number of them. It fails at a
// wrong response, for registrations one that is not a 201 with a client_id; the error quotes the response without its
// secrets. After the run it fails if two registrations have the same client_id.
func Run(ctx context.Context, target Target, connections int, d time.Duration) (Result, error) {
	result, err := start(ctx, target, connections, d)
	if err != nil {
		return Result{}, fmt.Errorf("loading %s: %w", target.Name, err)
	}
	return result, nil
}

func start(ctx context.Context, target Target, connections int, d time.Duration) (Result, error) {
	if connections < 1 || d <= 0 || target.Rate < 0 {
		return Result{}, fmt.Errorf("%d connections for %v at the rate %v: connections and time must be above 0, "+
			"the rate must not be below", connections, d, target.Rate)
	}
	if target.Calls == nil {
		target.Calls = registrations(target.Body)
	}
	r := &run{target: target, stopped: make(chan struct{})}
	urls := append([]string{target.URL}, target.More...)
	workers := make([]*worker, connections)
	for i := range workers {
		w, err := r.worker(urls[i%len(urls)])
		if err != nil {
			return Result{}, err
		}
		workers[i] = w
		defer w.close()
	}
	defer context.AfterFunc(ctx, r.stop)()
	return r.drive(ctx, workers, d)
}

// drive runs the workers for the warm-up and for d.
func (r *run) drive(ctx context.Context, workers []*worker, d time.Duration) (Result, error) {
	var all sync.WaitGroup
	r.begun = time.Now()
	for _, w := range workers {
		all.Go(w.work)
	}
	r.wait(min(d/3, time.Second))
	r.counting.Store(true)
	begun := time.Now()
	r.wait(d)
	for r.counted.Load() == 0 && !r.over() {
		r.wait(time.Millisecond)
	}
	r.counting.Store(false)
	result := Result{Seconds: time.Since(begun).Seconds()}
	r.stop()
	all.Wait()
	if err := errors.Join(ctx.Err(), r.failed()); err != nil {
		return Result{}, err
	}
	return result, result.take(workers)
}

// A run is what the workers share.
type run struct {
	target   Target
	begun    time.Time
	next     atomic.Int64 // number of the next request
	counting atomic.Bool
	counted  atomic.Int64          // responses
	failure  atomic.Pointer[error] // the first
	once     sync.Once
	stopped  chan struct{}
}

// stop ends the run.
func (r *run) stop() { r.once.Do(func() { close(r.stopped) }) }

func (r *run) over() bool {
	select {
	case <-r.stopped:
		return true
	default:
		return false
	}
}

// wait sleeps for d, or until the run is over.
func (r *run) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.stopped:
	}
}

func (r *run) fail(err error) {
	r.failure.CompareAndSwap(nil, &err)
	r.stop()
}

func (r *run) failed() error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// A worker has one connection.
type worker struct {
	run       *run
	client    *fasthttp.HostClient
	request   *fasthttp.Request
	response  *fasthttp.Response
	ids       []byte // of registrations, each followed by a line break
	all       int
	latencies []time.Duration // of the responses that count
}

func (r *run) worker(url string) (*worker, error) {
	request := fasthttp.AcquireRequest()
	request.SetRequestURI(url)
	host := string(request.URI().Host())
	if host == "" {
		return nil, fmt.Errorf("%q is not the URL of a server", url)
	}
	return &worker{run: r, request: request, response: fasthttp.AcquireResponse(),
		ids: make([]byte, 0, 1<<18), latencies: make([]time.Duration, 0, 1<<13),
		client: &fasthttp.HostClient{
			Addr: host, MaxConns: 1, MaxIdemponentCallAttempts: 1, NoDefaultUserAgentHeader: true,
			DisablePathNormalizing: true,
			ReadTimeout:            patience, WriteTimeout: patience,
			RetryIfErr: func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
		}}, nil
}

func (w *worker) close() {
	w.client.CloseIdleConnections()
	fasthttp.ReleaseRequest(w.request)
	fasthttp.ReleaseResponse(w.response)
}

// work sends requests until the run is over.
func (w *worker) work() {
	calls := w.run.target.Calls
	for {
		i := int(w.run.next.Add(1)) - 1
		if calls.Number > 0 && i >= calls.Number {
			w.run.stop()
			return
		}
		calls.Request(i, w.request)
		begun, on := w.run.begin(i)
		if !on {
			return
		}
		if err := w.client.Do(w.request, w.response); err != nil {
			w.run.fail(err)
			return
		}
		took := time.Since(begun)
		id, err := calls.Check(i, w.response.StatusCode(), w.response.Body())
		if err != nil {
			w.run.fail(err)
			return
		}
		w.all++
		if id != nil {
			w.ids = append(append(w.ids, id...), '\n')
		}
		if w.run.counting.Load() {
			w.latencies = append(w.latencies, took)
			w.run.counted.Add(1)
		}
	}
}

// begin waits until request number i should begin, and returns that time; on is false if the run is over.
func (r *run) begin(i int) (begun time.Time, on bool) {
	if r.target.Rate == 0 {
		return time.Now(), !r.over()
	}
	begun = r.begun.Add(time.Duration(float64(i) / r.target.Rate * float64(time.Second)))
	r.wait(time.Until(begun))
	return begun, !r.over()
}

// take sums up the results of the workers. The error names an ID that two responses have.
func (r *Result) take(workers []*worker) error {
	var latencies []time.Duration
	for _, w := range workers {
		latencies = append(latencies, w.latencies...)
		r.All += w.all
	}
	if len(latencies) == 0 {
		return errors.New("all requests were sent within the warm-up: there are too few, or it is too long")
	}
	seen := make(map[string]struct{}, r.All)
	for _, w := range workers {
		for id := range bytes.Lines(w.ids) {
			if _, twice := seen[string(id)]; twice {
				return fmt.Errorf("two responses have the client_id %s", bytes.TrimSpace(id))
			}
			seen[string(id)] = struct{}{}
		}
	}
	slices.Sort(latencies)
	r.Requests = len(latencies)
	r.P50, r.P99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	return nil
}
