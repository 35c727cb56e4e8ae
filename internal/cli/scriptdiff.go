package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/scriptcase"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptDiffCommand compares two deployments.
type scriptDiffCommand struct {
	Deployment string `arg:"" placeholder:"N|FILE.json" help:"${script_diff_deployment}"`
	Other      string `arg:"" optional:"" placeholder:"N|FILE.json" help:"${script_diff_other}"`
	remoteFlags
}

// A deploymentDiff is the difference of two deployments.
type deploymentDiff struct {
	Before      string   `json:"before"`
	After       string   `json:"after"`
	Differences []string `json:"differences"` // lines as of [scriptcase.Diff]
}

// Run shows the differences, which are not an error.
func (c *scriptDiffCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	var result deploymentDiff
	var before []scripts.Script
	last := c.Deployment
	if c.Other == "" {
		current, err := api.CurrentDeployment(ctx)
		if err != nil {
			return err
		}
		before, result.Before = current.Scripts, fmt.Sprintf("deployment %d, in force", current.Number)
	} else {
		last = c.Other
		if before, result.Before, err = deploymentOf(ctx, api, c.Deployment); err != nil {
			return err
		}
	}
	after, name, err := deploymentOf(ctx, api, last)
	if err != nil {
		return err
	}
	result.After = name
	if result.Differences, err = diffScripts(before, after); err != nil {
		return err
	}
	return c.write(to.out, result, result.describe)
}

func (d *deploymentDiff) describe(p *textWriter) {
	if len(d.Differences) == 0 {
		p.line("%s and %s have the same scripts", d.Before, d.After)
		return
	}
	p.line("--- %s", d.Before)
	p.line("+++ %s", d.After)
	for _, line := range d.Differences {
		p.line("%s", line)
	}
}

// deploymentOf returns the deployment that an argument names, by a number or by the path of its file, and what to call
// it.
func deploymentOf(ctx context.Context, api *adminapi.API, argument string) ([]scripts.Script, string, error) {
	if n, ok := deploymentNumber(argument); ok {
		d, err := api.Deployment(ctx, n)
		return d.Scripts, "deployment " + argument, err
	}
	d, err := readDeployment(argument)
	return d.Scripts, argument, err
}

// deploymentNumber returns the number of a deployment, and false if the argument is something else, such as a path.
func deploymentNumber(argument string) (int64, bool) {
	n, err := strconv.ParseInt(argument, 10, 64)
	return n, err == nil && n > 0
}

// diffScripts returns the differences of two lists of scripts, which it compares by their names.
func diffScripts(before, after []scripts.Script) ([]string, error) {
	old, err := normalized(before)
	if err != nil {
		return nil, err
	}
	current, err := normalized(after)
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for line := range strings.Lines(scriptcase.Diff(old, current)) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines, nil
}

// normalized returns scripts as JSON with every default, by name, and their order.
func normalized(list []scripts.Script) (any, error) {
	byName := map[string]any{}
	for _, s := range list {
		name := s.Name
		s.Name = ""
		switch {
		case s.IsCanary():
			s.Mode = scripts.ModeCanary
		default:
			s.Mode = cmp.Or(s.Mode, scripts.ModeEnforce)
		}
		s.OnFailure = cmp.Or(s.OnFailure, scripts.OnFailureRefuse)
		if s.Config == nil {
			s.Config = jsontext.Value("{}")
		}
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("comparing script %s: %w", name, err)
		}
		var members map[string]any
		if err := json.Unmarshal(b, &members); err != nil {
			return nil, fmt.Errorf("comparing script %s: %w", name, err)
		}
		delete(members, "name")
		byName[name] = members
	}
	return map[string]any{"scripts": byName, "order": scripts.Names(list)}, nil
}
