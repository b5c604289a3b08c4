package archive

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxName      = 120 // bytes; ecryptfs allows 143, and a folder stands before it
	maxExtension = 20  // bytes, with the dot; a longer one is no extension
)

// Names gives each attachment of one folder a name that every system can store: unique there even where case and
// Unicode form do not count, and the same each time the same names come in the same order. The zero value is ready.
type Names struct {
	next map[uint64]int // by a hash of the folded name: the number to try for the next twin
}

// Name returns the safe name for an original one, which may be anything at all.
func (n *Names) Name(original string) string {
	stem, ext := split(clean(original))
	name := fit(stem, "", ext)
	if n.next == nil {
		n.next = map[uint64]int{}
	}
	key := fold(name)
	if n.next[key] == 0 {
		n.next[key] = 2
		return name
	}
	for {
		twin := fit(stem, fmt.Sprintf(" (%d)", n.next[key]), ext)
		n.next[key]++
		if k := fold(twin); n.next[k] == 0 {
			n.next[k] = 2
			return twin
		}
	}
}

// clean keeps the last element of a path, in composed form, without what a file system or a reader's eye could be
// misled by.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "_")
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = norm.NFC.String(strings.Map(safeRune, s)) // what was between two characters may have kept them apart
	s = strings.TrimSpace(s)
	if dots := len(s) - len(strings.TrimLeft(s, ". ")); dots > 0 {
		s = "_" + s[dots:] // a hidden file would seem to be missing
	}
	s = strings.TrimRight(s, ". ")
	if s == "" || s == "_" {
		return "file"
	}
	if reserved.MatchString(s) {
		s = "_" + s
	}
	return s
}

// safeRune replaces what some system forbids and drops what is not seen: marks of direction, which can make a name read
// backwards, and other formatting, but for the joiners that emoji and several scripts are written with.
func safeRune(r rune) rune {
	switch {
	case strings.ContainsRune(`<>:"|?*`, r), unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
		return '_'
	case r == '\u200c', r == '\u200d':
		return r
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// reserved are the names of devices on Windows, with any extension.
// Source: Microsoft Learn, "Naming Files, Paths, and Namespaces".
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)`)

func split(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || len(name)-i > maxExtension || strings.TrimRight(name[:i], ". ") == "" {
		return name, ""
	}
	return strings.TrimRight(name[:i], ". "), name[i:]
}

// fit joins the parts and shortens the stem where needed, between characters.
func fit(stem, number, ext string) string {
	room := maxName - len(number) - len(ext)
	if len(stem) > room {
		for room > 0 && !utf8.RuneStart(stem[room]) {
			room--
		}
		stem = strings.TrimRight(stem[:room], ". \u200d")
	}
	return stem + number + ext
}

// fold maps names that some file system takes for one to one number.
func fold(name string) uint64 {
	name = strings.Map(func(r rune) rune {
		if r == '\u200c' || r == '\u200d' {
			return -1
		}
		return r
	}, name)
	h := fnv.New64a()
	_, _ = h.Write([]byte(norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))))
	return h.Sum64()
}
