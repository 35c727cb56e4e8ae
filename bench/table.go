package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A table has a title, a head, and lines with as many cells as the head.
type table struct {
	title string
	head  []string
	lines [][]string
}

// tables returns the tables of a report.
func (r *Report) tables() (tables []table) {
	goals := table{"Goals", []string{"", "goal", "median", "min – max", "met"}, nil}
	others := table{"For information", []string{"", "median", "min – max"}, nil}
	for _, row := range r.Rows {
		if row.Missing != "" {
			goals.lines = append(goals.lines, []string{row.Name, row.Goal.text(row.Unit), "", "", "not measured"})
		}
		if len(row.Rounds) == 0 {
			continue
		}
		spread := number(row.Min, row.Unit) + " – " + number(row.Max, row.Unit)
		if row.Goal == nil {
			others.lines = append(others.lines, []string{row.Name, number(row.Median, row.Unit), spread})
			continue
		}
		met := map[bool]string{true: "yes", false: "no"}[*row.Met]
		goals.lines = append(goals.lines, []string{row.Name, row.Goal.text(row.Unit), number(row.Median, row.Unit),
			spread, met})
	}
	for _, t := range append([]table{goals, others}, r.loads()...) {
		if len(t.lines) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// loads returns the tables of the loads, one per section.
func (r *Report) loads() (tables []table) {
	var sections []string
	for _, s := range r.Samples {
		if !slices.Contains(sections, s.Section) {
			sections = append(sections, s.Section)
		}
	}
	for _, section := range sections {
		t := table{"Load: " + section, []string{"", "connections", "requests/s", "min – max", "p50 µs", "p99 µs",
			"CPU µs: server", "database", "load tool", "pool misses %"}, nil}
		type key struct {
			connections int
			target      string
		}
		var keys []key
		for _, s := range r.Samples {
			if k := (key{s.Connections, s.Target}); s.Section == section && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
		slices.SortStableFunc(keys, func(a, b key) int {
			return 1000*(a.connections-b.connections) + strings.Compare(a.target, b.target)
		})
		for _, k := range keys {
			of := func(f func(Sample) float64) []float64 {
				return series(r.Samples, section, k.target, k.connections,
					f)
			}
			rates := of(rate)
			line := []string{k.target, strconv.Itoa(k.connections), number(median(rates), "/s"),
				number(slices.Min(rates), "/s") + " – " + number(slices.Max(rates), "/s")}
			for _, f := range []func(Sample) float64{p50, p99, serverCPU, databaseCPU, loadCPU, poolMissShare} {
				line = append(line, known(median(of(f))))
			}
			t.lines = append(t.lines, line)
		}
		tables = append(tables, t)
	}
	return tables
}

func (g *Goal) text(unit string) string {
	if g.AtLeast != 0 {
		return "≥ " + bound(g.AtLeast, unit)
	}
	return "≤ " + bound(g.AtMost, unit)
}

func bound(v float64, unit string) string { return strings.TrimSpace(fmt.Sprint(v, " ", unit)) }

// number formats a figure with its significant digits.
func number(v float64, unit string) string {
	switch unit {
	case "":
		return strconv.FormatFloat(v, 'f', 2, 64)
	case "/s":
		return thousands(v)
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
}

// known formats a figure, "" if it was not measured.
func known(v float64) string {
	if v == 0 {
		return ""
	}
	return thousands(v)
}

// thousands formats a whole number such as 12,345.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// facts describes the machine and the options, how many goals are met, and what was not measured.
func (r *Report) facts() string {
	m, met, goals, missing := r.Machine, 0, 0, ""
	for _, row := range r.Rows {
		switch {
		case row.Missing != "":
			missing += fmt.Sprintf("Not measured: %s: %s.\n", row.Name, row.Missing)
		case row.Met != nil && *row.Met:
			met, goals = met+1, goals+1
		case row.Met != nil:
			goals++
		}
	}
	others := ""
	if m.MySQL != "" {
		others = fmt.Sprintf(", MySQL %s, Node.js %s", m.MySQL, m.NodeJS)
	}
	return fmt.Sprintf("%s, %d cores, %s of memory; %s, %s, MariaDB %s%s; load before: %s.\n",
		m.CPU, m.Cores, m.Memory, m.Kernel, m.Go, m.MariaDB, others, m.Load) +
		fmt.Sprintf("%s, %d rounds of %g s for each load, %.0f minutes in all.\n",
			r.Begun.Format("2 January 2006"), r.Options.Rounds, r.Options.Seconds, r.Minutes) +
		fmt.Sprintf("%d of %d goals are met.\n", met, goals) + missing
}

// print writes the tables for people.
func (r *Report) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, r.facts())
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n%s\n", t.title)
		for _, line := range append([][]string{t.head}, t.lines...) {
			fmt.Fprintln(w, strings.Join(line, "\t"))
		}
	}
	return w.Flush()
}

// markdown returns the tables as Markdown.
func (r *Report) markdown() string {
	var b strings.Builder
	b.WriteString(r.facts())
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "\n**%s**\n\n| %s |\n|%s\n", t.title, strings.Join(t.head, " | "),
			strings.Repeat("---|", len(t.head)))
		for _, line := range t.lines {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
		}
	}
	return b.String()
}

// The markers of a Markdown file. The text between them is replaced.
const (
	markerBegin = "<!-- figures of make bench: begin -->\n"
	markerEnd   = "<!-- figures of make bench: end -->\n"
)

// writeMarkdown puts the tables between the markers of a file, or into a new file.
func writeMarkdown(file string, r *Report) error {
	block := markerBegin + r.markdown() + markerEnd
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err == nil {
		before, rest, begun := strings.Cut(string(old), markerBegin)
		_, after, ended := strings.Cut(rest, markerEnd)
		if !begun || !ended {
			return fmt.Errorf("%s has no markers for the figures", file)
		}
		block = before + block + after
	}
	return os.WriteFile(file, []byte(block), 0o644)
}
