package spreadsheet

import (
	"unicode"
	"unicode/utf8"
)

// Mark is the byte order mark by which Excel knows that a file is UTF-8.
const Mark = "\ufeff"

// Defused puts an apostrophe before a value that a spreadsheet could run, also where the dangerous sign comes after blanks or
// invisible characters, which some programs skip, or is a full-width one, which some read as the plain one. Source: OWASP, CSV
// injection.
func Defused(v string) string {
	if Runs(v) {
		return "'" + v
	}
	return v
}

// Runs reports whether a spreadsheet could run a value.
func Runs[T string | []byte](v T) bool {
	for i := 0; i < len(v); {
		r, size := decode(v[i:])
		switch r {
		case '=', '+', '-', '@', '|', '%', '\t', '\r', '\n', '＝', '＋', '－', '＠', '｜', '％':
			return true
		}
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) {
			return false
		}
		i += size
	}
	return false
}

func decode[T string | []byte](v T) (rune, int) {
	if v[0] < utf8.RuneSelf {
		return rune(v[0]), 1
	}
	return utf8.DecodeRuneInString(string(v[:min(len(v), utf8.UTFMax)]))
}
