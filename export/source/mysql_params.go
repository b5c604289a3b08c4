package source

import (
	"fmt"
	"strings"
)

// BindMySQL is Bind for MySQL and MariaDB: each :customer_id becomes a question mark, of which it returns the number. It
// refuses what begins with another word than SELECT, WITH or VALUES, as these servers carry out some statements even where
// only reading is allowed, INTO, which writes files, and comments whose content they carry out.
//
// Source: MySQL manual, "Language Structure"; MariaDB documentation, "Comment Syntax".
func BindMySQL(sql string) (string, int, error) {
	s := mysqlScanner{scanner: scanner{in: strip(sql), mark: "?"}}
	if err := s.run(s.token); err != nil {
		return "", 0, err
	}
	return s.out.String(), s.bound, s.end()
}

// tableMySQL holds a query about all customers to the same rules.
func tableMySQL(sql string) (question, error) {
	s := mysqlScanner{scanner: scanner{in: strip(sql)}}
	err := s.run(s.token)
	if err == nil && s.bound > 0 {
		err = fmt.Errorf("the query is about all customers, so it has no use for :%s", parameter)
	}
	if err != nil {
		return question{}, &Error{Kind: Invalid, Cause: err}
	}
	return question{sql: s.out.String()}, nil
}

// mysqlScanner knows the server's own lexical rules with the session's sql_mode: a backslash escapes, and double quotes are
// around texts.
type mysqlScanner struct {
	scanner
	begun bool // the first word was seen
}

func (s *mysqlScanner) token() (int, error) {
	rest := s.in[s.pos:]
	switch c := rest[0]; {
	case c == 0:
		return 0, s.fail("a NUL character")
	case c == '\'' || c == '"':
		return s.quoted(c, true)
	case c == '`':
		return s.quoted('`', false)
	case c == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
		return untilLineEnd(rest), nil
	case strings.HasPrefix(rest, "/*"):
		return s.flatComment()
	case c == ';':
		return 0, s.fail("a second statement")
	case c == '?':
		return 0, s.fail("a parameter without a name (write :" + parameter + ")")
	case strings.HasPrefix(rest, ":="):
		return 0, s.fail("an assignment")
	case c == ':':
		return s.named()
	case c == '@':
		return 1 + wordLength(rest[1:]), nil
	case isWord(c):
		return s.word(rest[:wordLength(rest)])
	}
	return 1, nil
}

// word refuses words that do more than read.
func (s *mysqlScanner) word(word string) (int, error) {
	first := !s.begun
	s.begun = true
	switch strings.ToLower(word) {
	case "into":
		if s.pos == 0 || s.in[s.pos-1] != '.' { // after a dot it is a column
			return 0, s.fail("INTO, which writes")
		}
	case "select", "with", "values":
		first = false
	}
	if first {
		return 0, fmt.Errorf("the query begins with %q; it must be a SELECT", word)
	}
	return len(word), nil
}

// flatComment measures a block comment; here they do not nest.
func (s *mysqlScanner) flatComment() (int, error) {
	rest := s.in[s.pos:]
	if strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!") {
		return 0, s.fail("a comment that the server carries out")
	}
	end := strings.Index(rest[2:], "*/")
	if end < 0 {
		return 0, s.fail("a comment without end")
	}
	return end + 4, nil
}

// untilLineEnd is the length of a comment that only a line feed ends.
func untilLineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}
