package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/server/adminapi"
)

// A traffic is clients that register, read, update and delete themselves, each time at another one of the servers on
// one database. Each answer must be what it is without a fault: no 503 either.
type traffic struct {
	t       testing.TB
	workers sync.WaitGroup
	stopped atomic.Bool
	turn    atomic.Int64

	serving sync.RWMutex // held for reading by each request
	servers []*process

	mu      sync.Mutex
	kept    map[string]managed // by client ID
	names   map[string]string  // of the kept clients
	deleted []managed
	lives   int // clients whose requests were all answered
}

// startTraffic has workers send requests to the servers until stop.
func startTraffic(t testing.TB, workers int, servers ...*process) *traffic {
	f := &traffic{t: t, servers: servers, kept: map[string]managed{}, names: map[string]string{}}
	for range workers {
		f.workers.Go(func() {
			for n := 0; !f.stopped.Load(); n++ {
				if err := f.live(n); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(20 * time.Millisecond) // the servers and the database share this machine
			}
		})
	}
	t.Cleanup(f.stop)
	return f
}

// lead sends requests only to these servers. It returns when those that others have taken are answered.
func (f *traffic) lead(servers ...*process) {
	f.serving.Lock()
	defer f.serving.Unlock()
	f.servers = servers
}

// stop returns when all requests were answered.
func (f *traffic) stop() {
	f.stopped.Store(true)
	f.workers.Wait()
}

// await returns when n more clients have done all that clients do.
func (f *traffic) await(n int) {
	f.t.Helper()
	lives := func() int { f.mu.Lock(); defer f.mu.Unlock(); return f.lives }
	before := lives()
	eventually(f.t, fmt.Sprint(n, " more clients were served"), func() bool { return lives() >= before+n })
}

// at calls request with the server whose turn it is.
func (f *traffic) at(request func(p *process) error) error {
	f.serving.RLock()
	defer f.serving.RUnlock()
	return request(f.servers[f.turn.Add(1)%int64(len(f.servers))])
}

// live registers a client, has it read and update itself, and deletes each second one.
func (f *traffic) live(n int) error {
	var c managed
	err := f.at(func(p *process) (err error) { c, err = p.tryRegisterManaged(minimal); return err })
	if err != nil {
		return err
	}
	name := fmt.Sprint("Client ", n)
	update := `{"client_id":"` + c.ID + `","redirect_uris":["https://app.example/cb"],"client_name":"` + name + `"}`
	do := func(method, body string, want int) {
		if err != nil {
			return
		}
		err = f.at(func(p *process) error {
			c.p = p
			status, b, err := c.do(method, body)
			if err == nil && status != want {
				err = fmt.Errorf("got %d, want %d: %s", status, want, b)
			}
			if err != nil {
				return fmt.Errorf("%s of client %s: %w", method, c.ID, err)
			}
			return nil
		})
	}
	do(http.MethodGet, "", http.StatusOK)
	do(http.MethodPut, update, http.StatusOK)
	do(http.MethodGet, "", http.StatusOK)
	if n%2 == 1 {
		do(http.MethodDelete, "", http.StatusNoContent)
		do(http.MethodGet, "", http.StatusUnauthorized)
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives++
	if n%2 == 1 {
		f.deleted = append(f.deleted, c)
	} else {
		f.kept[c.ID], f.names[c.ID] = c, name
	}
	return nil
}

// verify fails the test unless a server has exactly the clients that were kept, as they were last acknowledged, and
// those of more.
func (f *traffic) verify(p *process, more ...string) {
	f.t.Helper()
	f.stop()
	found := map[string]bool{}
	for after := ""; ; {
		page := answer[adminapi.Clients](f.t, p, "client", "list", "--limit=1000", "--after="+after).Clients
		for _, c := range page {
			found[c.ClientID] = true
			after = c.ClientID
		}
		if len(page) < 1000 {
			break
		}
	}
	want := maps.Clone(found)
	clear(want)
	for _, id := range slices.Concat(slices.Collect(maps.Keys(f.kept)), more) {
		want[id] = true
	}
	if !maps.Equal(found, want) {
		f.t.Errorf("got %d clients, want the %d that were acknowledged and not deleted", len(found), len(want))
	}
	for id, c := range f.kept {
		c.p = p
		if got := c.want(http.MethodGet, "", http.StatusOK); got["client_name"] != f.names[id] {
			f.t.Errorf("client %s: got the name %q, want %q", id, got["client_name"], f.names[id])
		}
	}
	for _, c := range f.deleted {
		c.p = p
		c.want(http.MethodGet, "", http.StatusUnauthorized)
	}
	f.t.Logf("%d clients are kept, and %d were deleted", len(f.kept), len(f.deleted))
}
