package source

import (
	"errors"
	"fmt"
	"strings"
)

// Placeholder stands for the customer's reference in paths, prefixes and queries.
const Placeholder = ":" + parameter

// IsDots reports whether a segment of a path leads out of it.
func IsDots(segment string) bool { return segment == "." || segment == ".." }

// OnlyPlaceholder refuses parameters other than :customer_id. A colon inside a word, as in /items:all, is none.
func OnlyPlaceholder(text string) error {
	for i := range len(text) {
		if text[i] != ':' {
			continue
		}
		name := text[i+1:]
		name = name[:wordLength(name)]
		switch {
		case name == parameter, name == "", i > 0 && isWord(text[i-1]) && !strings.HasPrefix(name, parameter):
		default:
			return fmt.Errorf("the unknown parameter :%s (only %s is known)", name, Placeholder)
		}
	}
	return nil
}

// IsLetterOrDigit reports whether r is of ASCII; every source takes these for themselves.
func IsLetterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// CheckReference refuses what no source without SQL may be asked with.
func CheckReference(customer string) error {
	switch {
	case customer == "":
		return errors.New("a snapshot without a customer can only check")
	case strings.ContainsFunc(customer, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }):
		return errors.New("the customer's reference has control characters or is not UTF-8")
	}
	return nil
}

// NoSQL is the error for SQL that a source without SQL is asked with; what names the source.
func NoSQL(what string) error {
	return &Error{Kind: Invalid, Cause: fmt.Errorf("%s answers no SQL; read the customers from a database, or import a file", what)}
}
