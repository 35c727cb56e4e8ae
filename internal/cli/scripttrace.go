package cli

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
)

// describeTrace prints the steps in the order in which they began, a script's before the base that it called. Below
// each are its changes to the client and to the request, those of its base included, what it overwrote of a script's
// patches, and its log lines.
func describeTrace(p *textWriter, steps []scripts.StepTrace) {
	rows := [][]string{{"STEP", "BY", "OUTCOME", "µs", "FUEL"}}
	for _, s := range steps {
		fuel := "—"
		if s.Fuel != nil {
			fuel = strconv.FormatInt(*s.Fuel, 10)
		}
		by, microseconds := cmp.Or(s.Script, "built-in"), strconv.FormatInt(s.Microseconds, 10)
		rows = append(rows, []string{s.Step, by, string(s.Outcome), microseconds, fuel})
	}
	table := &textWriter{}
	table.table(rows)
	head, lines, _ := strings.Cut(table.buffer.String(), "\n")
	p.line("%s", head)
	for i, line := range slices.Collect(strings.Lines(lines)) {
		p.line("%s", strings.TrimRight(line, "\n"))
		for _, change := range changes(steps[i]) {
			p.line("    %s", printable(change))
		}
		for _, change := range requestChanges(steps[i].Request) {
			p.line("    %s", printable(change))
		}
		for _, o := range steps[i].Overwrote {
			p.line("    warning: %s", printable(o.String()))
		}
		for _, logged := range steps[i].Log {
			p.line("    log: %s", printable(strings.TrimRight(logged, "\n")))
		}
	}
}

// changes returns a line for each member that a step changed: + added, - removed, ~ replaced.
func changes(s scripts.StepTrace) []string {
	after, err := jsonpatch.MergePatch(s.Before, s.Changes)
	if err != nil {
		return []string{"changes: " + string(s.Changes)}
	}
	was, is, touched := members(s.Before), members(after), members(s.Changes)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		old, replaced := was[name]
		value, there := is[name]
		switch {
		case there && replaced:
			lines = append(lines, "~ "+name+": "+string(old)+" → "+string(value))
		case there:
			lines = append(lines, "+ "+name+": "+string(value))
		case replaced:
			lines = append(lines, "- "+name+": "+string(old))
		}
	}
	return lines
}

// requestChanges returns a line for each member of the request that scripts changed in a step: - removed, ~ set.
func requestChanges(patch jsontext.Value) []string {
	changed := members(patch)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if value := changed[name]; value.Kind() == 'n' {
			lines = append(lines, "- request: "+name)
		} else {
			lines = append(lines, "~ request: "+name+": "+string(value))
		}
	}
	return lines
}

// members returns the members of an object, each on one line. It returns nil for any other value.
func members(object jsontext.Value) map[string]jsontext.Value {
	var m map[string]jsontext.Value
	if json.Unmarshal(object, &m) != nil {
		return nil
	}
	for name, value := range m {
		_ = value.Compact() // it was decoded, so it is valid
		m[name] = value
	}
	return m
}
