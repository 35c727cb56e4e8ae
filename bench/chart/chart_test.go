package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"registrar/bench/chart"
)

func TestSVG(t *testing.T) {
	svg, err := chart.Chart{Title: "Growth", X: "clients in the table", Y: "registrations a second",
		Series: []chart.Series{
			{Name: "random", Points: []chart.Point{{"0", []float64{9000, 12000, 10000}}, {"1 M", []float64{8000}}}},
			{Name: "by time", Points: []chart.Point{{"0", []float64{11000}}, {"1 M", []float64{10500}}}},
		}}.SVG()
	if err != nil {
		t.Fatal(err)
	}
	texts := texts(t, svg)
	for _, want := range []string{"Growth", "clients in the table", "registrations a second", "random", "by time", "0",
		"1 M", "12,000"} {
		if !slices.Contains(texts, want) {
			t.Errorf("text %q is not in the picture: got %q", want, texts)
		}
	}
}

// texts returns the texts in a picture, which must be well-formed.
func texts(t *testing.T, svg []byte) (texts []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, strings.TrimSpace(string(text)))
		}
	}
}

func TestSVGOfNothing(t *testing.T) {
	for name, c := range map[string]chart.Chart{
		"no series": {},
		"no values": {Series: []chart.Series{{Points: []chart.Point{{Label: "0"}}}}},
	} {
		if _, err := c.SVG(); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.91234: "0.912", 12.3: "12.3", 99.6: "100", 999: "999",
		1000: "1,000", 1234567.8: "1,234,568"} {
		if got := chart.Number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{9, 1, 4, 2}, 3}} {
		if got := chart.Median(c.values); got != c.want {
			t.Errorf("%v: got %v, want %v", c.values, got, c.want)
		}
	}
}
