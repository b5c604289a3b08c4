package brand

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Surfaces of the two themes that brand colours stand on (static/css/tokens.css).
var (
	lightPage    = must("#f5f7f8")
	lightSurface = must("#ffffff")
	darkPage     = must("#101418")
	darkSurface  = must("#171b20")
)

func must(hex string) colour {
	c, err := parse(hex)
	if err != nil {
		panic(err)
	}
	return c
}

// palette is one theme's brand tokens.
type palette struct{ mark, solid, hover, on, tint, line, ink colour }

// Sheet is the stylesheet of one brand. It is immutable.
type Sheet struct {
	light, dark palette
	css         []byte
	hash        string
}

// New derives the sheet of a seed colour, #rrggbb.
func New(seed string) (*Sheet, error) {
	c, err := parse(seed)
	if err != nil {
		return nil, err
	}
	s := &Sheet{light: lightOf(c), dark: darkOf(c)}
	s.css = s.write()
	sum := sha256.Sum256(s.css)
	s.hash = hex.EncodeToString(sum[:8])
	return s, nil
}

// CSS returns the stylesheet, about half a kilobyte of custom properties.
func (s *Sheet) CSS() []byte { return s.css }

// Hash names the content, so that the sheet may be kept for ever.
func (s *Sheet) Hash() string { return s.hash }

// URL is the address the portal serves the sheet at.
func (s *Sheet) URL() string { return "/brand/" + s.hash + ".css" }

func lightOf(seed colour) palette {
	o := seed.oklch()
	p := palette{mark: seed, on: lightSurface}
	p.tint = o.with(0.968, 0.014).colour()
	// The solid colour is text on the page, on cards and on the tint, and the
	// ground of the button's white words: the tint is the darkest of these.
	p.solid = o.with(min(o.l, 0.62), o.c).reach(p.tint, 4.6, -0.006)
	p.hover = o.with(p.solid.oklch().l-0.07, o.c).colour()
	p.line = o.with(0.86, 0.06).colour()
	p.ink = o.with(0.34, 0.08).reach(p.tint, 9, -0.006)
	return p
}

func darkOf(seed colour) palette {
	o := seed.oklch()
	p := palette{on: darkSurface}
	p.tint = o.with(0.27, 0.035).colour()
	p.solid = o.with(max(o.l, 0.72), 0.13).reach(p.tint, 5.2, 0.006)
	p.mark = p.solid
	p.hover = o.with(p.solid.oklch().l+0.06, 0.12).colour()
	p.line = o.with(0.42, 0.06).colour()
	p.ink = o.with(0.92, 0.04).reach(p.tint, 9, 0.006)
	return p
}

func (p palette) String() string {
	return fmt.Sprintf("--brand-mark:%s;--brand:%s;--brand-hover:%s;--on-brand:%s;--brand-tint:%s;--brand-line:%s;--brand-ink:%s",
		p.mark, p.solid, p.hover, p.on, p.tint, p.line, p.ink)
}

func (s *Sheet) write() []byte {
	return fmt.Appendf(nil, ":root{%s}\n@media (prefers-color-scheme:dark){:root:not([data-theme=light]){%s}}\n:root[data-theme=dark]{%s}\n",
		s.light, s.dark, s.dark)
}

// Pair is one contrast that a page relies on.
type Pair struct {
	Theme    string  // light or dark
	Fore     string  // the token that is read, such as "brand"
	Ground   string  // what it stands on, such as "brand-tint"
	Ratio    float64 // as WCAG 2.2 computes it
	Required float64
}

// Holds reports whether the contrast is enough.
func (p Pair) Holds() bool { return p.Ratio >= p.Required }

// Report lists every contrast that pages rely on, for the administrator who
// chooses a seed. For a sheet made by New all of them hold.
func (s *Sheet) Report() []Pair {
	return append(s.light.report("light", lightPage, lightSurface), s.dark.report("dark", darkPage, darkSurface)...)
}

func (p palette) report(theme string, page, surface colour) []Pair {
	pair := func(fore, ground string, a, b colour, required float64) Pair {
		return Pair{Theme: theme, Fore: fore, Ground: ground, Ratio: contrast(a, b), Required: required}
	}
	return []Pair{
		pair("brand", "surface", p.solid, surface, 4.5),
		pair("brand", "page", p.solid, page, 4.5),
		pair("brand", "brand-tint", p.solid, p.tint, 4.5),
		pair("brand-hover", "surface", p.hover, surface, 4.5),
		pair("brand-hover", "page", p.hover, page, 4.5),
		pair("on-brand", "brand", p.on, p.solid, 4.5),
		pair("on-brand", "brand-hover", p.on, p.hover, 4.5),
		pair("brand-ink", "brand-tint", p.ink, p.tint, 7),
	}
}
