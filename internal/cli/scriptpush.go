package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptPushCommand uploads a module and may deploy it.
type scriptPushCommand struct {
	File       string `arg:"" placeholder:"FILE" help:"${script_push_file}"`
	Name       string `placeholder:"NAME" help:"Name of the script. Defaults to the file's, without its extension."`
	Deploy     bool   `help:"${script_push_deploy}"`
	Mode       string `enum:",enforce,shadow" default:"" help:"${script_push_mode}"`
	ConfigJSON string `name:"config-json" placeholder:"JSON" help:"${script_push_config_json}"`
	Canary     string `placeholder:"5%" help:"${script_push_canary}"`
	Fuel       int64  `placeholder:"NUMBER" help:"${script_push_fuel}"`
	Replace    bool   `help:"${script_push_replace}"`
	Outermost  bool   `xor:"place" help:"With --deploy: put the script before all others."`
	Before     string `xor:"place" placeholder:"NAME" help:"${script_push_before}"`
	commentFlags
	uploadFlags
	stepFlags
	waitFlags
	remoteFlags
}

// Run uploads the module and deploys it with --deploy.
func (c *scriptPushCommand) Run(ctx context.Context, to *console) error {
	name, err := scriptName(c.Name, c.File)
	if err != nil {
		return err
	}
	if flag := c.needsDeploy(); flag != "" && !c.Deploy {
		return usageError{fmt.Errorf("%s needs --deploy", flag)}
	}
	if c.Before == name {
		return usageError{fmt.Errorf("--before %s is the script itself", name)}
	}
	if err := c.waitFlags.check(); err != nil {
		return err
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
	wasm, err := readModule(ctx, c.File)
	if err != nil {
		return err
	}
	m, err := c.upload(ctx, api, name, c.File, wasm)
	if err != nil {
		return err
	}
	if !c.Deploy {
		return c.write(to.out, m, func(p *textWriter) { describeModule(p, m) })
	}
	script := scripts.Script{
		Name:   name,
		Module: m.Digest,
		Config: config,
		Mode:   scripts.Mode(c.Mode),
		Canary: c.Canary,
		Steps:  c.Step,
		Fuel:   c.Fuel,
	}
	one := pushed{script: script, module: m, file: c.File, wasm: wasm, named: c.Name != "", replace: c.Replace,
		outermost: c.Outermost, before: c.Before, comment: c.Comment}
	d, old, err := one.deploy(ctx, api)
	if err != nil {
		return err
	}
	describe := func(p *textWriter) {
		describeModule(p, m)
		describeReplaced(p, old, *named(d.Scripts, name))
		describeDeployment(p, d)
	}
	if err := c.write(to.out, d, describe); err != nil {
		return err
	}
	for _, warning := range outerScripts(ctx, api, d.Scripts, name, slices.Concat(c.Step, m.Steps)) {
		fmt.Fprintln(to.err, "registrar: warning:", printable(warning))
	}
	return c.wait(ctx, api, d.Number, to)
}

// needsDeploy returns the first given flag that has no effect without --deploy, "" if there is none.
func (c *scriptPushCommand) needsDeploy() string {
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--mode", c.Mode != ""}, {"--canary", c.Canary != ""}, {"--config-json", c.ConfigJSON != ""},
		{"--fuel", c.Fuel != 0}, {"--replace", c.Replace}, {"--outermost", c.Outermost}, {"--before", c.Before != ""},
		{"--comment", c.Comment != ""}, {"--wait", c.Wait},
	} {
		if flag.given {
			return flag.name
		}
	}
	return ""
}

// describeReplaced prints what a script took the place of, nothing if old is nil.
func describeReplaced(p *textWriter, old *scripts.Script, deployed scripts.Script) {
	if old == nil {
		return
	}
	config := "its config is new"
	if bytes.Equal(old.Config, deployed.Config) {
		config = "its config is kept"
	}
	p.line("script %s had the module %s; %s", old.Name, old.Module, config)
}

// outerScripts warns of scripts further out that replace one of the steps: they decide whether this one runs at all.
func outerScripts(ctx context.Context, api *adminapi.API, list []scripts.Script, name string, steps []string) []string {
	modules, err := api.Modules(ctx)
	if err != nil {
		return []string{fmt.Sprintf("cannot check whether scripts further out replace the same steps: %v", err)}
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
				const format = "%s is further out and replaces %s too: %s runs there only if %s calls its base"
				warnings = append(warnings, fmt.Sprintf(format, outer.Name, step, name, outer.Name))
			}
		}
	}
	return warnings
}
