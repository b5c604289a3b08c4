package migration

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFileSize = 512 << 10 // a programme for fifty datasets in two languages has a fifth of this
	maxTokens   = 20_000    // of which such a programme has half; the parser takes quadratic time on hostile ones
	maxDepth    = 32        // a programme has eight levels
)

// ReadYAML reads one document of ours, such as a template, into a struct whose fields have yaml tags, under the same bounds as the
// programme file. It reports every fault, with its place, and returns a function that gives the place of a path, such as
// items[3].due, for the checks that follow: 0, 0 where the document has no such path.
func ReadYAML(src []byte, into any) (at func(path string) (line, column int), findings Findings) {
	d := decoder{at: map[string]position{}}
	root, bad := parseYAML(src)
	if bad != nil {
		return func(string) (int, int) { return 0, 0 }, Findings{*bad}
	}
	d.decode(root, reflect.ValueOf(into).Elem(), "")
	return func(path string) (int, int) { p := d.at[path]; return p.line, p.column }, d.findings
}

// parseYAML returns the root of the one document in src, or the finding that keeps it from being read. Size, tokens and
// depth are bounded before the recursive parser sees the text.
func parseYAML(src []byte) (ast.Node, *Finding) {
	whole := func(format string, args ...any) *Finding {
		return &Finding{Level: LevelError, Message: fmt.Sprintf(format, args...)}
	}
	if len(src) > maxFileSize {
		return nil, whole("the file has %d bytes; at most %d are read", len(src), maxFileSize)
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if bad := badUTF8(src); bad != nil {
		return nil, bad
	}
	tokens := lexer.Tokenize(string(src))
	if len(tokens) > maxTokens {
		return nil, whole("the file has %d YAML tokens; at most %d are read", len(tokens), maxTokens)
	}
	if deep := tooDeep(tokens); deep != nil {
		return nil, deep
	}
	file, err := parse(src)
	if err != nil {
		return nil, syntaxFinding(err)
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		at := file.Docs[1].Body.GetToken().Position
		return nil, &Finding{Line: at.Line, Column: at.Column, Level: LevelError, Message: "a second document begins here; a programme is one document"}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, whole("the file is empty")
	}
	return file.Docs[0].Body, nil
}

// parse allows duplicate keys, since the decoder reports them all and the parser only the first. The parser is known to
// panic on some malformed input, which is the file's fault and must not end a server.
func parse(src []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("this is no YAML: %v", r)
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

func syntaxFinding(err error) *Finding {
	f := &Finding{Level: LevelError, Message: err.Error()}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		f.Message = syntax.GetMessage()
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	return f
}

func badUTF8(src []byte) *Finding {
	for n, line := range bytes.Split(src, []byte("\n")) {
		for i, column := 0, 1; i < len(line); column++ {
			r, size := utf8.DecodeRune(line[i:])
			if r == utf8.RuneError && size == 1 || r == 0 {
				return &Finding{Line: n + 1, Column: column, Level: LevelError, Message: "a byte that is not UTF-8 text; save the file as UTF-8"}
			}
			i += size
		}
	}
	return nil
}

// tooDeep finds nesting that no programme has. Brackets are counted; in block style each level takes at least one column
// more than the one around it, so the column bounds the depth.
func tooDeep(tokens token.Tokens) *Finding {
	depth, line := 0, 0
	for _, t := range tokens {
		first := t.Position.Line != line
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth = max(0, depth-1)
		}
		block := t.Type == token.SequenceEntryType || t.Type == token.MappingKeyType || first && depth == 0 && t.Type == token.StringType
		if depth > maxDepth || block && t.Position.Column > 4*maxDepth {
			return &Finding{Line: t.Position.Line, Column: t.Position.Column, Level: LevelError, Message: "nested too deep for a programme"}
		}
	}
	return nil
}
