package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptReplayCommand runs stored registrations through a script that is not deployed.
type scriptReplayCommand struct {
	File       string `arg:"" placeholder:"FILE" help:"${script_replay_file}"`
	Last       int    `default:"1000" placeholder:"N" help:"${script_replay_last}"`
	Name       string `placeholder:"NAME" help:"${script_replay_name}"`
	ConfigJSON string `name:"config-json" placeholder:"JSON" help:"${script_replay_config_json}"`
	uploadFlags
	remoteFlags
}

// Run replays and describes the differences, which are not an error.
func (c *scriptReplayCommand) Run(ctx context.Context, to *console) error {
	name, err := scriptName(c.Name, c.File)
	if err != nil {
		return err
	}
	if c.Last < 1 || c.Last > scripts.MaxReplay {
		return usageError{fmt.Errorf("--last %d: must be 1 to %d", c.Last, scripts.MaxReplay)}
	}
	config, err := objectFlag("--config-json", c.ConfigJSON)
	if err != nil {
		return err
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
	current, err := api.CurrentDeployment(ctx)
	if err != nil {
		return err
	}
	script := scripts.Script{Name: name, Module: m.Digest, Config: config, Mode: scripts.ModeEnforce}
	list, err := withModule(current.Scripts, script, m)
	if err != nil {
		return err
	}
	var progress func(done, total int)
	line := &progressLine{w: to.err, label: "replaying"}
	if to.terminal {
		progress = line.show
	}
	result, err := api.Replay(ctx, adminapi.Replay{Scripts: list, Last: c.Last}, progress)
	line.clear()
	if err != nil {
		return err
	}
	return c.write(to.out, result, func(p *textWriter) { describeReplay(p, result) })
}

// describeReplay prints the counts and the differences.
func describeReplay(p *textWriter, r scripts.Replay) {
	p.line("%d registrations: %d the same, %d changed, %d refused, %d failed",
		r.Total, r.Same, r.Changed, r.Refused, r.Failed)
	for _, one := range r.Differences {
		p.line("\n%s: %s", one.ClientID, verdict(one.Is))
		if one.Error != nil {
			p.line("  %s: %s", one.Error.Code, one.Error.Description)
		}
		for _, d := range one.Differences {
			p.line("  %s: %s", d.Member, change(d))
		}
		if one.More > 0 {
			p.line("  and %d other members", one.More)
		}
	}
	if more := r.Total - r.Same - len(r.Differences); more > 0 {
		p.line("\nand %d other registrations", more)
	}
}

func verdict(o scripts.Outcome) string {
	if o == scripts.OutcomeRegistered {
		return "changed"
	}
	return string(o)
}

func change(d scripts.Difference) string {
	if d.Withheld {
		return "differs; values not shown, they may be secret"
	}
	value := func(v jsontext.Value) string { return cmp.Or(string(v), "none") }
	s := value(d.Old) + " → " + value(d.New)
	if d.Cut {
		s += " (cut)"
	}
	return s
}
