package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"registrar/engine"
	"registrar/scripts"
)

// Of clients that are added concurrently, only those fail whose ID is taken.
func testBatches(t *testing.T, database string) {
	s := open(t, database)
	mustAdd(t, s, newClient("taken"))
	const workers, each = 48, 12
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				id, want := fmt.Sprintf("%d-%d", worker, i), error(nil)
				if (worker+i)%5 == 0 {
					id, want = "taken", engine.ErrExists
				}
				c := newClient(id)
				err := s.AddClient(t.Context(), c)
				if !errors.Is(err, want) || errors.Is(err, engine.ErrUnavailable) {
					t.Errorf("adding %s: got %v, want %v", id, err, want)
				}
				if want == nil {
					compare(t, c, mustGet(t, s, id))
				}
			}
		})
	}
	wg.Wait()
}

// A client that the database rejects does not affect those that are added at the same time.
func testBatchWithRejected(t *testing.T, database string) {
	s := open(t, database)
	trigger := "CREATE TRIGGER never BEFORE INSERT ON clients WHEN NEW.client_id = 'client-16' " +
		"BEGIN SELECT RAISE(ABORT, 'never'); END"
	if strings.HasPrefix(database, "mysql:") {
		trigger = "CREATE TRIGGER never BEFORE INSERT ON clients FOR EACH ROW " +
			"IF NEW.client_id = 'client-16' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'never'; END IF"
	}
	if _, err := raw(t, database).Exec(trigger); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			id := fmt.Sprint("client-", worker)
			err := s.AddClient(t.Context(), newClient(id))
			if (err == nil) == (worker == 16) || errors.Is(err, engine.ErrExists) ||
				errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("adding %s: got %v, want an error only for client-16", id, err)
			}
			wantExists(t, s, id, err == nil)
		})
	}
	wg.Wait()
}

// Each cancelled call returns whether its client is stored. Other calls are not affected.
func testManyCancelled(t *testing.T, database string) {
	s := open(t, database)
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := range 5 {
				id := fmt.Sprintf("%d-%d", worker, i)
				ctx, cancel := context.WithCancel(t.Context())
				if worker%2 == 0 {
					go cancel()
				}
				err := s.AddClient(ctx, newClient(id))
				if worker%2 == 1 && err != nil ||
					err != nil && (!errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnavailable)) {
					t.Errorf("adding %s: got %v, want success or, if cancelled, %v", id, err, context.Canceled)
				}
				wantExists(t, s, id, err == nil)
				cancel()
			}
		})
	}
	wg.Wait()
}

// Clients with similar acts each keep their own.
func testActs(t *testing.T, database string) {
	s := open(t, database)
	act := engine.Act{Step: "add_client_id", Script: "ids", Module: "sha256:00"}
	empty, named, other, patched, both := act, act, act, act, act
	empty.Changed, named.Changed, other.Module = []string{}, []string{"scope"}, "sha256:01"
	patched.Request, both.Request, both.Changed = []string{"scope"}, []string{"scope"}, []string{"scope"}
	for i, acts := range [][]engine.Act{nil, {act}, {act}, {empty}, {named}, {other}, {patched},
		{both}, {named}, {act, act}, {act}, nil} {
		c := newClient(fmt.Sprint("acts-", i))
		c.Provenance.Acts = acts
		mustAdd(t, s, c)
		compare(t, c, mustGet(t, s, c.ID))
	}
}

// Acts of deployed scripts are stored in the short form, and another store reads them with their names.
func testActsOfDeployment(t *testing.T, database string) {
	s := open(t, database)
	first := mustDeploy(t, s, mustAddModule(t, s, "a"), mustAddModule(t, s, "b"))
	second := mustDeploy(t, s, first.Scripts[1].Module)
	of := func(d scripts.Deployment, script int, step string, changed ...string) engine.Act {
		return engine.Act{Step: step, Script: d.Scripts[script].Name, Module: d.Scripts[script].Module,
			Changed: changed}
	}
	patched := of(second, 0, "set_scopes", "client_name")
	patched.Request = []string{"scope", "client_name#ja"}
	undeployed := engine.Act{Step: "set_scopes", Script: "script", Module: "sha256:00", Changed: []string{"scope"}}
	var clients []*engine.Client
	for i, p := range []engine.Provenance{
		{Deployment: first.Number, Acts: []engine.Act{of(first, 1, "add_client_id", "client_id"),
			of(first, 0, "set_scopes"), of(first, 1, "set_redirect_uris", "redirect_uris", `"odd"`)}},
		{Deployment: second.Number, Acts: []engine.Act{of(first, 1, "add_client_id", "client_id")}},
		{Deployment: second.Number,
			Acts: []engine.Act{of(second, 0, "add_client_id", "client_id"), of(first, 0, "set_scopes"), undeployed}},
		{Deployment: second.Number, Acts: []engine.Act{of(second, 0, "set_scopes"), patched}},
		{Deployment: second.Number},
	} {
		c := newClient(fmt.Sprint("acts-", i))
		c.Provenance = p
		c.Updated = &engine.Update{At: c.IssuedAt, Provenance: engine.Provenance{Deployment: first.Number,
			Acts: []engine.Act{of(first, 0, "set_scopes", "scope")}}}
		mustAdd(t, s, c)
		clients = append(clients, c)
	}
	other := open(t, database)
	for _, c := range clients {
		compare(t, c, mustGet(t, s, c.ID))
		compare(t, c, mustGet(t, other, c.ID))
	}
	db := raw(t, database)
	var acts string
	if err := db.QueryRow("SELECT acts FROM clients WHERE client_id = 'acts-1'").Scan(&acts); err != nil ||
		acts != `[[0,"add_client_id","client_id"]]` {
		t.Errorf("acts: got %s and %v", acts, err)
	}
	// A client with acts that cannot be decoded is an error, but not ErrNotFound.
	broken := func(err error) bool {
		return err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, scripts.ErrNotFound)
	}
	for name, acts := range map[string]string{
		"no script of that number": `[[2,"set_scopes"]]`, "nothing": `[[]]`, "no step": `[[0]]`,
		"a step that is a number": `[[0,1]]`, "not an act": `[true]`,
	} {
		if _, err := db.Exec("UPDATE clients SET acts = '" + acts + "' WHERE client_id = 'acts-0'"); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Client(t.Context(), "acts-0"); !broken(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := db.Exec("UPDATE clients SET deployment = 99 WHERE client_id = 'acts-1'"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Client(t.Context(), "acts-1"); !broken(err) {
		t.Errorf("a missing deployment: got %v", err)
	}
}
