package approvals

import (
	"fmt"

	"offramp/internal/locale"
	"offramp/migration/governance/approval"
	"offramp/portal/page"
)

// picture is a path as it is drawn: steps below each other, the nodes of a step side by side, or below each other where it is narrow.
type picture struct {
	id, title, text string
	steps           [][]box
}

type box struct {
	name, state, class string
}

// drawing is a picture laid out for a width.
type drawing struct {
	picture
	class         string
	width, height int
	boxes         []placed
	arrows        []arrow
}

type placed struct {
	box
	x, y, w, h int
}

type arrow struct{ x, y1, y2 int }

const (
	boxHeight = 56
	gapDown   = 26
	gapBeside = 14
)

func (p picture) wide() drawing   { return p.lay("chart chart--wide", 620, 3) }
func (p picture) narrow() drawing { return p.lay("chart chart--narrow", 330, 1) }

// lay places the boxes, at most beside of them in a row.
func (p picture) lay(class string, width, beside int) drawing {
	d := drawing{picture: p, class: class, width: width}
	y := 2
	for i, step := range p.steps {
		if i > 0 {
			d.arrows = append(d.arrows, arrow{width / 2, y, y + gapDown - 6})
			y += gapDown
		}
		for len(step) > 0 {
			row := step[:min(beside, len(step))]
			step = step[len(row):]
			w := (width - 4 - gapBeside*(len(row)-1)) / len(row)
			for k, b := range row {
				d.boxes = append(d.boxes, placed{b, 2 + k*(w+gapBeside), y, w, boxHeight})
			}
			y += boxHeight
			if len(step) > 0 {
				y += 6
			}
		}
	}
	d.height = y + 2
	if class != "chart chart--wide" {
		d.id += "-narrow"
	}
	return d
}

func (d drawing) viewBox() string { return fmt.Sprintf("0 0 %d %d", d.width, d.height) }

// fit cuts a name to the width of its box; the list below says it in full.
func (b placed) fit(s string) string {
	room, used := b.w-20, 0
	for i, r := range s {
		w := 8
		if r > 0x2e80 {
			w = 14
		}
		if used += w; used > room {
			return s[:i] + "…"
		}
	}
	return s
}

func px(n int) string { return fmt.Sprint(n) }

func head(a arrow) string {
	return fmt.Sprintf("%d,%d %d,%d %d,%d", a.x-5, a.y2-2, a.x+5, a.y2-2, a.x, a.y2+5)
}

var boxClasses = map[string]string{
	approval.Approved: "pathbox pathbox--done", approval.Open: "pathbox pathbox--now", approval.SentBack: "pathbox pathbox--bad",
	approval.Waiting: "pathbox", approval.Skipped: "pathbox pathbox--off", approval.Over: "pathbox pathbox--off",
}

// draw makes the picture of a round, or of a path that no paper has taken.
func draw(l *locale.Locale, id string, path approval.Path, stops []approval.Stop) picture {
	p := picture{id: id, title: l.T("approval.path.of", "Path", l.Pick(path.Name)), steps: make([][]box, len(path.Steps))}
	states := map[string]string{}
	for _, s := range stops {
		states[s.Key] = s.State
	}
	for i, step := range path.Steps {
		line := ""
		for _, n := range step {
			b := box{name: l.Pick(n.Name), class: "pathbox", state: needs(l, n)}
			if s := states[n.Key]; s != "" {
				b.state, b.class = l.T("approval.state."+s), boxClasses[s]
			}
			p.steps[i] = append(p.steps[i], b)
			if line != "" {
				line += "; "
			}
			line += b.name + ": " + b.state
		}
		p.text += l.T("approval.step", "Number", i+1) + " – " + line + ". "
	}
	return p
}

func needs(l *locale.Locale, n approval.Node) string {
	if n.Need == 0 {
		return l.T("approval.need.all")
	}
	return l.N("approval.need.some", n.Need)
}

// condition says when a node takes part; empty: always.
func condition(v *page.Visit, n approval.Node) string {
	if n.When == "" {
		return ""
	}
	return v.Locale.T("approval.condition", "Rule", n.When)
}
