package page

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
)

// MaxBody is how much a request may carry unless its route says otherwise.
const MaxBody = 64 << 10

// ErrForm is a form that no page of ours sends: fields twice, unknown fields, fields in the address, another encoding.
var ErrForm = fault.New(fault.Invalid, "fault.form")

// errInput carries the faults of single fields.
var errInput = fault.New(fault.Invalid, "fault.input")

// Input declares one field that a form may have.
type Input struct {
	name  string
	limit int  // characters in a value
	many  int  // values; 0 means one
	lines bool // line breaks are kept
	tabs  bool // and tabs, which spreadsheets put between copied cells
}

// Line is one line of text of at most limit characters.
func Line(name string, limit int) Input { return Input{name: name, limit: limit} }

// Text is text of several lines, of at most limit characters.
func Text(name string, limit int) Input { return Input{name: name, limit: limit, lines: true} }

// Cells is text of several lines of at most limit characters, which may be copied from a spreadsheet.
func Cells(name string, limit int) Input {
	return Input{name: name, limit: limit, lines: true, tabs: true}
}

// Choices is a group of check boxes: up to many values of at most 200 characters each.
func Choices(name string, many int) Input { return Input{name: name, limit: 200, many: many} }

// Faults are what is wrong with single fields, in the reader's language, by their names; empty where err is about no field.
func (v *Visit) Faults(err error) map[string]string {
	f, ok := fault.As(err)
	if !ok || len(f.Fields) == 0 {
		return nil
	}
	texts := map[string]string{}
	for _, x := range f.Fields {
		args := make([]any, 0, 2*len(x.Args))
		for k, a := range x.Args {
			args = append(args, k, a)
		}
		texts[x.Name] = v.Locale.T(x.Key, args...)
	}
	return texts
}

// Form holds what was read. Values have no spaces around them, are valid UTF-8 and free of control characters.
type Form struct {
	values map[string][]string
}

// Get returns the one value of a field; empty where it was left out.
func (f Form) Get(name string) string {
	if v := f.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// All returns the values of a group.
func (f Form) All(name string) []string { return f.values[name] }

// Has reports whether the field was sent at all.
func (f Form) Has(name string) bool { return f.values[name] != nil }

// ReadForm reads the body of a POST that has exactly the given fields, all of them optional. It refuses with ErrForm what
// none of our pages would send. An error with Fields names the faulty values; the Form is usable then, too, to show what
// was sent.
func ReadForm(c echo.Context, inputs ...Input) (Form, error) {
	r := c.Request()
	if r.URL.RawQuery != "" {
		return Form{}, ErrForm
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Form{}, err
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(body) > 0 && (err != nil || kind != "application/x-www-form-urlencoded") {
		return Form{}, Refuse(http.StatusUnsupportedMediaType)
	}
	sent, err := url.ParseQuery(string(body))
	if err != nil {
		return Form{}, ErrForm.Wrap(errors.New("body is not urlencoded"))
	}
	for name := range sent {
		if !slices.ContainsFunc(inputs, func(in Input) bool { return in.name == name }) {
			return Form{}, ErrForm
		}
	}
	return take(sent, inputs)
}

// ReadQuery reads the fields of a GET form from the address. Unknown ones are left alone, since links gain parameters on
// their way; a field of ours that comes twice is refused.
func ReadQuery(c echo.Context, inputs ...Input) (Form, error) {
	sent, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return Form{}, ErrForm.Wrap(errors.New("query is not urlencoded"))
	}
	return take(sent, inputs)
}

// WholeQuery reads everything in the address, for what other programs and not our forms have written. It refuses with ErrForm
// what no text has: the character NUL, and bytes that are no UTF-8. The database stores neither.
func WholeQuery(c echo.Context) (url.Values, error) {
	sent := c.QueryParams()
	for name, values := range sent {
		if unfit(name) || slices.ContainsFunc(values, unfit) {
			return nil, ErrForm
		}
	}
	return sent, nil
}

// unfit reports whether a value has what no text has.
func unfit(v string) bool { return !utf8.ValidString(v) || strings.ContainsRune(v, 0) }

func take(sent url.Values, inputs []Input) (Form, error) {
	form, refusal := Form{values: map[string][]string{}}, errInput
	for _, in := range inputs {
		values, ok := sent[in.name]
		if !ok {
			continue
		}
		if len(values) > max(1, in.many) {
			return Form{}, ErrForm
		}
		for _, v := range values {
			clean, key := in.clean(v)
			if key != "" {
				refusal = refusal.Field(in.name, key, map[string]any{"Limit": in.limit})
			}
			form.values[in.name] = append(form.values[in.name], clean)
		}
	}
	if len(refusal.Fields) > 0 {
		return form, refusal
	}
	return form, nil
}

// clean returns a value as it may be shown and stored, and the key of what is wrong with it.
func (in Input) clean(v string) (clean, key string) {
	if unfit(v) {
		return strings.Map(in.visible, strings.ToValidUTF8(v, "")), "fault.input.text"
	}
	v = strings.TrimSpace(strings.Map(in.visible, strings.ReplaceAll(v, "\r\n", "\n")))
	if utf8.RuneCountInString(v) > in.limit {
		return string([]rune(v)[:in.limit]), "fault.input.long"
	}
	return v, ""
}

func (in Input) visible(r rune) rune {
	switch {
	case r == '\n' && in.lines, r == '\t' && in.tabs:
		return r
	case r == '\n' || r == '\r' || r == '\t':
		return ' '
	case unicode.IsControl(r):
		return -1
	}
	return r
}
