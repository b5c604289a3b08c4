package source

import (
	"fmt"
	"strings"
)

// parameter is the one name that a query may use.
const parameter = "customer_id"

// Bind checks a dataset's query and replaces each :customer_id by $1. Strings, quoted names, comments, dollar quotes and
// casts are left alone. It refuses other parameters, more than one statement, and a query that does not use the
// parameter at all, since that would hand out every customer's rows.
//
// Source: PostgreSQL documentation, chapter 4.1, "Lexical Structure".
func Bind(sql string) (string, error) {
	s := scanner{in: strip(sql), mark: "$1"}
	if err := s.run(s.token); err != nil {
		return "", err
	}
	return s.out.String(), s.end()
}

// end refuses a query that is empty or about everybody.
func (s *scanner) end() error {
	if strings.TrimSpace(s.in) == "" {
		return fmt.Errorf("the query is empty")
	}
	if s.bound == 0 {
		return fmt.Errorf("the query does not use :%s, so it would return every customer's rows", parameter)
	}
	return nil
}

// scanner walks through SQL and copies it to out.
type scanner struct {
	in    string
	mark  string // what a parameter becomes
	pos   int
	out   strings.Builder
	bound int
}

func (s *scanner) run(token func() (int, error)) error {
	for s.pos < len(s.in) {
		n, err := token()
		if err != nil {
			return err
		}
		s.copy(n)
	}
	return nil
}

// token returns the length of what begins at pos and is to be copied; a parameter is written by itself.
func (s *scanner) token() (int, error) {
	rest := s.in[s.pos:]
	switch c := rest[0]; {
	case c == 0:
		return 0, s.fail("a NUL character")
	case c == '\'':
		return s.quoted('\'', s.escapes())
	case c == '"':
		return s.quoted('"', false)
	case strings.HasPrefix(rest, "--"):
		return lineLength(rest), nil
	case strings.HasPrefix(rest, "/*"):
		return s.comment()
	case c == '$':
		return s.dollar()
	case c == ';':
		return 0, s.fail("a second statement")
	case strings.HasPrefix(rest, "::") || strings.HasPrefix(rest, ":="):
		return 2, nil
	case c == ':':
		return s.named()
	case isWordStart(c):
		return wordLength(rest), nil
	}
	return 1, nil
}

func (s *scanner) copy(n int) {
	s.out.WriteString(s.in[s.pos : s.pos+n])
	s.pos += n
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("the query has %s at character %d", what, len([]rune(s.in[:s.pos]))+1)
}

// escapes reports whether the string at pos is of the form E'...', in which a backslash escapes.
func (s *scanner) escapes() bool {
	if s.pos == 0 || (s.in[s.pos-1] != 'e' && s.in[s.pos-1] != 'E') {
		return false
	}
	return s.pos == 1 || !isWord(s.in[s.pos-2])
}

func (s *scanner) quoted(quote byte, escapes bool) (int, error) {
	rest := s.in[s.pos:]
	for i := 1; i < len(rest); i++ {
		switch {
		case escapes && rest[i] == '\\':
			i++
		case rest[i] == quote && i+1 < len(rest) && rest[i+1] == quote:
			i++
		case rest[i] == quote:
			return i + 1, nil
		}
	}
	return 0, s.fail("a quote without end")
}

// comment measures a block comment; PostgreSQL's nest.
func (s *scanner) comment() (int, error) {
	rest, depth := s.in[s.pos:], 0
	for i := 0; i+1 < len(rest); {
		switch rest[i : i+2] {
		case "/*":
			depth, i = depth+1, i+2
		case "*/":
			if depth, i = depth-1, i+2; depth == 0 {
				return i, nil
			}
		default:
			i++
		}
	}
	return 0, s.fail("a comment without end")
}

// dollar measures a dollar-quoted string.
func (s *scanner) dollar() (int, error) {
	rest := s.in[s.pos:]
	if len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
		return 0, s.fail("a numbered parameter (write :" + parameter + ")")
	}
	tag := 1
	if tag < len(rest) && isWordStart(rest[tag]) {
		for tag < len(rest) && isWord(rest[tag]) && rest[tag] != '$' {
			tag++
		}
	}
	if tag >= len(rest) || rest[tag] != '$' {
		return 1, nil
	}
	mark := rest[:tag+1]
	end := strings.Index(rest[tag+1:], mark)
	if end < 0 {
		return 0, s.fail("a dollar quote without end")
	}
	return tag + 1 + end + len(mark), nil
}

// named replaces :customer_id and refuses any other name. A colon before anything else, as in an array's slice, stays.
func (s *scanner) named() (int, error) {
	rest := s.in[s.pos+1:]
	if rest == "" || !isWordStart(rest[0]) {
		return 1, nil
	}
	name := rest[:wordLength(rest)]
	if name != parameter {
		return 0, s.fail(fmt.Sprintf("the unknown parameter :%s (only :%s is known)", name, parameter))
	}
	s.out.WriteString(s.mark)
	s.pos += 1 + len(name)
	s.bound++
	return 0, nil
}

func lineLength(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 0x80 || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

// isWord includes the dollar, which PostgreSQL allows inside a name, so that a$b$ is no quote.
func isWord(c byte) bool { return isWordStart(c) || c == '$' || (c >= '0' && c <= '9') }

func strip(sql string) string { return strings.TrimRight(sql, "; \t\r\n") }
