package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/load"
	"registrar/bench/process"
)

// startSection measures the time from the start of the process to its first 201.
func startSection(ctx context.Context, h *harness) ([]Row, error) {
	policy, err := h.fixture("go-policy")
	if err != nil {
		return nil, err
	}
	policy.config = jsontext.Value(`{"hosts":["app.example"]}`)
	deployed, err := h.deployed(ctx, policy)
	if err != nil {
		return nil, err
	}
	// The policy accepts this request.
	body := []byte(`{"client_name":"Example","redirect_uris":["https://app.example/cb"]}`)
	former, err := h.formerProgram(ctx)
	if err != nil {
		return nil, err
	}
	var empty, warm, ratios []float64
	for round := range h.Rounds {
		took, ratio, err := h.pair(ctx, former, round, func(program string) (float64, error) {
			folder, err := h.scratch()
			if err != nil {
				return 0, err
			}
			return h.toFirst(ctx, program, folder, nil, body)
		})
		if err != nil {
			return nil, err
		}
		empty, ratios = append(empty, took), append(ratios, ratio...)
		if took, err = h.toFirst(ctx, h.program, deployed, policy, body); err != nil {
			return nil, err
		}
		warm = append(warm, took)
	}
	return []Row{
		newRow("start", "start to first 201, SQLite, empty", "ms", atMost(100), empty),
		newRow("start", fmt.Sprintf("start to first 201, SQLite, a Go module of %.1f MB deployed",
			float64(len(policy.wasm))/1e6), "ms", atMost(250), warm),
		h.againstFormer("start", "start to first 201, SQLite, empty", ratios),
	}, nil
}

// deployed returns the folder of a server on SQLite that has run with a script, with its database and compiled modules.
func (h *harness) deployed(ctx context.Context, s *script) (folder string, err error) {
	if folder, err = h.scratch(); err != nil {
		return "", err
	}
	url, err := onSQLite(ctx, folder)
	if err != nil {
		return "", err
	}
	p, err := h.serve(ctx, h.program, folder, url, s)
	if err != nil {
		return "", err
	}
	if err = deploy(ctx, p, s); err == nil {
		err = awaitPool(ctx, p, s)
	}
	return folder, errors.Join(err, p.Stop())
}

// toFirst starts a program of registrar in a folder and returns the time to its first registration, in milliseconds.
func (h *harness) toFirst(
	ctx context.Context, program, folder string, s *script, body []byte,
) (took float64, err error) {
	url, err := onSQLite(ctx, folder)
	if err != nil {
		return 0, err
	}
	p, err := h.serve(ctx, program, folder, url, s)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	for {
		status, answer, err := post(ctx, p, body)
		took := microseconds(time.Since(p.Begun())) / 1000
		switch {
		case err != nil:
			return 0, err
		case status == http.StatusCreated:
			return took, nil
		case status != http.StatusServiceUnavailable || took > 60_000:
			return 0, fmt.Errorf("the response is %d: %s", status, answer)
		}
		time.Sleep(time.Millisecond)
	}
}

// post sends a registration.
func post(ctx context.Context, p *process.Process, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/register", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// settling is the idle time of a server before its memory is measured.
const settling = 3 * time.Second

// memorySection measures the resident memory of an idle server on SQLite, after its start and after a load.
func memorySection(ctx context.Context, h *harness) ([]Row, error) {
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	c.pool = 64
	deployed, err := h.deployed(ctx, c)
	if err != nil {
		return nil, err
	}
	former, err := h.formerProgram(ctx)
	if err != nil {
		return nil, err
	}
	var rest, loaded, pooled, pooledLoaded, ratios []float64
	for round := range h.Rounds {
		_, ratio, err := h.pair(ctx, former, round, func(program string) (float64, error) { return h.atRest(ctx, program) })
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, ratio...)
		folder, err := h.scratch()
		if err != nil {
			return nil, err
		}
		before, after, err := h.resident(ctx, folder, nil)
		if err != nil {
			return nil, err
		}
		rest, loaded = append(rest, before), append(loaded, after)
		if before, after, err = h.resident(ctx, deployed, c); err != nil {
			return nil, err
		}
		pooled, pooledLoaded = append(pooled, before), append(pooledLoaded, after)
	}
	return []Row{
		newRow("memory", "memory at rest, SQLite", "MiB", atMost(40), rest),
		newRow("memory", "memory at rest after load", "MiB", atMost(40), loaded),
		newRow("memory", "memory at rest, 64 pooled instances of a C script", "MiB", atMost(80), pooled),
		newRow("memory", "memory at rest after load, 64 pooled instances", "MiB", atMost(80), pooledLoaded),
		h.againstFormer("memory", "memory at rest, SQLite", ratios),
	}, nil
}

// atRest starts a program of registrar on a new SQLite database and returns its resident memory in MiB.
func (h *harness) atRest(ctx context.Context, program string) (resident float64, err error) {
	folder, err := h.scratch()
	if err != nil {
		return 0, err
	}
	url, err := onSQLite(ctx, folder)
	if err != nil {
		return 0, err
	}
	p, err := h.serve(ctx, program, folder, url, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	return h.settled(ctx, p)
}

// resident starts registrar in a folder and returns its resident memory in MiB, before and after a load over 64
// connections. s may be nil; else the folder is one of [harness.deployed].
func (h *harness) resident(ctx context.Context, folder string, s *script) (before, after float64, err error) {
	url, err := onSQLite(ctx, folder)
	if err != nil {
		return 0, 0, err
	}
	p, err := h.serve(ctx, h.program, folder, url, s)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	if s != nil {
		if err := awaitPool(ctx, p, s); err != nil {
			return 0, 0, err
		}
	}
	if before, err = h.settled(ctx, p); err != nil {
		return 0, 0, err
	}
	if _, err := load.Run(ctx, load.Target{Name: plain, URL: p.URL + "/register"}, mostConnection,
		h.duration()); err != nil {
		return 0, 0, err
	}
	if s != nil {
		if err := awaitPool(ctx, p, s); err != nil {
			return 0, 0, err
		}
	}
	after, err = h.settled(ctx, p)
	h.say("memory: %.1f MiB at rest, %.1f after load", before, after)
	return before, after, err
}

// settled returns the resident memory of a server after an idle time, in MiB.
func (h *harness) settled(ctx context.Context, p *process.Process) (float64, error) {
	select {
	case <-time.After(min(settling, h.duration())):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	now, _, err := p.RSS()
	return float64(now) / (1 << 20), err
}
