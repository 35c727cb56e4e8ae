package fetch

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"
)

func parsed(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantBusy checks that err is an *Error with a code and when to try again.
func wantBusy(t *testing.T, err error, code Code) {
	t.Helper()
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Code != code || failed.RetryAfter < time.Second || failed.RetryAfter%time.Second != 0 {
		t.Errorf("got %#v, want the code %s and when to try again", err, code)
	}
}

// The rates bound how many fetches begin, in all and by host. Ports and spellings of a host share its budget.
func TestRates(t *testing.T) {
	t.Parallel()
	const hour = 1. / 3600
	b := NewBudget(Limits{Rate: hour, Burst: 3, HostRate: hour, HostBurst: 2})
	enter := func(raw string) error {
		leave, err := b.enter(t.Context(), parsed(t, raw))
		if err == nil {
			leave()
		}
		return err
	}
	for _, raw := range []string{"https://a.example/", "https://A.example.:8443/"} {
		if err := enter(raw); err != nil {
			t.Fatal(err)
		}
	}
	wantBusy(t, enter("https://a.example/3"), CodeHostBusy)
	if err := enter("https://b.example/"); err != nil { // what was refused took nothing from the budget of all
		t.Fatal(err)
	}
	wantBusy(t, enter("https://b.example/2"), CodeBusy)
	// What is refused takes nothing: trying again does not make the wait longer, and the host keeps its share.
	for _, raw := range []string{"https://a.example/4", "https://b.example/3"} {
		if failed, ok := errors.AsType[*Error](enter(raw)); !ok || failed.RetryAfter > time.Hour {
			t.Errorf("%s: got %v, want to try again within an hour", raw, failed)
		}
	}
	if left := b.host(parsed(t, "https://b.example/")).rate.Tokens(); left < 1 {
		t.Errorf("b.example has %v fetches left, want 1", left)
	}
}

// A slow host has at most its share of the fetches at the same time, and a place is free again after a fetch.
func TestConcurrentFetches(t *testing.T) {
	t.Parallel()
	b := NewBudget(Limits{Concurrent: 2, HostConcurrent: 1})
	ended, end := context.WithCancel(t.Context())
	end()
	busy := func(raw string, code Code) {
		t.Helper()
		_, err := b.enter(ended, parsed(t, raw))
		wantBusy(t, err, code)
	}
	leaveA, err := b.enter(t.Context(), parsed(t, "https://a.example/"))
	if err != nil {
		t.Fatal(err)
	}
	busy("https://a.example/2", CodeHostBusy)
	leaveB, err := b.enter(t.Context(), parsed(t, "https://b.example/"))
	if err != nil {
		t.Fatal(err)
	}
	waiting, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	_, err = b.enter(waiting, parsed(t, "https://c.example/"))
	wantBusy(t, err, CodeBusy)
	leaveA()
	again, err := b.enter(t.Context(), parsed(t, "https://c.example/"))
	if err != nil {
		t.Fatal(err)
	}
	again()
	leaveB()
}
