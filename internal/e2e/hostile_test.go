package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"registrar/internal/wasmtest"
	"registrar/internal/wasmtest/hostile"
	"registrar/scripts"
	"registrar/server/adminapi"
)

const (
	// ordinaryWorkers register ordinary clients, each at most once in ordinaryPause.
	ordinaryWorkers = 4
	ordinaryPause   = 25 * time.Millisecond
	// calmRegistrations succeed before the attacks, and again after them.
	calmRegistrations = 200
	// hostileRegistrations go through each hostile module that was uploaded.
	hostileRegistrations = 2
	// answerTime bounds the response to a registration. The server's --request-timeout is 30 s, but machines may be
	// slow.
	answerTime = time.Minute
)

// What a server may use more than before, once the attacks are over.
const (
	moreMemory     = 256 << 10 // KiB: 32 MiB for the next instances, and garbage
	moreThreads    = 16
	moreFiles      = 16
	idleGoroutines = 64
)

// TestHostileModules uploads every module of testdata/wasm/hostile to a live server and registers through those that it
// accepts, while ordinary clients register all the time. Each module must have one of its allowed outcomes. The server
// must survive, store what it acknowledged and nothing else, and use no more resources in the end than before.
func TestHostileModules(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("takes minutes and reads /proc")
	}
	t.Parallel()
	s := besiege(t)
	s.register(t) // loads everything
	s.awaitCalm(t)
	before := s.usage(t)

	for _, m := range wasmtest.Hostile(t) {
		t.Run(m.Name, func(t *testing.T) { s.attack(t, m) })
		s.alive()
	}

	s.awaitCalm(t)
	var after usage
	settled := func() bool {
		after = s.usage(t)
		return after.memory <= before.memory+moreMemory && after.threads <= before.threads+moreThreads &&
			after.files <= before.files+moreFiles && after.children == 0
	}
	for deadline := time.Now().Add(patience); !settled() && time.Now().Before(deadline); {
		s.collect(t)
		time.Sleep(200 * time.Millisecond)
	}
	if t.Logf("before: %v; after: %v", before, after); !settled() {
		t.Error("the server keeps using more than before")
	}
	s.stop()
	s.checkStored(t)
	s.checkGoroutines(t)
}

// The committed modules are those that the sources generate.
func TestHostileModulesAreGenerated(t *testing.T) {
	t.Parallel()
	committed, made := filepath.Join("testdata", "wasm", "hostile"), t.TempDir()
	if out, err := exec.Command("go", "run", "./internal/wasmtest/hostile/generate", "-o",
		made).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, got := generated(t, made), generated(t, committed)
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is committed, but not generated", name)
		}
	}
	for name, b := range want {
		if !bytes.Equal(got[name], b) {
			t.Errorf("%s is not what is generated: go run ./internal/wasmtest/hostile/generate", name)
		}
		if len(b) > 256<<10 {
			t.Errorf("%s has %d bytes: make it a large module, which is not committed", name, len(b))
		}
	}
}

// generated returns the modules and the README.md of a folder.
func generated(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	for _, path := range append(paths, filepath.Join(folder, "README.md")) {
		if content[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return content
}

// A siege is a live server, with ordinary clients that register while it is attacked.
type siege struct {
	t       *testing.T
	p       *process
	api     *adminapi.API
	http    *http.Client
	workers sync.WaitGroup
	stop    func() // ends the ordinary registrations

	// epoch is odd while a hostile script may be in force. A registration that sees the same even number before and
	// after met none.
	epoch  atomic.Int64
	module atomic.Value // string: the last module that was uploaded
	phase  atomic.Int32

	mu           sync.Mutex
	acknowledged map[string]bool // client IDs
	unanswered   int             // registrations without a response, which may be stored or not
	latencies    [phases][]time.Duration
	faults       map[string]int // what went wrong for ordinary clients, and how often
}

// The phases by which the latency of ordinary registrations is reported.
const (
	calm = iota
	uploading
	deployed
	phases
)

// besiege starts a server and the ordinary registrations.
func besiege(t *testing.T) *siege {
	// With the defaults, 1 s and 3 s, the clock of a slow machine, or beside other tests, would end scripts that fuel
	// must end.
	// The default of fuel would take each script that burns it two and a half times as long; BenchmarkWorst of
	// scripts/metering measures that.
	p := start(t, t.TempDir(), "--script-timeout=10s", "--request-timeout=30s", "--script-fuel=10000000")
	token, err := os.ReadFile(filepath.Join(p.folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{
		t: t, p: p,
		api: &adminapi.API{Base: p.admin, Token: strings.TrimSpace(string(token)),
			HTTP: &http.Client{Timeout: 2 * time.Minute}},
		http: &http.Client{Timeout: answerTime,
			Transport: &http.Transport{MaxIdleConnsPerHost: 2 * ordinaryWorkers}},
		acknowledged: map[string]bool{},
		faults:       map[string]int{},
	}
	s.module.Store("none")
	ctx, cancel := context.WithCancel(t.Context())
	s.stop = sync.OnceFunc(func() {
		cancel()
		s.workers.Wait()
		s.http.CloseIdleConnections()
		s.report()
	})
	t.Cleanup(s.stop)
	for range ordinaryWorkers {
		s.workers.Go(func() {
			ticker := time.NewTicker(ordinaryPause)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
					s.ordinary()
				}
			}
		})
	}
	return s
}

// awaitCalm waits for calmRegistrations more ordinary registrations. No attack may be running.
func (s *siege) awaitCalm(t *testing.T) {
	t.Helper()
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.latencies[calm])
	}
	goal := count() + calmRegistrations
	eventually(t, "ordinary registrations", func() bool { return count() >= goal })
}

