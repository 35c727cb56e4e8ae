package fetch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/guard"
)

// A slowHost is the transport of a host that answers when it is told to. It stands in for a connection where a test
// must know that every caller waits.
type slowHost struct {
	requests chan *http.Request
	answer   chan struct{}
}

func newSlowHost() *slowHost { return &slowHost{make(chan *http.Request, 100), make(chan struct{})} }

func (h *slowHost) RoundTrip(r *http.Request) (*http.Response, error) {
	h.requests <- r
	select {
	case <-h.answer:
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"a":1}`)), Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// fetcher returns a Fetcher of documents from h, which tells outcomes to the channel; nil means none.
func (h *slowHost) fetcher(outcomes chan string, c Config) *Fetcher {
	if outcomes != nil {
		c.Observe = func(outcome string, _ time.Duration) { outcomes <- outcome }
	}
	f := newFetcher(c)
	f.client = &http.Client{Transport: h}
	return f
}

// Callers of one URL share a fetch, which goes on without those that leave, also without the first.
func TestFetchesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const url, callers = "https://app.example/client", 20
		h, outcomes := newSlowHost(), make(chan string, callers)
		f := h.fetcher(outcomes, Config{})
		leaving, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, err := f.Get(leaving, url, Conditions{}); left <- err }()
		synctest.Wait()
		got := make(chan string, callers)
		for range callers {
			go func() {
				r, err := f.Get(t.Context(), url, Conditions{})
				if err != nil {
					got <- err.Error()
					return
				}
				got <- string(r.Body)
			}()
		}
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left got %v", err)
		}
		close(h.answer)
		for range callers {
			if s := <-got; s != `{"a":1}` {
				t.Errorf("a caller got %s", s)
			}
		}
		if n, told := len(h.requests), len(outcomes); n != 1 || told != 1 || <-outcomes != OutcomeFetched {
			t.Errorf("%d requests were sent, and the observer was told %d times, want once", n, told)
		}
		// Another condition is another request, and so is one that comes later.
		_, _ = f.Get(t.Context(), url, Conditions{ETag: `"1"`})
		_, _ = f.Get(t.Context(), url, Conditions{})
		if n := len(h.requests); n != 3 {
			t.Errorf("%d requests were sent, want 3", n)
		}
	})
}

// A caller has time to respond, whatever the timeout of the fetch that it shares.
func TestTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSlowHost().fetcher(nil, Config{Timeout: 3 * time.Second})
		began := time.Now()
		for _, tt := range []struct{ left, want time.Duration }{{2 * time.Second, 1500 * time.Millisecond},
			{time.Minute, 3 * time.Second}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.left)
			_, err := f.Fetch(ctx, "https://"+tt.left.String()+".example/")
			wantReason(t, err, "too long")
			if took := time.Since(began); took != tt.want {
				t.Errorf("a caller with %v left waited for %v, want %v", tt.left, took, tt.want)
			}
			cancel()
			began = time.Now()
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := f.Fetch(ended, "https://app.example/"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that had left got %v", err)
		}
	})
}

// A caller learns that the budget is spent, and not that the host is slow, before its time is over.
func TestWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, outcomes := newSlowHost(), make(chan string, 3)
		f := h.fetcher(outcomes, Config{Timeout: 4 * time.Second, Budget: NewBudget(Limits{HostConcurrent: 1})})
		go func() { _, _ = f.Fetch(t.Context(), "https://app.example/1") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := f.Fetch(ctx, "https://app.example/2")
		wantBusy(t, err, CodeHostBusy)
		if outcome := <-outcomes; outcome != string(CodeHostBusy) {
			t.Errorf("the observer was told %s", outcome)
		}
		go func() { time.Sleep(time.Second / 2); close(h.answer) }() // on the clock of the bubble
		if _, err := f.Fetch(t.Context(), "https://app.example/3"); err != nil {
			t.Errorf("after a place was free: got %v", err)
		}
	})
}

// A panic while a document is fetched ends neither the process nor other fetches.
func TestPanicsAreCaught(t *testing.T) {
	t.Parallel()
	f := newFetcher(Config{Guard: &guard.Guard{Logger: slog.New(slog.DiscardHandler)}})
	f.client = &http.Client{Transport: panicking{}}
	for range 5 { // more than the places of a host
		_, err := f.Fetch(t.Context(), "https://app.example/")
		if err == nil || !strings.Contains(err.Error(), "panic in documents") {
			t.Errorf("got %v", err)
		}
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("a defect") }
