package archive

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	previewRows    = 20
	previewColumns = 40
	shownLength    = 200     // characters of a value or name on a page
	previewRoom    = 4 << 20 // bytes, for all previews of an archive
)

// preview keeps the first rows of a dataset for the page, cut so that its size does not depend on the data.
type preview struct {
	classes []class
	zones   []*time.Location // of instants; nil: it is none
	rows    []previewRow
	room    *int // bytes left for this and all later previews of the archive
}

type previewRow struct {
	Number int64 // from 1, as the receipt counts
	Cells  []cell
}

type cell struct {
	Text string
	Null bool
}

func (a *Writer) newPreview(columns []Column) *preview {
	p := &preview{classes: make([]class, min(len(columns), previewColumns)), room: &a.previewRoom}
	p.zones = make([]*time.Location, len(p.classes))
	for i := range p.classes {
		p.classes[i] = classes[columns[i].Type]
		if columns[i].Type == "instant" {
			p.zones[i] = zoneOf(a.manifest.Header)
		}
	}
	return p
}

// wants reports whether there is room for one more row. Asking is all that most rows cost.
func (p *preview) wants() bool { return p != nil && len(p.rows) < previewRows && *p.room > 0 }

func (p *preview) add(number int64, values [][]byte) {
	row := previewRow{Number: number, Cells: make([]cell, len(p.classes))}
	for i, c := range p.classes {
		row.Cells[i] = show(c, values[i])
		if zone := p.zones[i]; zone != nil && values[i] != nil {
			row.Cells[i].Text = visible(local(string(values[i]), zone))
		}
		*p.room -= len(row.Cells[i].Text)
	}
	p.rows = append(p.rows, row)
}

// headCell is a column's name, with the zone of its instants.
type headCell struct{ Name, Zone string }

// local writes an instant as a table of the portal does, in a zone, with the seconds and what there is of them: 2026-03-01 22:05:00.5. What
// no zone changes, such as infinity, stays as it is. viewer.js does the same.
func local(v string, zone *time.Location) string {
	t, err := time.Parse("2006-01-02 15:04:05Z07", v)
	if err != nil {
		return v
	}
	clock, fraction := t.In(zone).Format("2006-01-02 15:04:05"), ""
	if _, rest, ok := strings.Cut(v, "."); ok {
		fraction = "." + strings.TrimSuffix(rest, "+00")
	}
	return clock + fraction
}

// show writes a value for the eye. It looks at no more of it than is shown.
func show(c class, v []byte) cell {
	if v == nil {
		return cell{Null: true}
	}
	room := utf8.UTFMax * (shownLength + 1)
	if c == asBinary {
		room = len(`\x`) + 6*shownLength // base64 has four characters for six digits
	}
	v = v[:min(len(v), room)]
	switch c {
	case asBoolean:
		v = appendBoolean(nil, v)
	case asMoment:
		v = appendMoment(nil, v)
	case asBinary:
		v, _ = appendBinary(nil, v)
	}
	return cell{Text: visible(string(v))}
}

// visible makes text fit to be shown: cut, on one line, and with what is not seen or turns the direction of others made
// visible. It does not escape anything.
func visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > shownLength {
			b.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain reports whether all of a text can be shown as it is. Most can.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= shownLength
}

// isolated is visible for a value inside a sentence, where its direction must not turn the rest.
func isolated(s string) string { return "\u2068" + visible(s) + "\u2069" }

// blank reports whether a name would leave nothing to read.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.M, r) })
}
