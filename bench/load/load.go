// Package load registers clients over a number of keep-alive connections, one request at a time on each, and checks
// every response. It uses little processor time, since it shares the machine with the server. See [Run].
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A Target is a server to load.
type Target struct {
	Name string
	URL  string // of the registration endpoint, such as http://127.0.0.1:8080/register
	// Body returns the body of request number i, from 0. It must be safe for concurrent use. nil means [Body].
	Body func(i int) []byte
}

// A Result is the result of a run.
type Result struct {
	Registrations int     // after the warm-up
	Seconds       float64 // without the warm-up
	P50, P99      time.Duration
	All           int // registrations, including those of the warm-up and those running at the end
}

// Rate returns the registrations per second.
func (r Result) Rate() float64 { return float64(r.Registrations) / r.Seconds }

// patience bounds the time of a response.
const patience = time.Minute

// Run registers clients for a warm-up of a third of d, at most a second, which does not count, and then for d, or until
// the first response if that takes longer. It fails at a response that is not a 201 with a client_id; the error quotes
// the response without its secrets. After the run it fails if two responses have the same client_id.
func Run(ctx context.Context, target Target, connections int, d time.Duration) (Result, error) {
	if connections < 1 || d <= 0 {
		return Result{}, fmt.Errorf("loading %s: %d connections for %v: both must be above 0", target.Name, connections,
			d)
	}
	if target.Body == nil {
		target.Body = Body
	}
	r := &run{target: target}
	workers := make([]*worker, connections)
	for i := range workers {
		w, err := r.worker(i, connections)
		if err != nil {
			return Result{}, fmt.Errorf("loading %s: %w", target.Name, err)
		}
		workers[i] = w
		defer w.close()
	}
	defer context.AfterFunc(ctx, func() { r.stop.Store(true) })()
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(w.work)
	}
	r.wait(ctx, min(d/3, time.Second))
	r.counting.Store(true)
	start := time.Now()
	r.wait(ctx, d)
	for r.counted.Load() == 0 && !r.stop.Load() {
		r.wait(ctx, time.Millisecond)
	}
	r.counting.Store(false)
	result := Result{Seconds: time.Since(start).Seconds()}
	r.stop.Store(true)
	all.Wait()
	if err := errors.Join(ctx.Err(), r.failed()); err != nil {
		return Result{}, fmt.Errorf("loading %s: %w", target.Name, err)
	}
	if err := result.take(workers); err != nil {
		return Result{}, fmt.Errorf("loading %s: %w", target.Name, err)
	}
	return result, nil
}

// A run is what the workers share.
type run struct {
	target         Target
	counting, stop atomic.Bool
	counted        atomic.Int64          // responses
	failure        atomic.Pointer[error] // the first
}

// wait sleeps for d, or until the run is over.
func (r *run) wait(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); !r.stop.Load(); {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(left, 100*time.Millisecond)):
		}
	}
}

func (r *run) fail(err error) {
	r.failure.CompareAndSwap(nil, &err)
	r.stop.Store(true)
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
	next      int // number of the next request
	step      int
	ids       []byte // each followed by a line break
	all       int
	latencies []time.Duration // of the registrations that count
}

func (r *run) worker(first, of int) (*worker, error) {
	request := fasthttp.AcquireRequest()
	request.SetRequestURI(r.target.URL)
	request.Header.SetMethod(http.MethodPost)
	request.Header.SetContentType("application/json")
	host := string(request.URI().Host())
	if host == "" {
		return nil, fmt.Errorf("%q is not the URL of a registration endpoint", r.target.URL)
	}
	return &worker{run: r, request: request, response: fasthttp.AcquireResponse(), next: first, step: of,
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

// work registers until the run is over.
func (w *worker) work() {
	for !w.run.stop.Load() {
		w.request.SetBodyRaw(w.run.target.Body(w.next))
		w.next += w.step
		start := time.Now()
		if err := w.client.Do(w.request, w.response); err != nil {
			w.run.fail(err)
			return
		}
		took := time.Since(start)
		id := clientID(w.response.Body())
		if w.response.StatusCode() != http.StatusCreated || id == nil {
			w.run.fail(fmt.Errorf("the response is %d: %s", w.response.StatusCode(), quote(w.response.Body())))
			return
		}
		w.all++
		w.ids = append(append(w.ids, id...), '\n')
		if w.run.counting.Load() {
			w.latencies = append(w.latencies, took)
			w.run.counted.Add(1)
		}
	}
}

// clientID returns the client_id of a response, nil if there is none. Quotes within strings are escaped, so that the
// search cannot match inside the value of another member.
func clientID(answer []byte) []byte {
	_, rest, found := bytes.Cut(answer, []byte(`"client_id":`))
	if !found {
		return nil
	}
	rest, found = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	end := bytes.IndexByte(rest, '"')
	if !found || end < 1 {
		return nil
	}
	return rest[:end]
}

var secrets = regexp.MustCompile(`("(?:client_secret|registration_access_token)"\s*:\s*")[^"]*`)

// quote returns the beginning of a response without its secrets.
func quote(answer []byte) []byte {
	answer = secrets.ReplaceAll(answer, []byte("${1}[redacted]"))
	return answer[:min(len(answer), 500)]
}

// take sums up the results of the workers. The error names an ID that two responses have.
func (r *Result) take(workers []*worker) error {
	var latencies []time.Duration
	for _, w := range workers {
		latencies = append(latencies, w.latencies...)
		r.All += w.all
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
	r.Registrations = len(latencies)
	r.P50, r.P99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	return nil
}
