package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// TestMain runs this program as one of the servers that the harness starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "baseline" || os.Args[1] == "bare-sqlite") {
		main()
	}
	os.Exit(m.Run())
}

func TestMeasuresEverything(t *testing.T) {
	t.Chdir(t.TempDir()) // the working directory must not matter
	folder := t.TempDir()
	jsonFile, markdownFile := filepath.Join(folder, "figures.json"), filepath.Join(folder, "figures.md")
	var out, log bytes.Buffer
	if code := run(t.Context(), []string{"--short", "--json", jsonFile, "--markdown", markdownFile},
		&console{&out, &log}); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &log, &out)
	}
	var r Report
	b := must(t)(os.ReadFile(jsonFile))
	if err := json.Unmarshal(b, &r, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	markdown := string(must(t)(os.ReadFile(markdownFile)))
	measured := map[string]bool{}
	for _, row := range r.Rows {
		measured[row.Section] = true
		if row.Missing != "" && (row.Section == "peers" || strings.Contains(row.Name, formerCommit)) {
			if len(row.Rounds) != 0 || row.Met != nil || !strings.Contains(out.String(), row.Missing) {
				t.Errorf("%s: %+v", row.Name, row)
			}
			continue // it needs the network, or the history of the source tree
		}
		if row.Missing != "" || len(row.Rounds) != 1 || math.IsNaN(row.Median) || math.IsInf(row.Median, 0) ||
			(row.Goal == nil) != (row.Met == nil) {
			t.Errorf("%s: %+v", row.Name, row)
		}
		if !strings.Contains(out.String(), row.Name) || !strings.Contains(markdown, row.Name) {
			t.Errorf("%q is missing in a table", row.Name)
		}
	}
	for _, s := range sections() {
		if !measured[s.name] {
			t.Errorf("%s was not measured", s.name)
		}
	}
	for _, s := range r.Samples {
		if s.Requests < 1 || s.Rate <= 0 {
			t.Errorf("no requests: %+v", s)
		}
	}
	if r.Machine.MariaDB == "" || r.Machine.Cores < 1 {
		t.Errorf("machine: got %+v", r.Machine)
	}
}

func TestRowsAreMedians(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		rounds []float64
		goal   *Goal
		median float64
		met    *bool
	}{
		{[]float64{3, 1, 2}, atLeast(2), 2, &yes},
		{[]float64{3, 1, 2}, atLeast(2.5), 2, &no},
		{[]float64{4, 1, 2, 3}, atMost(2.5), 2.5, &yes},
		{[]float64{9}, atMost(8.9), 9, &no},
		{[]float64{9}, nil, 9, nil},
	}
	for _, test := range tests {
		got := newRow("s", "n", "", test.goal, test.rounds)
		want := Row{Section: "s", Name: "n", Goal: test.goal, Median: test.median, Min: slices.Min(test.rounds),
			Max:    slices.Max(test.rounds),
			Rounds: test.rounds, Met: test.met}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRatiosArePairedByRound(t *testing.T) {
	var samples []Sample
	for round, rates := range [][2]float64{{10, 20}, {30, 40}} {
		// The order of targets changes from round to round, with other loads in between.
		samples = append(samples, Sample{Section: "s", Round: round + 1, Target: "b", Connections: 16, Rate: 7},
			Sample{Section: "s", Round: round + 1, Target: "b", Connections: 1, Rate: rates[1]},
			Sample{Section: "s", Round: round + 1, Target: "a", Connections: 1, Rate: rates[0]})
	}
	if diff := cmp.Diff([]float64{0.5, 0.75}, paired(samples, "s", "a", "b", 1, rate, ratio)); diff != "" {
		t.Error(diff)
	}
}

func TestFormerProgramIsTheDivisor(t *testing.T) {
	t.Parallel()
	h := &harness{program: "now"}
	for round := range 2 {
		var order []string
		now, ratio, err := h.pair(t.Context(), "former", round, func(program string) (float64, error) {
			order = append(order, program)
			return map[string]float64{"now": 3, "former": 2}[program], nil
		})
		want := [][]string{{"now", "former"}, {"former", "now"}}[round]
		if err != nil || now != 3 || !slices.Equal(ratio, []float64{1.5}) || !slices.Equal(order, want) {
			t.Errorf("round %d: got %v, %v, %v of %v", round, now, ratio, err, order)
		}
	}
	now, ratio, err := h.pair(t.Context(), "", 1, func(string) (float64, error) { return 3, nil })
	if row := h.againstFormer("s", "speed", ratio); err != nil || now != 3 || row.Missing == "" || row.Met != nil {
		t.Errorf("without a former program: got %v, %v, %+v", now, err, row)
	}
}

func TestMarkdownGoesBetweenItsMarkers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(file, []byte("before\n"+markerBegin+"old\n"+markerEnd+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Report{Rows: []Row{newRow("s", "speed", "ms", atMost(5), []float64{4}),
		notMeasured("s", "a peer", atLeast(8), "no network")}}
	for range 2 {
		if err := writeMarkdown(file, r); err != nil {
			t.Fatal(err)
		}
	}
	got := string(must(t)(os.ReadFile(file)))
	if want := "before\n" + markerBegin + r.markdown() + markerEnd + "after\n"; got != want {
		t.Error(cmp.Diff(want, got))
	}
	for _, want := range []string{"| speed | ≤ 5 ms | 4.0 ms | 4.0 ms – 4.0 ms | yes |\n",
		"| a peer | ≥ 8 |  |  | not measured |\n", "1 of 1 goals are met.\n", "Not measured: a peer: no network.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if err := os.WriteFile(file, []byte("no markers\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeMarkdown(file, r); err == nil {
		t.Error("overwrote a file without markers")
	}
}

func TestOutputOfGoBenchmarksIsRead(t *testing.T) {
	got := figures([]byte("goos: linux\nBenchmarkFirstStep/Go/cold-2 \t 10 \t 7000000 ns/op\t 5 "+
		"B/op\nBenchmarkInstance/Go/renewed \t 10 \t 400 ns/op\n"+
		"BenchmarkFirstStep/Go/cold-2 \t 10 \t 8000000 ns/op\nPASS\n"), "sec/op", 1e9)
	want := map[string][]float64{coldStep: {7e6, 8e6}, renewal: {400}}
	round := cmp.Transformer("round", func(v float64) int { return int(math.Round(v)) })
	if diff := cmp.Diff(want, got, round); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownSectionsAreRefused(t *testing.T) {
	var out, log bytes.Buffer
	t.Chdir(".") // restores the folder that run changes
	code := run(t.Context(), []string{"--only", "speed"}, &console{&out, &log})
	if code != 1 || !strings.Contains(log.String(), "mariadb, sqlite") {
		t.Errorf("exit code %d: %s", code, &log)
	}
}

func TestPathsAreRelativeToTheRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, log bytes.Buffer
	run(t.Context(), []string{"--only", "speed"}, &console{&out, &log})
	if _, err := os.Stat("docs/performance.md"); err != nil {
		t.Errorf("%v\n%s", err, &log)
	}
}

// must fails the test on an error.
func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}
