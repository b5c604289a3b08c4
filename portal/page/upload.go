package page

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// longestFileName is how much of an uploaded file's name is kept, in characters.
const longestFileName = 200

// File is a file that somebody sends, not yet read.
type File struct {
	Name string // what its sender calls it, without folders, as it may be shown and stored
	io.Reader
}

// ReadUpload opens the one file that a form with enctype multipart/form-data sends, without holding it: name is what its sender
// calls it, as it may be shown and stored. The body's limit is the route's. An error with Fields says that no file was chosen;
// ErrForm is what none of our pages would send.
func ReadUpload(c echo.Context, field string) (name string, file io.Reader, err error) {
	parts, err := multiparts(c)
	if err != nil {
		return "", nil, err
	}
	part, err := parts.NextPart()
	switch {
	case errors.Is(err, io.EOF):
		return "", nil, NoFile(field)
	case err != nil:
		return "", nil, ErrForm.Wrap(err)
	case part.FormName() != field:
		return "", nil, ErrForm
	}
	if name = fileName(part); name == "" {
		return "", nil, NoFile(field)
	}
	return name, part, nil
}

// NoFile is the error that says beside a field that no file was chosen.
func NoFile(field string) error { return errInput.Field(field, "fault.input.file", nil) }

// ReadFormWithFile reads a form as ReadForm does that may send one file behind its fields. The file is not held, and may take as
// long as it moves, up to a limit. It is nil where none was chosen. What comes behind it is not read.
func ReadFormWithFile(c echo.Context, field string, inputs ...Input) (Form, *File, error) {
	r := c.Request()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
		r.Body = http.MaxBytesReader(c.Response(), r.Body, MaxBody) // the route's room is for the file
		form, err := ReadForm(c, inputs...)
		return form, nil, err
	}
	steady(c)
	parts, err := multiparts(c)
	if err != nil {
		return Form{}, nil, err
	}
	sent, file := url.Values{}, (*File)(nil)
	for file == nil {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Form{}, nil, unreadable(err)
		}
		if part.FormName() == field {
			if name := fileName(part); name != "" {
				file = &File{Name: name, Reader: part}
			}
			continue
		}
		if err := readField(part, sent, inputs); err != nil {
			return Form{}, nil, err
		}
	}
	form, err := take(sent, inputs)
	return form, file, err
}

// unreadable keeps what has an answer of its own, such as a body that is too big or too slow.
func unreadable(err error) error {
	var big *http.MaxBytesError
	var late interface{ Timeout() bool }
	if errors.As(err, &big) || errors.As(err, &late) && late.Timeout() {
		return err
	}
	return ErrForm.Wrap(err)
}

// readField reads one field of a form that sends a file, too.
func readField(part *multipart.Part, sent url.Values, inputs []Input) error {
	name := part.FormName()
	if part.FileName() != "" || !slices.ContainsFunc(inputs, func(in Input) bool { return in.name == name }) {
		return ErrForm
	}
	value, err := io.ReadAll(io.LimitReader(part, MaxBody+1))
	if err != nil {
		return unreadable(err)
	}
	if sent[name] = append(sent[name], string(value)); len(value) > MaxBody || len(sent[name]) > MaxBody>>10 {
		return ErrForm
	}
	return nil
}

func multiparts(c echo.Context) (*multipart.Reader, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, Refuse(http.StatusUnsupportedMediaType)
	}
	if r.URL.RawQuery != "" {
		return nil, ErrForm
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, ErrForm.Wrap(err)
	}
	return parts, nil
}

// fileName is a part's name of a file; empty where nothing was chosen: a browser sends a file part without a name then.
func fileName(part *multipart.Part) string {
	name, _ := Line("", longestFileName).clean(path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")))
	if name == "." || name == "/" {
		return ""
	}
	return name
}

// Drain reads what is left of a form that was refused, within the route's limit: a browser that is still sending when the answer
// comes shows a broken connection in its place.
func Drain(c echo.Context) { _, _ = io.Copy(io.Discard, c.Request().Body) }

// How long a file may stand still on its way, and how long it may take.
const (
	uploadStall = 20 * time.Second
	uploadLimit = 10 * time.Minute
)

// steady lets a body take as long as it moves, and leaves time for the answer.
func steady(c echo.Context) {
	r := c.Request()
	r.Body = &steadyBody{ReadCloser: r.Body, control: Control(c), until: time.Now().Add(uploadLimit)}
}

type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time
}

// Read implements io.Reader.
func (b *steadyBody) Read(p []byte) (int, error) {
	next := time.Now().Add(uploadStall)
	if next.After(b.until) {
		next = b.until
	}
	_ = b.control.SetReadDeadline(next)
	_ = b.control.SetWriteDeadline(next.Add(time.Minute))
	return b.ReadCloser.Read(p)
}