// ordinary registers an ordinary client and checks the response.
func (s *siege) ordinary() {
	epoch, phase, begin := s.epoch.Load(), s.phase.Load(), time.Now()
	outcome, err := s.try()
	took := time.Since(begin)
	undisturbed := s.epoch.Load() == epoch && epoch%2 == 0

	s.mu.Lock()
	defer s.mu.Unlock()
	s.latencies[phase] = append(s.latencies[phase], took)
	switch {
	case err != nil:
		s.fault("%v", err)
	case undisturbed && outcome != hostile.Harmless:
		s.fault("response %s without a hostile script in force", outcome)
	}
}

// fault counts a failure of an ordinary client. The caller holds s.mu.
func (s *siege) fault(format string, args ...any) {
	s.faults[fmt.Sprintf("%s: ", s.module.Load())+fmt.Sprintf(format, args...)]++
}

// try registers a client and returns the outcome. The error is an invalid response, or none.
func (s *siege) try() (hostile.Outcome, error) {
	response, err := s.http.Post(s.p.public+"/register", "application/json", strings.NewReader(minimal))
	var body []byte
	if err == nil {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.unanswered++
		return "", err
	}
	var answer struct {
		ClientID    string `json:"client_id"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("%d with a body that is not JSON: %w", response.StatusCode, err)
	}
	switch status := response.StatusCode; {
	case status == http.StatusCreated && answer.ClientID != "":
		s.acknowledged[answer.ClientID] = true
		return hostile.Harmless, nil
	case status == http.StatusBadRequest && answer.Error != "":
		return hostile.Denied, nil
	case status == http.StatusInternalServerError && answer.Error == "server_error":
		return hostile.Failed, nil
	case status == http.StatusServiceUnavailable && answer.Error == "temporarily_unavailable":
		return hostile.Saturated, nil
	}
	return "", fmt.Errorf("%d with the body %.200q", response.StatusCode, body)
}

// register registers a client while no hostile script is in force.
func (s *siege) register(t *testing.T) {
	t.Helper()
	if outcome, err := s.try(); err != nil || outcome != hostile.Harmless {
		t.Fatalf("an ordinary registration: %s, %v", outcome, err)
	}
}

// attack uploads a module and, if it is accepted, registers through it.
func (s *siege) attack(t *testing.T, m hostile.Module) {
	s.module.Store(m.Name)
	s.phase.Store(uploading)
	uploaded, err := s.api.Upload(t.Context(), "hostile", m.Wasm(), "")
	s.phase.Store(calm)
	if err != nil {
		s.refused(t, m, err)
		return
	}
	if slices.Equal(m.Must, []hostile.Outcome{hostile.Refused}) {
		t.Errorf("the module was accepted, want it rejected")
	}
	s.epoch.Add(1)
	s.phase.Store(deployed)
	defer func() {
		s.deploy(t)
		s.phase.Store(calm)
		s.epoch.Add(1)
		s.register(t)
	}()
	s.deploy(t, scripts.Script{Name: "hostile", Module: uploaded.Digest})
	for range hostileRegistrations {
		outcome, err := s.try()
		// Where the clock ends what fuel must end, the machine is busy with something else.
		for deadline := time.Now().Add(answerTime); outcome == hostile.Saturated && !m.May(outcome) &&
			time.Now().Before(deadline); {
			outcome, err = s.try()
		}
		switch {
		case err != nil:
			t.Errorf("registering: %v", err)
		case !m.May(outcome):
			t.Errorf("registering: got %s, want %s", outcome, m.Must)
		}
	}
}

// deploy deploys the scripts in list.
func (s *siege) deploy(t *testing.T, list ...scripts.Script) {
	t.Helper()
	// The context of a subtest that ended must not prevent it.
	deployment := adminapi.NewDeployment{Scripts: append([]scripts.Script{}, list...)}
	if _, err := s.api.Deploy(context.WithoutCancel(t.Context()), deployment); err != nil {
		t.Errorf("deploying: %v", err)
	}
}

// refused checks that an upload was rejected with 422 and readable reasons.
func (s *siege) refused(t *testing.T, m hostile.Module, err error) {
	problem, ok := errors.AsType[*adminapi.Problem](err)
	if !ok || problem.Status != http.StatusUnprocessableEntity {
		t.Errorf("uploading: %v", err)
		return
	}
	if !m.May(hostile.Refused) {
		t.Errorf("the module was rejected: %.500s", problem.Error())
		return
	}
	all := strings.Join(problem.Reasons, "\n")
	switch {
	case all == "" || slices.Contains(problem.Reasons, ""):
		t.Errorf("the module was rejected without a reason: %+v", problem)
	case len(all) > 8<<10:
		t.Errorf("the reasons have %d bytes", len(all))
	case !utf8.ValidString(all) || strings.ContainsAny(all, "\x00\x07\x1b"):
		t.Errorf("the reasons contain control characters: %q", all)
	case !strings.Contains(strings.ToLower(all), strings.ToLower(m.Says)):
		t.Errorf("the module was rejected, want %q in the reasons: %s", m.Says, all)
	}
}

// alive fails the whole test if the server has died.
func (s *siege) alive() {
	select {
	case <-s.p.exited:
		s.t.Fatalf("the server died of %s: %v\n%s", s.module.Load(), s.p.cmd.ProcessState, tail(s.p.log.String()))
	default:
	}
	if status := s.p.status(s.p.admin + "/healthz"); status != http.StatusOK {
		s.t.Fatalf("after %s the server is not healthy: %d", s.module.Load(), status)
	}
}

// tail returns the last lines of a log.
func tail(log string) string { return log[max(0, len(log)-8<<10):] }

// report logs the latency of ordinary registrations, which depends on the machine, and fails the test for each fault.
func (s *siege) report() {
	for phase, name := range []string{"calm", "during an upload", "through a hostile script"} {
		if l := s.latencies[phase]; len(l) > 0 {
			slices.Sort(l)
			s.t.Logf("%d ordinary registrations %s: p50 %s, p99 %s, at most %s", len(l), name,
				l[len(l)/2].Round(10*time.Microsecond),
				l[len(l)*99/100].Round(10*time.Microsecond), l[len(l)-1].Round(10*time.Microsecond))
		}
	}
	for _, fault := range slices.Sorted(maps.Keys(s.faults)) {
		s.t.Errorf("%d ordinary registrations, during or after %s", s.faults[fault], fault)
	}
}

// collect makes the server collect its garbage by sending it a large body.
func (s *siege) collect(t *testing.T) {
	t.Helper()
	if _, err := s.api.Upload(t.Context(), "none", make([]byte, 8<<20), ""); err == nil {
		t.Error("zeros were accepted as a module")
	}
}

// checkStored checks that the acknowledged clients are stored, and no others.
func (s *siege) checkStored(t *testing.T) {
	stored := map[string]bool{}
	for q := (adminapi.ClientQuery{Limit: 1000}); ; {
		page, err := s.api.Clients(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Clients {
			stored[c.ClientID] = true
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	for id := range s.acknowledged {
		if !stored[id] {
			t.Errorf("client %s was acknowledged, but is not stored", id)
		}
	}
	for id := range stored {
		if !s.acknowledged[id] {
			s.unanswered--
		}
		if s.unanswered < 0 {
			t.Errorf("client %s is stored, but was not acknowledged", id)
		}
	}
	t.Logf("%d clients are stored", len(stored))
}

// checkGoroutines waits until the server has few goroutines, then ends it with SIGQUIT, which makes Go print them.
func (s *siege) checkGoroutines(t *testing.T) {
	s.api.HTTP.CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections()
	few := func() bool { return s.p.metric("go_goroutines") <= idleGoroutines }
	for deadline := time.Now().Add(patience); !few() && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	s.p.wait()
	_, dump, _ := strings.Cut(s.p.log.String(), "SIGQUIT: quit")
	n := strings.Count(dump, "\ngoroutine ")
	if t.Logf("%d goroutines at the end", n); n == 0 || n > idleGoroutines {
		t.Errorf("%d goroutines, want 1 to %d:\n%s", n, idleGoroutines, tail(dump))
	}
}

// A usage is the resources of a process.
type usage struct{ memory, threads, files, children int } // memory in KiB

func (u usage) String() string {
	return fmt.Sprintf("%d MiB, %d threads, %d files, %d children", u.memory>>10, u.threads, u.files, u.children)
}

// usage reads the server's resources from /proc.
func (s *siege) usage(t *testing.T) (u usage) {
	t.Helper()
	folder := filepath.Join("/proc", strconv.Itoa(s.p.cmd.Process.Pid))
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		switch name {
		case "VmRSS":
			u.memory, err = strconv.Atoi(number)
		case "Threads":
			u.threads, err = strconv.Atoi(number)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(folder, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	u.files = len(files)
	tasks, err := filepath.Glob(filepath.Join(folder, "task", "*", "children"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tasks {
		// The thread may have ended.
		children, _ := os.ReadFile(path)
		u.children += len(strings.Fields(string(children)))
	}
	return u
}
