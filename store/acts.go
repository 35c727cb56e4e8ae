package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
)

// Acts are stored as a JSON array. An act of the deployment's script number i is the array [i, step, changed member …].
// It refers to the deployment, which is never deleted, and has a fifth of the length; with whole acts, the row of such
// a client would be a third longer. Every other act is an object with all members of engine.Act, for example that of a
// script which the deployment does not list, or that patched the request.

// deploymentsKept bounds the deployments whose scripts are cached.
const deploymentsKept = 64

// writtenActs caches the text of a deployment's acts.
type writtenActs struct {
	deployment int64
	acts       []engine.Act
	text       string
}

// actsText encodes acts under a deployment. It caches the last result, because consecutive clients mostly have the same
// acts.
func (s *Store) actsText(ctx context.Context, deployment int64, acts []engine.Act) (string, error) {
	if len(acts) == 0 {
		return "[]", nil
	}
	if last := s.lastActs.Load(); last != nil && last.deployment == deployment &&
		slices.EqualFunc(last.acts, acts, sameAct) {
		return last.text, nil
	}
	list, err := s.scripts(ctx, deployment)
	if err != nil && !errors.Is(err, scripts.ErrNotFound) {
		return "", err
	}
	kept := make([]any, len(acts))
	for i, act := range acts {
		kept[i] = shortened(act, list)
	}
	text, err := encodeJSON(kept)
	if err == nil {
		s.lastActs.Store(&writtenActs{deployment, acts, text})
	}
	return text, err
}

func sameAct(a, b engine.Act) bool {
	return a.Step == b.Step && a.Script == b.Script && a.Module == b.Module &&
		(a.Changed == nil) == (b.Changed == nil) && slices.Equal(a.Changed, b.Changed) &&
		(a.Request == nil) == (b.Request == nil) && slices.Equal(a.Request, b.Request)
}

// shortened returns act as an array if it is of a script in list and did not patch the request, else act itself.
func shortened(act engine.Act, list []scripts.Script) any {
	i := slices.IndexFunc(list, func(sc scripts.Script) bool {
		return sc.Name == act.Script && sc.Module == act.Module
	})
	if i < 0 || act.Request != nil || act.Changed != nil && len(act.Changed) == 0 {
		return act
	}
	short := []any{i, act.Step}
	for _, member := range act.Changed {
		short = append(short, member)
	}
	return short
}

// acts decodes what actsText encoded. It returns nil if there are none.
func (s *Store) acts(ctx context.Context, deployment int64, text string) ([]engine.Act, error) {
	kept, err := decodeJSON[[]jsontext.Value](text)
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	acts := make([]engine.Act, len(kept))
	for i, value := range kept {
		if value.Kind() == '{' {
			err = json.Unmarshal(value, &acts[i])
		} else {
			acts[i], err = s.lengthened(ctx, deployment, value)
		}
		if err != nil {
			return nil, fmt.Errorf("act %d: %w", i+1, err)
		}
	}
	return acts, nil
}

// lengthened decodes an array that shortened made.
func (s *Store) lengthened(ctx context.Context, deployment int64, value jsontext.Value) (act engine.Act, err error) {
	var number int
	fields := []any{&number, &act.Step}
	var parts []jsontext.Value
	if err := json.Unmarshal(value, &parts); err != nil {
		return act, err
	}
	if len(parts) < len(fields) {
		return act, errors.New("the script or the step is missing")
	}
	if len(parts) > len(fields) {
		act.Changed = make([]string, len(parts)-len(fields))
	}
	for i := range act.Changed {
		fields = append(fields, &act.Changed[i])
	}
	for i, part := range parts {
		if err := json.Unmarshal(part, fields[i]); err != nil {
			return act, err
		}
	}
	list, err := s.scripts(ctx, deployment)
	if errors.Is(err, scripts.ErrNotFound) { // not wrapped: callers would take the client for missing
		return act, fmt.Errorf("deployment %d is missing", deployment)
	}
	if err != nil {
		return act, err
	}
	if number < 0 || number >= len(list) {
		return act, fmt.Errorf("deployment %d has no script number %d", deployment, number)
	}
	act.Script, act.Module = list[number].Name, list[number].Module
	return act, nil
}

// scripts returns the scripts of a deployment, or [scripts.ErrNotFound]. It caches them: deployments never change.
func (s *Store) scripts(ctx context.Context, deployment int64) ([]scripts.Script, error) {
	if list, ok := s.deployed.Get(deployment); ok {
		return list, nil
	}
	d, err := s.Deployment(ctx, deployment)
	if err != nil {
		return nil, err
	}
	s.deployed.Add(deployment, d.Scripts)
	return d.Scripts, nil
}
