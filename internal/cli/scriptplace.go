package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// deployAttempts bounds the attempts to deploy while others deploy at the same time.
const deployAttempts = 5

// A pushed is a module that a push deploys.
type pushed struct {
	script  scripts.Script // what it leaves out is kept of the script that it replaces
	module  scripts.Module
	file    string
	wasm    []byte
	named   bool // whether the user gave the name, not the file
	replace bool // whether it may take steps and a configuration from the script that it replaces
	comment string

	// The place in the list; without both, that of the script that it replaces, else the last.
	outermost bool
	before    string // the name of the next script
}

// deploy deploys the current scripts with the pushed one in place of the one of its name, else at the end. It also
// returns the script that was replaced, nil if there was none.
func (p *pushed) deploy(ctx context.Context, api *adminapi.API) (scripts.Deployment, *scripts.Script, error) {
	for attempt := 1; ; attempt++ {
		current, err := api.CurrentDeployment(ctx)
		if err != nil {
			return scripts.Deployment{}, nil, err
		}
		list, err := withModule(current.Scripts, p.script, p.module)
		if err != nil {
			return scripts.Deployment{}, nil, err
		}
		old := named(current.Scripts, p.script.Name)
		if old != nil && !p.replace {
			if err := p.checkLoss(ctx, api, *old, *named(list, p.script.Name)); err != nil {
				return scripts.Deployment{}, nil, err
			}
		}
		if list, err = p.place(list); err != nil {
			return scripts.Deployment{}, nil, err
		}
		d, err := api.Deploy(ctx, adminapi.NewDeployment{Scripts: list, IfCurrent: &current.Number, Comment: p.comment})
		problem, ok := errors.AsType[*adminapi.Problem](err)
		if !ok || problem.Status != http.StatusConflict || attempt == deployAttempts {
			return d, old, err
		}
	}
}

// place returns list with the pushed script where the flags say.
func (p *pushed) place(list []scripts.Script) ([]scripts.Script, error) {
	if !p.outermost && p.before == "" {
		return list, nil
	}
	one := *named(list, p.script.Name)
	others := slices.DeleteFunc(slices.Clone(list), func(s scripts.Script) bool { return s.Name == one.Name })
	if p.outermost {
		return slices.Insert(others, 0, one), nil
	}
	i := slices.IndexFunc(others, func(s scripts.Script) bool { return s.Name == p.before })
	if i < 0 {
		return nil, fmt.Errorf("--before %s: the deployment in force has no such script; it has %s",
			p.before, scripts.Names(others))
	}
	return slices.Insert(others, i, one), nil
}

// named returns the script of a name in list, nil if there is none.
func named(list []scripts.Script, name string) *scripts.Script {
	i := slices.IndexFunc(list, func(s scripts.Script) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// withModule returns list with script, whose module is m, in place of the one of its name, else at the end. It keeps
// what script leaves out, but for the steps of a program if m exports its own. An enforced script is not moved to
// shadow mode, since nothing would replace it.
func withModule(list []scripts.Script, script scripts.Script, m scripts.Module) ([]scripts.Script, error) {
	list = slices.Clone(list)
	old := named(list, script.Name)
	if old == nil {
		return append(list, script), nil
	}
	if script.Mode == scripts.ModeShadow && old.Mode != scripts.ModeShadow {
		return nil, fmt.Errorf("script %s is enforced and would stop in shadow mode: "+
			"choose another --name, or deploy a list without it", script.Name)
	}
	old.Module = script.Module
	if script.Config != nil {
		old.Config = script.Config
	}
	if script.Fuel != 0 {
		old.Fuel = script.Fuel
	}
	if script.Steps != nil || !m.Command() {
		old.Steps = script.Steps
	}
	if script.Mode != "" || script.Canary != "" {
		old.Mode, old.Canary = script.Mode, script.Canary
	}
	return list, nil
}
