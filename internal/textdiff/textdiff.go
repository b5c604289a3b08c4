// Package textdiff compares texts word by word for people who approve a change: nothing of either text is left out, and what
// cannot be seen is made visible.
package textdiff

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// Kind says what became of a part of the text.
type Kind int

// The three kinds.
const (
	Same Kind = iota
	Gone
	New
)

// Part is a piece of the old text, the new one, or both.
type Part struct {
	Kind Kind
	Text string
}

// Words compares two texts word by word. The parts that are Same or Gone make up the old text, those that are Same or New the
// new one, to the byte.
func Words(was, is string) []Part {
	table := map[string]rune{}
	words := []string{}
	encode := func(text string) []rune {
		var line []rune
		for _, w := range split(text) {
			r, ok := table[w]
			if !ok {
				r = rune(len(words) + 1)
				if r >= 0xD800 { // surrogates are no runes
					r += 0x800
				}
				table[w] = r
				words = append(words, w)
			}
			line = append(line, r)
		}
		return line
	}
	before, after := encode(was), encode(is)
	engine := diffmatchpatch.New()
	engine.DiffTimeout = time.Second // what is found later is longer, and as whole
	var parts []Part
	for _, d := range engine.DiffMainRunes(before, after, false) {
		var b strings.Builder
		for _, r := range d.Text {
			if r >= 0xE000 {
				r -= 0x800
			}
			b.WriteString(words[r-1])
		}
		kind := map[diffmatchpatch.Operation]Kind{diffmatchpatch.DiffEqual: Same, diffmatchpatch.DiffDelete: Gone, diffmatchpatch.DiffInsert: New}[d.Type]
		parts = append(parts, Part{kind, b.String()})
	}
	return parts
}

// split cuts a text into words, runs of blanks, and single other characters. Chinese is compared character by character.
func split(text string) []string {
	var words []string
	class := func(r rune) int {
		switch {
		case unicode.Is(unicode.Han, r):
			return 0
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_':
			return 1
		case r == ' ':
			return 2
		}
		return 0
	}
	start, last := 0, -1
	for i, r := range text {
		c := class(r)
		if i > start && (c == 0 || c != last) {
			words = append(words, text[start:i])
			start = i
		}
		last = c
	}
	if start < len(text) {
		words = append(words, text[start:])
	}
	return words
}

// Visible shows what an editor hides: characters that turn the direction of writing or have no width, and controls.
func Visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u00a0' || r == unicode.ReplacementChar) {
			fmt.Fprintf(&b, "<U+%04X>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Plain writes parts for a terminal: [-gone-] and {+new+}, with a sign for each line's end that came or went.
func Plain(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		text := Visible(p.Text)
		switch p.Kind {
		case Gone:
			b.WriteString("[-" + strings.ReplaceAll(text, "\n", "↵") + "-]")
		case New:
			b.WriteString("{+" + strings.ReplaceAll(text, "\n", "↵\n") + "+}")
		default:
			b.WriteString(text)
		}
	}
	return b.String()
}
