package mail

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strconv"
	text "text/template"
)

//go:embed letter.gohtml
var htmlSource string

//go:embed letter.gotxt
var textSource string

var (
	htmlLetter = template.Must(template.New("letter").Funcs(template.FuncMap{
		"css": func(colour string) template.CSS { return template.CSS(colour) }, //nolint:gosec // of readable, which gives #rrggbb only
	}).Parse(htmlSource))
	textLetter = text.Must(text.New("letter").Parse(textSource))
)

// render sets a letter in both forms, which say the same.
func render(l letter) (html, plain string, err error) {
	var h, p bytes.Buffer
	if err := htmlLetter.Execute(&h, l); err != nil {
		return "", "", fmt.Errorf("set mail in HTML: %w", err)
	}
	if err := textLetter.Execute(&p, l); err != nil {
		return "", "", fmt.Errorf("set mail in text: %w", err)
	}
	return h.String(), p.String(), nil
}

// ownColour is the product's own.
const ownColour = "#0b7a75"

// readable returns the brand's colour where white text on it has the contrast of WCAG 2.2 AA, and ours elsewhere.
func readable(colour string) string {
	if len(colour) != 7 || colour[0] != '#' {
		return ownColour
	}
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		return ownColour
	}
	luminance := 0.2126*linear(n>>16) + 0.7152*linear(n>>8&0xff) + 0.0722*linear(n&0xff)
	if 1.05/(luminance+0.05) < 4.5 {
		return ownColour
	}
	return colour
}

// linear undoes the gamma of one sRGB channel.
func linear(channel uint64) float64 {
	v := float64(channel) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
