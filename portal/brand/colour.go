package brand

import (
	"fmt"
	"math"
	"strconv"
)

// colour is an sRGB colour, gamma-encoded, each part from 0 to 1.
type colour struct{ r, g, b float64 }

// parse reads #rrggbb.
func parse(hex string) (colour, error) {
	if len(hex) != 7 || hex[0] != '#' {
		return colour{}, fmt.Errorf("brand: %q is not a colour of the form #rrggbb", hex)
	}
	v, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		return colour{}, fmt.Errorf("brand: %q is not a colour of the form #rrggbb", hex)
	}
	part := func(shift uint) float64 { return float64(v>>shift&0xff) / 255 }
	return colour{part(16), part(8), part(0)}, nil
}

func (c colour) String() string {
	byteOf := func(x float64) int { return int(math.Round(clamp(x) * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", byteOf(c.r), byteOf(c.g), byteOf(c.b))
}

// rounded is the colour a browser will see: the one its hex digits name.
func (c colour) rounded() colour {
	round := func(x float64) float64 { return math.Round(clamp(x)*255) / 255 }
	return colour{round(c.r), round(c.g), round(c.b)}
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// oklch is a colour by perceived lightness, chroma and hue (Ottosson 2020; CSS Color 4, section 9).
type oklch struct{ l, c, h float64 }

func (c colour) oklch() oklch {
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	a := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	bb := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return oklch{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, math.Hypot(a, bb), math.Atan2(bb, a)}
}

// colour returns the sRGB colour, with less chroma where sRGB has not enough.
func (o oklch) colour() colour {
	const tolerance = 0.0005
	fits := func(x float64) bool { return x >= -tolerance && x <= 1+tolerance }
	for range 40 {
		r, g, b := o.linear()
		if fits(r) && fits(g) && fits(b) {
			return colour{encode(r), encode(g), encode(b)}.rounded()
		}
		o.c *= 0.93
	}
	return colour{o.l, o.l, o.l}.rounded()
}

func (o oklch) linear() (r, g, b float64) {
	aa, bb := o.c*math.Cos(o.h), o.c*math.Sin(o.h)
	l := math.Pow(o.l+0.3963377774*aa+0.2158037573*bb, 3)
	m := math.Pow(o.l-0.1055613458*aa-0.0638541728*bb, 3)
	s := math.Pow(o.l-0.0894841775*aa-1.2914855480*bb, 3)
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

// with returns the same hue at another lightness, with at most a chroma.
func (o oklch) with(lightness, maxChroma float64) oklch {
	return oklch{lightness, math.Min(o.c, maxChroma), o.h}
}

// reach moves lightness in steps until the contrast against ground holds.
func (o oklch) reach(ground colour, ratio, step float64) colour {
	for range 200 {
		c := o.colour()
		if contrast(c, ground) >= ratio {
			return c
		}
		o.l = math.Min(0.99, math.Max(0.05, o.l+step))
	}
	return o.colour()
}

func clamp(x float64) float64 { return math.Min(1, math.Max(0, x)) }

func linear(x float64) float64 {
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func encode(x float64) float64 {
	x = clamp(x)
	if x <= 0.0031308 {
		return 12.92 * x
	}
	return 1.055*math.Pow(x, 1/2.4) - 0.055
}
