package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/process"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// baseline returns a server of [registrar/bench/baseline] on an empty MariaDB database.
func (h *harness) baseline(kind string) target {
	return h.baselineOn(kind, func(ctx context.Context, _ string) (string, error) { return h.mariadb.Fresh(ctx) })
}

// baselineOn returns a server of that package. database returns its DSN or file.
func (h *harness) baselineOn(kind string, database func(ctx context.Context, folder string) (string, error)) target {
	return target{name: kind, start: func(ctx context.Context) (server, error) {
		folder, err := h.scratch()
		if err != nil {
			return nil, err
		}
		where, err := database(ctx, folder)
		if err != nil {
			return nil, err
		}
		return h.startBaseline(ctx, folder, kind, where)
	}}
}

// startBaseline starts a server of that package on a database, with its log in a folder.
func (h *harness) startBaseline(ctx context.Context, folder, kind, database string) (server, error) {
	p, err := process.Start(ctx, exec.Command(h.self, "baseline", kind, database), filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	return server{p}, nil
}

// inFile returns the path of a file in the server's folder.
func inFile(_ context.Context, folder string) (string, error) {
	return filepath.Join(folder, "clients.db"), nil
}

// A script is a script to deploy.
type script struct {
	name   string
	wasm   []byte
	config jsontext.Value
	pool   int // value of --script-pool; 0 means the default
	copies int // that are deployed, each under its own name; 0 means 1
}

// registrar returns registrar with a script, or without one if s is nil. database returns the value of --database.
func (h *harness) registrar(
	name string, s *script, database func(ctx context.Context, folder string) (string, error),
) target {
	return target{name: name, start: func(ctx context.Context) (server, error) {
		folder, err := h.scratch()
		if err != nil {
			return nil, err
		}
		url, err := database(ctx, folder)
		if err != nil {
			return nil, err
		}
		p, err := h.serve(ctx, h.program, folder, url, s)
		if err != nil {
			return nil, err
		}
		if s != nil {
			if err = deploy(ctx, p, s); err == nil {
				err = awaitPool(ctx, p, s)
			}
		}
		if err != nil {
			_ = p.Stop() // err says more
			return nil, err
		}
		return server{p}, nil
	}}
}

// serve starts a program of registrar for a script, which may be nil. It does not deploy it.
func (h *harness) serve(ctx context.Context, program, folder, url string, s *script) (*process.Process, error) {
	o := process.Options{Program: program, Folder: folder, Database: url}
	if s != nil && s.pool != 0 {
		o.Args = append(o.Args, fmt.Sprintf("--script-pool=%d", s.pool))
	}
	if h.Short { // a test, which must not fail on a slow machine
		o.Args = append(o.Args, "--request-timeout=1m", "--script-timeout=1m")
	}
	return process.Registrar(ctx, o)
}

// onMariaDB returns the URL of a new database.
func (h *harness) onMariaDB(ctx context.Context, _ string) (string, error) {
	dsn, err := h.mariadb.Fresh(ctx)
	return "mysql:" + dsn, err
}

// onSQLite returns the URL of a file in the server's folder.
func onSQLite(_ context.Context, folder string) (string, error) {
	return "sqlite:" + filepath.Join(folder, "registrar.db"), nil
}

// deploy uploads and deploys a script through the admin API.
func deploy(ctx context.Context, p *process.Process, s *script) error {
	api := &adminapi.API{Base: p.AdminURL, Token: p.Token}
	m, err := api.Upload(ctx, s.name, s.wasm, "")
	if err != nil {
		return fmt.Errorf("uploading %s: %w", s.name, err)
	}
	var d adminapi.NewDeployment
	for i := range max(s.copies, 1) {
		name := s.name
		if i > 0 {
			name = fmt.Sprint(name, "-", i+1)
		}
		d.Scripts = append(d.Scripts, scripts.Script{Name: name, Module: m.Digest, Config: s.config})
	}
	if _, err = api.Deploy(ctx, d); err != nil {
		return fmt.Errorf("deploying %s: %w", s.name, err)
	}
	return nil
}

// awaitPool waits until the instances of the script are ready: s.pool of them or, with registrar's default, until no
// more become ready.
func awaitPool(ctx context.Context, p *process.Process, s *script) error {
	var before float64
	for deadline, looks := time.Now().Add(time.Minute), 0; ; {
		n, err := scrape(ctx, p, "registrar_script_instances_waiting")
		if err != nil {
			return err
		}
		if n > 0 && n == before {
			looks++
		} else {
			before, looks = n, 0
		}
		if s.pool > 0 && n >= float64(s.pool) || s.pool == 0 && looks == 10 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %[2]v instances of %[1]s are ready\n%[3]s", s.name, n, p.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// poolMisses returns the number of registrations without a ready instance, 0 for servers without scripts.
func poolMisses(ctx context.Context, p *process.Process) (float64, error) {
	if p.AdminURL == "" {
		return 0, nil
	}
	return scrape(ctx, p, "registrar_script_pool_misses_total")
}

// scrape returns the sum of a metric over its labels, 0 if it does not exist.
func scrape(ctx context.Context, p *process.Process, metric string) (sum float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.AdminURL+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+p.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("reading the metrics: %s, %w", response.Status, err)
	}
	for _, m := range regexp.MustCompile(`(?m)^`+metric+`(?:\{.*\})? (\S+)$`).FindAllSubmatch(b, -1) {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// cScript returns the script in C that generates ID and secret.
func (h *harness) cScript() (*script, error) { return h.fixture("c-id-and-secret") }

// fixture returns a script of testdata/wasm.
func (h *harness) fixture(name string) (*script, error) {
	wasm, err := wasmtest.Module(name)
	return &script{name: name, wasm: wasm}, err
}

// goScript builds the script in Go that generates ID and secret.
func (h *harness) goScript(ctx context.Context) (*script, error) {
	file := filepath.Join(h.folder, "guest.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", file,
		"./guest")
	cmd.Dir = filepath.Join(wasmtest.Root(), "bench")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the script in Go: %w\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	return &script{name: "go-id-and-secret", wasm: wasm}, err
}
