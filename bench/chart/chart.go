// Package chart draws measurements as small SVG pictures: a line through the medians, and a bar from the minimum to the
// maximum at each point.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Chart describes a picture.
type Chart struct {
	Title  string
	X, Y   string // labels of the axes, with the unit
	Series []Series
}

// A Series is one line.
type Series struct {
	Name   string // in the legend; "" means no entry
	Points []Point
}

// A Point is the measurements at one place of the x axis.
type Point struct {
	Label  string    // the same in every series
	Values []float64 // at least one
}

const width, height = 12 * vg.Centimeter, 7 * vg.Centimeter

// colours can be distinguished by colour-blind readers and in print.
var colours = []color.Color{color.RGBA{0, 90, 181, 255}, color.RGBA{220, 90, 20, 255}, color.RGBA{20, 130, 80, 255}}

// SVG draws c. Places on the x axis are equidistant, in the order of the points of the first series; the y axis begins
// at 0. It is an error if there are no series, or no values at a point.
func (c Chart) SVG() ([]byte, error) {
	if len(c.Series) == 0 {
		return nil, errors.New("a chart without a series")
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label,
		&p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Legend.Top, p.Legend.Left = false, true
	p.Legend.Padding = vg.Millimeter
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	p.Add(grid)
	for i, s := range c.Series {
		if err := s.draw(p, i); err != nil {
			return nil, err
		}
	}
	p.Y.Min = 0 // p.Add may have moved it
	p.Y.Max *= 1.05
	var labels []string
	for _, point := range c.Series[0].Points {
		labels = append(labels, point.Label)
	}
	p.NominalX(labels...)
	p.X.Min, p.X.Max = -0.3, float64(len(labels))-0.7
	p.Y.Tick.Marker = thousands{}
	w, err := p.WriterTo(width, height, "svg")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = w.WriteTo(&b)
	return b.Bytes(), err
}

// draw adds the ith series to p.
func (s Series) draw(p *plot.Plot, i int) error {
	var medians plotter.XYs
	var ranges plotter.YErrors
	for x, point := range s.Points {
		if len(point.Values) == 0 {
			return fmt.Errorf("the point %s of %q has no values", point.Label, s.Name)
		}
		median := Median(point.Values)
		medians = append(medians, plotter.XY{X: float64(x), Y: median})
		ranges = append(ranges, struct{ Low, High float64 }{median - slices.Min(point.Values),
			slices.Max(point.Values) - median})
	}
	line, dots, err := plotter.NewLinePoints(medians)
	if err != nil {
		return err
	}
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{medians, ranges})
	if err != nil {
		return err
	}
	colour := colours[i%len(colours)]
	line.Color, dots.Color, bars.Color = colour, colour, colour
	line.Width = vg.Points(1.5)
	dots.Shape, dots.Radius = draw.CircleGlyph{}, vg.Points(2.5)
	p.Add(line, dots, bars)
	if s.Name != "" {
		p.Legend.Add(s.Name, line, dots)
	}
	return nil
}

// thousands are ticks with labels such as 12,000 instead of 1.2e+04.
type thousands struct{}

// Ticks implements [plot.Ticker].
func (thousands) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = Number(t.Value)
		}
	}
	return ticks
}

// Number formats a number for people: whole numbers such as 12,345 from a hundred on, and three digits below.
func Number(v float64) string {
	if v < 99.5 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Median returns the median of values, of which there must be at least one.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
