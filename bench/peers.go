package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"registrar/bench/database"
	"registrar/bench/peers"
	"registrar/store/storetest/mariadb"
)

// A peer is another authorization server that registers clients.
type peer struct {
	name    string
	path    string // of its registration endpoint
	install func(ctx context.Context, fetch bool) (program string, err error)
	start   func(ctx context.Context, program, folder, dsn string) (server, error)
}

// A peersMachine is what peers ran on, by version. Its fields are empty if they did not run.
type peersMachine struct{ mysql, nodejs string }

func allPeers() []peer {
	return []peer{
		{"node-oidc-provider " + peers.OIDCProviderVersion + ", 2 processes", "/reg", peers.OIDCProvider,
			func(ctx context.Context, program, folder, dsn string) (server, error) {
				return peers.StartOIDCProvider(ctx, program, folder, dsn)
			}},
		{"Hydra " + peers.HydraVersion, "/oauth2/register", peers.Hydra,
			func(ctx context.Context, program, folder, dsn string) (server, error) {
				p, err := peers.StartHydra(ctx, program, folder, dsn)
				if err != nil {
					return nil, err
				}
				return server{p}, nil
			}},
	}
}

// peersSection compares throughput with that of other authorization servers, on MySQL, since Hydra does not work with
// MariaDB. A row of a server that cannot be had is empty.
func peersSection(ctx context.Context, h *harness) (rows []Row, err error) {
	missing := map[string]string{}
	defer func() {
		for _, p := range allPeers() {
			name, goal := "rate, MySQL, 64 connections: registrar, C ÷ "+p.name, atLeast(8)
			if missing[p.name] != "" {
				rows = append(rows, notMeasured("peers", name, goal, missing[p.name]))
				continue
			}
			rows = append(rows, newRow("peers", name, "", goal,
				paired(h.samples, "peers", withC, p.name, mostConnection, rate, ratio)))
		}
	}()
	all := func(err error) {
		for _, p := range allPeers() {
			missing[p.name] = oneLine(err)
		}
	}
	if h.Short && !slices.Contains(h.only, "peers") {
		all(errors.New("with --short it takes --only peers, since fetching and starting them takes minutes"))
		return nil, nil
	}
	if _, err := mariadb.Program(mariadb.MySQL); err != nil {
		all(err)
		return nil, nil
	}
	server, err := database.Start(ctx, database.Config{Kind: mariadb.MySQL})
	if err != nil {
		return nil, err
	}
	used := h.mariadb
	h.mariadb = server
	defer func() {
		h.mariadb = used
		err = errors.Join(err, server.Close())
	}()
	h.peers.mysql, _ = server.Version(ctx) // only information, as is the next one
	node, _ := exec.CommandContext(ctx, "node", "--version").Output()
	h.peers.nodejs = strings.TrimSpace(string(node))
	targets, err := h.peerTargets(ctx, missing)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	return nil, h.rounds(ctx, "peers", append(targets, h.registrar(withC, c, h.onMariaDB)), []int{mostConnection})
}

// peerTargets returns the peers that can be had, as a start of each has shown. It notes why the others are missing.
func (h *harness) peerTargets(ctx context.Context, missing map[string]string) (targets []target, err error) {
	for _, p := range allPeers() {
		h.say("peers: %s, which may have to be fetched", p.name)
		program, err := p.install(ctx, true)
		if err != nil {
			missing[p.name] = oneLine(err)
			continue
		}
		t := target{name: p.name, load: registeringAt(p.path), start: func(ctx context.Context) (server, error) {
			folder, err := h.scratch()
			if err != nil {
				return nil, err
			}
			dsn, err := h.mariadb.Fresh(ctx)
			if err != nil {
				return nil, err
			}
			return p.start(ctx, program, folder, dsn)
		}}
		s, err := t.start(ctx)
		if err != nil {
			missing[p.name] = oneLine(err)
			continue
		}
		if err := s.stop(); err != nil {
			return nil, fmt.Errorf("stopping %s: %w", p.name, err)
		}
		targets = append(targets, t)
	}
	return targets, ctx.Err()
}

// oneLine returns the first line of an error.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSpace(line)
}
