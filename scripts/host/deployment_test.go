package host_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

func TestDeployRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	ok := b.script("prefix-id")
	policy := b.script("refuse-scope")
	change := func(s scripts.Script, f func(*scripts.Script)) scripts.Script { f(&s); return s }
	for want, list := range map[string][]scripts.Script{
		`scripts[0].name "A"`:             {change(ok, func(s *scripts.Script) { s.Name = "A" })},
		"appears twice in the deployment": {ok, ok},
		"module is missing":               {change(ok, func(s *scripts.Script) { s.Module = "" })},
		"module sha256:0 not found":       {change(ok, func(s *scripts.Script) { s.Module = "sha256:0" })},
		"mode \"sometimes\"":              {change(ok, func(s *scripts.Script) { s.Mode = "sometimes" })},
		"on_failure \"ignore\"":           {change(ok, func(s *scripts.Script) { s.OnFailure = "ignore" })},
		"config must be an object":        {change(ok, func(s *scripts.Script) { s.Config = jsontext.Value("[]") })},
		"step \"nothing\" not found":      {change(ok, func(s *scripts.Script) { s.FailOpen = []string{"nothing"} })},
		"on_failure base lets a caller": {change(policy,
			func(s *scripts.Script) { s.OnFailure = scripts.OnFailureBase })},
	} {
		_, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: list}, nil)
		if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a rejection with %q", err, want)
		}
	}
	if n, err := b.store.CurrentDeploymentNumber(t.Context()); n != 0 || err != nil {
		t.Errorf("deployment %d is in force, %v", n, err)
	}
	open := change(policy, func(s *scripts.Script) {
		s.OnFailure = scripts.OnFailureBase
		s.FailOpen = []string{"validate_software_statement", "set_grant_types", "set_scopes"}
	})
	if _, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{open}}, nil); err != nil {
		t.Errorf("with its steps under fail_open: %v", err)
	}
}

func TestDeployIfCurrent(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	zero, one := int64(0), int64(1)
	script := b.script("prefix-id")
	d, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{script}}, &zero)
	if err != nil || d.Number != 1 {
		t.Fatalf("got %+v, %v", d, err)
	}
	if _, err := b.host.Deploy(t.Context(), scripts.Deployment{}, &zero); !errors.Is(err, scripts.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if d, err := b.host.Deploy(t.Context(), scripts.Deployment{}, &one); err != nil || d.Number != 2 ||
		d.Scripts == nil {
		t.Errorf("got %+v, %v", d, err)
	}
}

// Registrations before the first load could bypass a policy in force.
func TestNothingRunsBeforeTheFirstLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	h, err := host.New(t.Context(), host.Config{Config: boxConfig(), Modules: b.store, Deployments: b.store})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	e, err := engine.New(engine.Config{Store: b.store, Overrides: h.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	request, _ := engine.ParseRequest([]byte(minimal))
	if _, err := e.Register(t.Context(), request, &engine.Caller{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if h.Ready() == nil {
		t.Error("the host is ready")
	}
	if err := h.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Register(t.Context(), request, &engine.Caller{}); err != nil || h.Ready() != nil {
		t.Errorf("got %v, ready %v", err, h.Ready())
	}
}

// A replica follows deployments by another one, and keeps the last one while it cannot read the store.
func TestFollow(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	stored := &breakable{DeploymentStore: b.store}
	replica, err := host.New(t.Context(), host.Config{Config: boxConfig(), Modules: b.store, Deployments: stored})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { replica.Follow(ctx, time.Millisecond) })
	t.Cleanup(func() { cancel(); wg.Wait(); replica.Close(context.Background()) })

	await(t, "deployment 0", func() bool { n, loaded := replica.Current(); return loaded && n == 0 })
	b.deployFixtures("prefix-id")
	await(t, "deployment 1", func() bool { n, _ := replica.Current(); return n == 1 })

	stored.breakWith(errors.New("the database is away"))
	b.deployFixtures("wrap-id")
	await(t, "the replica not to be ready", func() bool { return replica.Ready() != nil })
	if n, _ := replica.Current(); n != 1 {
		t.Errorf("deployment %d, want 1 to stay", n)
	}
	stored.breakWith(nil)
	await(t, "deployment 2", func() bool { n, _ := replica.Current(); return n == 2 && replica.Ready() == nil })
}

// A host that loads for long is not ready, while the deployment before stays loaded.
func TestLoadThatTakesLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	slow := &slowStore{DeploymentStore: b.store, goOn: make(chan struct{})}
	replica, err := host.New(t.Context(), host.Config{Config: boxConfig(), Modules: b.store, Deployments: slow})
	if err != nil {
		t.Fatal(err)
	}
	defer replica.Close(context.Background())
	close(slow.goOn)
	if err := replica.Load(t.Context()); err != nil || replica.Ready() != nil {
		t.Fatal(err, replica.Ready())
	}
	slow.goOn = make(chan struct{})
	b.deployFixtures("prefix-id")
	loaded := make(chan error)
	go func() { loaded <- replica.Load(t.Context()) }()
	await(t, "the replica not to be ready", func() bool { return replica.Ready() != nil })
	if got, want := replica.Ready().Error(), "deployment 1 is in force, but still being loaded"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n, ok := replica.Current(); n != 0 || !ok {
		t.Errorf("deployment %d, %t; want the one before to stay", n, ok)
	}
	close(slow.goOn)
	if err := <-loaded; err != nil || replica.Ready() != nil {
		t.Errorf("after the load: %v, %v", err, replica.Ready())
	}
}

// A slowStore returns deployments when goOn is closed.
type slowStore struct {
	host.DeploymentStore
	goOn chan struct{}
}

func (s *slowStore) CurrentDeployment(ctx context.Context) (scripts.Deployment, error) {
	<-s.goOn
	return s.DeploymentStore.CurrentDeployment(ctx)
}

// A breakable store returns an error while it is broken.
type breakable struct {
	host.DeploymentStore
	mu  sync.Mutex
	err error
}

func (b *breakable) breakWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *breakable) CurrentDeploymentNumber(ctx context.Context) (int64, error) {
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return b.DeploymentStore.CurrentDeploymentNumber(ctx)
}

// Each registration runs all its steps through one deployment, even if another one comes into force in between.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("prefix-id")
	lists := [][]scripts.Script{{b.script("prefix-id")}, {b.script("wrap-id"), b.script("c-id-and-secret")}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r, err := b.engine.Register(context.WithoutCancel(ctx), mustParse(),
					&engine.Caller{Auth: engine.AuthNone})
				if err != nil {
					t.Error(err)
					return
				}
				id, script := r.Client.ID, r.Client.Provenance.Acts[0].Script
				if strings.HasPrefix(id, "acme-") != (script == "prefix-id") ||
					strings.HasPrefix(id, "wrapped-c-") != (script == "c-id-and-secret") {
					t.Errorf("client_id %s after %+v", id, r.Client.Provenance)
				}
			}
		})
	}
	for i := range 20 {
		b.deploy(lists[i%2]...)
	}
	cancel()
	wg.Wait()
}

func mustParse() *engine.Request {
	request, err := engine.ParseRequest([]byte(minimal))
	if err != nil {
		panic(err)
	}
	return request
}
