package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptPushCommand uploads a module.
type scriptPushCommand struct {
	File       string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	Name       string `placeholder:"NAME" help:"Name of the script; the file's unless given."`
	Deploy     bool   `help:"Deploy it too: in place of the script of that name, with its configuration, else at the end, innermost."`
	Mode       string `enum:",enforce,shadow" default:"" help:"With --deploy: enforce has it act, shadow only says what it would do. As it was unless given, else enforce."`
	ConfigJSON string `name:"config-json" placeholder:"JSON" help:"With --deploy: configuration of the script, an object. As it was unless given."`
	Canary     string `placeholder:"5%" help:"With --deploy: have it act for this share of the callers. For the others the deployment before stays in force."`
	uploadFlags
	stepFlags
	remoteFlags
}

// Run uploads, and deploys if asked to.
func (c *scriptPushCommand) Run(ctx context.Context, to *console) error {
	name, err := scriptName(c.Name, c.File)
	if err != nil {
		return err
	}
	if (c.Mode != "" || c.Canary != "" || c.ConfigJSON != "") && !c.Deploy {
		return usageError{errors.New("--mode, --canary and --config-json go with --deploy")}
	}
	config, err := objectFlag("--config-json", c.ConfigJSON)
	if err != nil {
		return err
	}
	if c.Mode != "" && c.Canary != "" {
		return usageError{errors.New("--mode and --canary exclude each other")}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	m, err := c.upload(ctx, api, name, c.File)
	if err != nil {
		return err
	}
	if !c.Deploy {
		return c.write(to.out, m, func(p *textWriter) { describeModule(p, m) })
	}
	d, err := deployModule(ctx, api, scripts.Script{Name: name, Module: m.Digest, Config: config, Mode: scripts.Mode(c.Mode), Canary: c.Canary, Steps: c.Step})
	if err != nil {
		return err
	}
	if err := c.write(to.out, d, func(p *textWriter) { describeModule(p, m); describeDeployment(p, d) }); err != nil {
		return err
	}
	for _, warning := range outerScripts(ctx, api, d.Scripts, name, slices.Concat(c.Step, m.Steps)) {
		fmt.Fprintln(to.err, "registrar: warning:", printable(warning))
	}
	return nil
}

// outerScripts warns of scripts that replace the same step further out: they decide whether this one is asked at all.
func outerScripts(ctx context.Context, api *adminapi.API, list []scripts.Script, name string, steps []string) []string {
	modules, err := api.Modules(ctx)
	if err != nil {
		return []string{fmt.Sprintf("scripts further out may replace the same steps: %v", err)}
	}
	exported := map[string][]string{}
	for _, m := range modules {
		exported[m.Digest] = m.Steps
	}
	var warnings []string
	for _, outer := range list {
		if outer.Name == name {
			break
		}
		for _, step := range slices.Concat(outer.Steps, exported[outer.Module]) {
			if slices.Contains(steps, step) {
				warnings = append(warnings, fmt.Sprintf("%s replaces %s too and stands further out: %s runs there only where %s calls its base", outer.Name, step, name, outer.Name))
			}
		}
	}
	return warnings
}
