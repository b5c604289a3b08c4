package brand

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Any seed gives readable pages in both themes.
func TestContrastHoldsForAnySeed(t *testing.T) {
	seeds := []string{"#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#0b7a75"}
	random := rand.New(rand.NewPCG(1, 2))
	for len(seeds) < 5000 {
		seeds = append(seeds, fmt.Sprintf("#%06x", random.IntN(1<<24)))
	}
	for _, seed := range seeds {
		s, err := New(seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Report() {
			if !p.Holds() {
				t.Errorf("%s: %s %s on %s is %.2f, needs %.1f", seed, p.Theme, p.Fore, p.Ground, p.Ratio, p.Required)
			}
		}
	}
}

func TestHueIsKept(t *testing.T) {
	for _, seed := range []string{"#0b7a75", "#f5b301", "#8e24aa", "#e11d2e", "#38bdf8"} {
		s, err := New(seed)
		if err != nil {
			t.Fatal(err)
		}
		want, got := must(seed).oklch().h, s.light.solid.oklch().h
		if d := math.Abs(math.Remainder(want-got, 2*math.Pi)); d > 0.12 {
			t.Errorf("%s became %s, %.2f rad away", seed, s.light.solid, d)
		}
	}
}

func TestSheet(t *testing.T) {
	s, err := New("#0b7a75")
	if err != nil {
		t.Fatal(err)
	}
	css := string(s.CSS())
	for _, part := range []string{":root{--brand-mark:#0b7a75;", "prefers-color-scheme:dark", "[data-theme=dark]"} {
		if !strings.Contains(css, part) {
			t.Errorf("no %s in %s", part, css)
		}
	}
	if s.URL() != "/brand/"+s.Hash()+".css" || len(s.Hash()) != 16 {
		t.Error(s.URL())
	}
	other, err := New("#0b7a76")
	if err != nil {
		t.Fatal(err)
	}
	if other.Hash() == s.Hash() {
		t.Error("two brands share an address")
	}
}

func TestSeedMustBeAColour(t *testing.T) {
	for _, seed := range []string{"", "0b7a75", "#0b7", "#0b7a7g", "#0b7a75;}", "red"} {
		if _, err := New(seed); err == nil {
			t.Errorf("%q was taken for a colour", seed)
		}
	}
}
