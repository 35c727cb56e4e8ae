package fetch

import (
	"cmp"
	"context"
	"math"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// hostsKept is how many hosts a Budget remembers. A host that is forgotten starts with a full budget; the budget of all
// fetches holds whatever the number of hosts.
const hostsKept = 1024

// Limits are the limits of a [Budget]: in all, and for each host, whatever the port.
type Limits struct {
	Concurrent     int     // fetches at the same time; 0 means 32
	HostConcurrent int     // those from one host; 0 means 4
	Rate           float64 // fetches per second in the long run; 0 means 60
	HostRate       float64 // those from one host; 0 means 10
	Burst          int     // fetches after a quiet time, whatever the rate; 0 means 120
	HostBurst      int     // those from one host; 0 means 30
}

// A Budget limits fetches, so that the server cannot be used to flood others, and a slow host does not keep others
// waiting. Fetchers may share it. It is safe for concurrent use.
type Budget struct {
	limits Limits
	all    *account
	hosts  *lru.Cache[string, *account]
}

// An account is a budget in all, or that of a host.
type account struct {
	rate  *rate.Limiter
	slots chan struct{} // one element per running fetch
}

// NewBudget returns a Budget.
func NewBudget(l Limits) *Budget {
	l.Concurrent, l.HostConcurrent = cmp.Or(l.Concurrent, 32), cmp.Or(l.HostConcurrent, 4)
	l.Rate, l.HostRate = cmp.Or(l.Rate, 60), cmp.Or(l.HostRate, 10)
	l.Burst, l.HostBurst = cmp.Or(l.Burst, 120), cmp.Or(l.HostBurst, 30)
	hosts, err := lru.New[string, *account](hostsKept)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &Budget{limits: l, all: newAccount(l.Rate, l.Burst, l.Concurrent), hosts: hosts}
}

func newAccount(perSecond float64, burst, concurrent int) *account {
	return &account{rate.NewLimiter(rate.Limit(perSecond), burst), make(chan struct{}, concurrent)}
}

// enter begins a fetch from the host of u, and returns how to end it. It waits until ctx is done for others to end.
func (b *Budget) enter(ctx context.Context, u *url.URL) (leave func(), err error) {
	host := b.host(u)
	if err := b.spend(host); err != nil {
		return nil, err
	}
	select {
	case host.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, hostBusy(0)
	}
	select {
	case b.all.slots <- struct{}{}:
	case <-ctx.Done():
		<-host.slots
		return nil, busy(0)
	}
	return func() { <-b.all.slots; <-host.slots }, nil
}

// host returns the account of the host of u.
func (b *Budget) host(u *url.URL) *account {
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if known, ok := b.hosts.Get(name); ok {
		return known
	}
	added := newAccount(b.limits.HostRate, b.limits.HostBurst, b.limits.HostConcurrent)
	if known, ok, _ := b.hosts.PeekOrAdd(name, added); ok {
		return known
	}
	return added
}

// spend takes a fetch from both rates, or from neither.
func (b *Budget) spend(host *account) error {
	now := time.Now()
	ours := host.rate.ReserveN(now, 1)
	if wait := ours.DelayFrom(now); wait > 0 {
		ours.CancelAt(now)
		return hostBusy(wait)
	}
	all := b.all.rate.ReserveN(now, 1)
	if wait := all.DelayFrom(now); wait > 0 {
		all.CancelAt(now)
		ours.CancelAt(now)
		return busy(wait)
	}
	return nil
}

func busy(wait time.Duration) *Error {
	return &Error{Reason: "the server fetches too many documents: try again later", Code: CodeBusy,
		RetryAfter: wholeSeconds(wait)}
}

func hostBusy(wait time.Duration) *Error {
	return &Error{Reason: "the server fetches too many documents from its host: try again later", Code: CodeHostBusy,
		RetryAfter: wholeSeconds(wait)}
}

// wholeSeconds rounds up to seconds, at least one.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(max(1, math.Ceil(d.Seconds()))) * time.Second
}
