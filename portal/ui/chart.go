package ui

import (
	"fmt"
	"math"
	"strings"

	"offramp/internal/locale"
)

// Line is one series of a chart. The last point carries its name.
type Line struct {
	Name   string
	Values []float64 // one for each label of the chart, from First on
	First  int       // the label of the first value
	Plan   bool      // a plan or a comparison: dashed, in the second colour
}

// Chart is lines over time, drawn on the server. Show its numbers in a table too.
type Chart struct {
	Locale      *locale.Locale
	ID          string // unique on the page
	Title, Text string // the text alternative
	Labels      []string
	Lines       []Line
}

// geometry lays a chart out for a width; the two widths share everything else.
type geometry struct {
	chart                    Chart
	id, class                string
	width, height            float64
	left, right, top, bottom float64
	ceiling                  float64
	narrow                   bool
}

func (c Chart) wide() geometry {
	return geometry{chart: c, id: c.ID, class: "chart chart--wide", width: 620, height: 250, left: 48, right: 118, top: 12, bottom: 30, ceiling: c.ceiling()}
}

func (c Chart) narrow() geometry {
	return geometry{chart: c, id: c.ID + "-narrow", class: "chart chart--narrow", width: 340, height: 230, left: 40, right: 92, top: 12, bottom: 30, ceiling: c.ceiling(), narrow: true}
}

// ceiling is a round number at or above every value, four whole steps high.
func (c Chart) ceiling() float64 {
	top := 0.0
	for _, line := range c.Lines {
		for _, v := range line.Values {
			top = max(top, v)
		}
	}
	for power := 1.0; ; power *= 10 {
		for _, m := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
			if step := m * power; step == math.Trunc(step) && 4*step >= top {
				return 4 * step
			}
		}
	}
}

func (g geometry) x(i int) float64 {
	if n := len(g.chart.Labels); n > 1 {
		return g.left + (g.width-g.left-g.right)*float64(i)/float64(n-1)
	}
	return g.left
}

func (g geometry) y(v float64) float64 {
	return g.top + (g.height-g.top-g.bottom)*(1-v/g.ceiling)
}

// tick is a line of the grid with its number.
type tick struct {
	y    float64
	text string
}

func (g geometry) ticks() []tick {
	ticks := make([]tick, 5)
	for i := range ticks {
		v := g.ceiling * float64(i) / 4
		ticks[i] = tick{g.y(v), g.chart.Locale.Number(int64(math.Round(v)))}
	}
	return ticks
}

// shows reports whether label i has room.
func (g geometry) shows(i int) bool {
	n, most := len(g.chart.Labels), 6
	if g.narrow {
		most = 3
	}
	step := max(1, (n+most-1)/most)
	return g.chart.Labels[i] != "" && i%step == 0
}

func (g geometry) points(line Line) string {
	points := make([]string, len(line.Values))
	for i, v := range line.Values {
		points[i] = px(g.x(line.First+i)) + "," + px(g.y(v))
	}
	return strings.Join(points, " ")
}

// ends are the heights of the lines' names, at least 16 apart.
func (g geometry) ends() []float64 {
	ends := make([]float64, len(g.chart.Lines))
	for i, line := range g.chart.Lines {
		if n := len(line.Values); n > 0 {
			ends[i] = g.y(line.Values[n-1])
		}
	}
	for i := range ends {
		for j := i + 1; j < len(ends); j++ {
			if math.Abs(ends[i]-ends[j]) < 16 {
				middle, half := (ends[i]+ends[j])/2, 8.0
				if ends[i] > ends[j] {
					half = -half
				}
				ends[i], ends[j] = middle-half, middle+half
			}
		}
	}
	return ends
}

func (l Line) class() string {
	if l.Plan {
		return "c2"
	}
	return "c1"
}

func (g geometry) viewBox() string { return fmt.Sprintf("0 0 %.0f %.0f", g.width, g.height) }

func px(v float64) string { return fmt.Sprintf("%.1f", v) }
