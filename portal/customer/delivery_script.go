package customer

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"offramp/internal/locale"
)

// Kinds of scripts.
const (
	shellScript      = "sh"
	powerShellScript = "ps1"
)

//go:embed delivery_script.sh.tmpl
var shellSource string

//go:embed delivery_script.ps1.tmpl
var powerShellSource string

var scripts = map[string]*template.Template{
	shellScript:      template.Must(template.New("sh").Funcs(template.FuncMap{"q": shellQuote}).Parse(shellSource)),
	powerShellScript: template.Must(template.New("ps1").Funcs(template.FuncMap{"q": powerShellQuote}).Parse(powerShellSource)),
}

// scriptFile is one file that a script downloads.
type scriptFile struct {
	Number int
	Name   string
	Size   int64
	SHA256 string
}

// script is what a download script is made of. Everything in it is quoted where it is written, whatever it holds.
type script struct {
	l       *locale.Locale
	Title   string
	Until   string
	Address string // of the downloads, without the number
	Token   string
	Direct  bool // the portal sends the files itself, instead of leading to the store
	Files   []scriptFile
}

// T words a message of the script.
func (s script) T(key string) string { return s.l.T("delivery.script." + key) }

// Tag is the reader's language, which the portal's refusals shall have, too.
func (s script) Tag() string { return s.l.Tag() }

// render writes the script: for PowerShell with the byte order mark without which version 5.1 reads another encoding, and
// with the line ends of Windows.
func (s script) render(kind string) ([]byte, error) {
	var out bytes.Buffer
	if err := scripts[kind].Execute(&out, s); err != nil {
		return nil, fmt.Errorf("write script: %w", err)
	}
	if kind == powerShellScript {
		return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n"))...), nil
	}
	return out.Bytes(), nil
}

// shellQuote makes one word of any text for a POSIX shell: within single quotes nothing is special but the quote.
// Source: POSIX.1-2024, XCU section 2.2.2.
func shellQuote(v any) string {
	return "'" + strings.ReplaceAll(oneLine(fmt.Sprint(v)), "'", `'\''`) + "'"
}

// powerShellQuote makes one verbatim string of any text. PowerShell takes the typographic quotes for quotes, too.
// Source: PowerShell reference, "about_Quoting_Rules".
func powerShellQuote(v any) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range oneLine(fmt.Sprint(v)) {
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

// oneLine drops what could end a line or turn it round.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

// localName is a name that every file system takes and that stays in the folder, whatever the customer's number holds.
func localName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || strings.ContainsRune(`/\:*?"<>|`, r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.TrimLeft(name, "-. "); strings.Trim(name, "_ .") == "" {
		return "export.zip"
	}
	if len(name) > maxLocalName { // the end tells the volumes apart
		const tail = 60
		name = strings.ToValidUTF8(name[:maxLocalName-tail], "") + strings.ToValidUTF8(name[len(name)-tail:], "")
	}
	return name
}

// maxLocalName leaves room below the 255 bytes that file systems take, for the endings of unfinished files.
const maxLocalName = 180
