package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"registrar/internal/duration"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// waitFlags say whether a deployment is waited for.
type waitFlags struct {
	Wait        bool              `help:"${wait}"`
	WaitTimeout duration.Duration `default:"1m" placeholder:"DURATION" help:"Time limit of --wait. Default ${default}."`
}

// check reports wrong usage.
func (f *waitFlags) check() error {
	if f.WaitTimeout <= 0 {
		return usageError{fmt.Errorf("--wait-timeout %s: must be above 0", f.WaitTimeout)}
	}
	return nil
}

// waitInterval is the time between two looks at the replicas.
const waitInterval = 250 * time.Millisecond

// wait returns when all replicas have loaded a deployment or a later one, if the flags say so. A replica that was live
// at some time since must have loaded it, unless it removed its row, as servers do when they end: one that is silent
// may still register clients through an earlier deployment.
func (f *waitFlags) wait(ctx context.Context, api *adminapi.API, number int64, to *console) error {
	if !f.Wait {
		return nil
	}
	limit := time.NewTimer(time.Duration(f.WaitTimeout))
	defer limit.Stop()
	needed := map[string]bool{}
	var late []scripts.Replica
	for {
		list, err := listReplicas(ctx, api)
		if err == nil {
			late = lateReplicas(list, number, needed)
		}
		if err == nil && len(needed) > 0 && len(late) == 0 {
			fmt.Fprintf(to.err, "registrar: deployment %d is loaded by all live replicas: %d\n", number, len(needed))
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("deployment %d is in force, but the wait was ended: %w", number, ctx.Err())
		case <-limit.C:
			return notLoaded(number, late, err)
		case <-time.After(waitInterval):
		}
	}
}

// listTimeout bounds one look at the replicas.
const listTimeout = 5 * time.Second

func listReplicas(ctx context.Context, api *adminapi.API) ([]scripts.Replica, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	return api.Replicas(ctx)
}

// lateReplicas returns the needed replicas that have not loaded a deployment. It adds the live ones to needed, and
// drops those that are not in the list.
func lateReplicas(list []scripts.Replica, number int64, needed map[string]bool) (late []scripts.Replica) {
	for id := range needed {
		if !slices.ContainsFunc(list, func(r scripts.Replica) bool { return r.ID == id }) {
			delete(needed, id)
		}
	}
	for _, r := range list {
		if r.Live {
			needed[r.ID] = true
		}
		if needed[r.ID] && (r.Deployment == nil || *r.Deployment < number) {
			late = append(late, r)
		}
	}
	return late
}

// notLoaded returns the error of a wait whose time is over. err is that of the last look.
func notLoaded(number int64, late []scripts.Replica, err error) error {
	if err != nil {
		return fmt.Errorf("deployment %d is in force, but which servers have loaded it is not known: %w", number, err)
	}
	if len(late) == 0 {
		return fmt.Errorf("deployment %d is in force, but no live server is listed", number)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "deployment %d is in force, but not loaded by", number)
	for _, r := range late {
		fmt.Fprintf(&text, "\n  - replica %s at %s, which has loaded %s", r.ID, r.Address, loadedBy(r))
		if !r.Live {
			fmt.Fprintf(&text, "; it has been silent since %s", r.BeatAt.Format(time.RFC3339))
		}
		if r.Problem != "" {
			fmt.Fprintf(&text, ": %s", r.Problem)
		}
	}
	return errors.New(text.String())
}
