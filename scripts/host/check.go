package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/displaytext"
	"registrar/internal/suggest"
	"registrar/scripts"
)

// checkBounds returns a *[scripts.RejectedError] if a deployment is larger than one may be, or people cannot read its
// comment safely.
func checkBounds(d scripts.Deployment) error {
	var r scripts.RejectedError
	if n := len(d.Scripts); n > scripts.MaxScripts {
		r.Reasons = append(r.Reasons, fmt.Sprintf("scripts has %d elements: at most %d are allowed", n,
			scripts.MaxScripts))
	}
	b, err := json.Marshal(d.Scripts)
	if err != nil {
		return fmt.Errorf("measuring the deployment: %w", err)
	}
	if len(b) > scripts.MaxDeploymentSize {
		r.Reasons = append(r.Reasons,
			fmt.Sprintf("scripts has %d bytes of JSON: at most %d are allowed", len(b), scripts.MaxDeploymentSize))
	}
	if n := len(d.Comment); n > scripts.MaxComment {
		r.Reasons = append(r.Reasons, fmt.Sprintf("comment has %d bytes: at most %d are allowed", n,
			scripts.MaxComment))
	}
	if problem := displaytext.Problem(d.Comment); d.Comment != "" && problem != "" {
		r.Reasons = append(r.Reasons, "comment "+problem)
	}
	if r.Reasons != nil {
		return &r
	}
	return nil
}

// check checks the scripts of a deployment without reading their modules. It returns a *[scripts.RejectedError] with
// all reasons.
func check(list []scripts.Script) error {
	var r scripts.RejectedError
	refuse := func(format string, args ...any) { r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...)) }
	names := map[string]bool{}
	for i, s := range list {
		if !scripts.ValidName(s.Name) {
			refuse("scripts[%d].name %q: a script's name must match %s", i, s.Name, scripts.NameRule)
		}
		if names[s.Name] {
			refuse("scripts[%d].name %q appears twice in the deployment", i, s.Name)
		}
		names[s.Name] = true
		checkScript(i, s, refuse)
		checkSteps(i, s, refuse)
	}
	if _, err := share(list); err != nil {
		refuse("%v", err)
	}
	if r.Reasons != nil {
		return &r
	}
	return nil
}

// checkScript checks the members of the script at i other than its name and steps.
func checkScript(i int, s scripts.Script, refuse func(format string, args ...any)) {
	if s.Module == "" {
		refuse("scripts[%d].module is missing: the digest of an uploaded module", i)
	}
	switch s.Mode {
	case "", scripts.ModeEnforce, scripts.ModeShadow, scripts.ModeCanary:
	default:
		refuse("scripts[%d].mode %q: it must be enforce, shadow or canary", i, s.Mode)
	}
	switch s.OnFailure {
	case "", scripts.OnFailureRefuse, scripts.OnFailureBase:
	default:
		refuse("scripts[%d].on_failure %q: it must be refuse or base", i, s.OnFailure)
	}
	if s.Fuel < 0 || s.Fuel > scripts.MaxFuel {
		refuse("scripts[%d].fuel %d: it must be 1 to %d instructions of a step; leave it out for the server's default",
			i, s.Fuel, int64(scripts.MaxFuel))
	}
	if s.Config != nil && s.Config.Kind() != '{' {
		refuse("scripts[%d].config must be an object", i)
	}
	if len(s.Config) > maxConfig {
		refuse("scripts[%d].config has %d bytes: at most %d are allowed", i, len(s.Config), maxConfig)
	}
}

// checkSteps checks the step names in the members steps and fail_open of the script at i.
func checkSteps(i int, s scripts.Script, refuse func(format string, args ...any)) {
	steps := stepNames()
	for _, step := range s.FailOpen {
		if !slices.Contains(steps, step) {
			refuse("scripts[%d].fail_open: step %q not found%s", i, step, suggest.DidYouMean(step, steps))
		}
	}
	for j, step := range s.Steps {
		if !slices.Contains(steps, step) {
			refuse("scripts[%d].steps: step %q not found%s", i, step, suggest.DidYouMean(step, steps))
		}
		if slices.Contains(s.Steps[:j], step) {
			refuse("scripts[%d].steps lists %s twice", i, step)
		}
	}
}

// maxConfig bounds a script's configuration, in bytes. It equals the limit on what a script may write.
const maxConfig = 128 << 10

// checkFallback rejects on_failure base for steps that may enforce a policy, because a caller who can make the script
// fail could get around it. Steps that the operator lists under fail_open are exempt.
func checkFallback(s scripts.Script, steps []string) error {
	if s.OnFailure != scripts.OnFailureBase {
		return nil
	}
	for _, step := range steps {
		if step != engine.StepAddClientID && step != engine.StepGenerateSecret && !slices.Contains(s.FailOpen, step) {
			return scripts.Reject("on_failure base lets a caller who makes the script fail bypass its step %s: "+
				"use refuse, or list the step under fail_open", step)
		}
	}
	return nil
}

// stepsOf returns the steps that a script replaces: those that its module exports or, for a program, those that the
// deployment lists.
func stepsOf(s scripts.Script, m scripts.Module) ([]string, error) {
	switch {
	case m.Command() && len(s.Steps) == 0:
		return nil, scripts.Reject("the module is a program: list the steps that it replaces under steps " +
			"(on the command line --step STEP,STEP)")
	case m.Command():
		return s.Steps, nil
	case len(s.Steps) > 0:
		return nil, scripts.Reject("steps is for programs: this module replaces what it exports, %s; leave steps out",
			strings.Join(m.Steps, ", "))
	}
	return m.Steps, nil
}

// stepNames returns the names of the steps, in the order of a registration.
func stepNames() []string {
	var names []string
	for _, step := range engine.StepTable() {
		names = append(names, step.Name)
	}
	return names
}
