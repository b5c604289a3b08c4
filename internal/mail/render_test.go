package mail

import "testing"

func TestTheBrandsColourIsUsedWhereItCanBeRead(t *testing.T) {
	for colour, want := range map[string]string{
		"#7a3b0b": "#7a3b0b", "#000000": "#000000", "#ffd166": ownColour, "#ffffff": ownColour, "": ownColour,
		"red": ownColour, "#12345": ownColour, "#12345g": ownColour, "#fff;}x": ownColour,
	} {
		if got := readable(colour); got != want {
			t.Errorf("%q became %s, want %s", colour, got, want)
		}
	}
}
