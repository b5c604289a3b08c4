package page

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// longestFileName is how much of an uploaded file's name is kept, in characters.
const longestFileName = 200

// ReadUpload opens the one file that a form with enctype multipart/form-data sends, without holding it: name is what its sender
// calls it, as it may be shown and stored. The body's limit is the route's. An error with Fields says that no file was chosen;
// ErrForm is what none of our pages would send.
func ReadUpload(c echo.Context, field string) (name string, file io.Reader, err error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return "", nil, echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	if r.URL.RawQuery != "" {
		return "", nil, ErrForm
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return "", nil, ErrForm.Wrap(err)
	}
	part, err := parts.NextPart()
	switch {
	case errors.Is(err, io.EOF):
		return "", nil, errInput.Field(field, "fault.input.file", nil)
	case err != nil:
		return "", nil, ErrForm.Wrap(err)
	case part.FormName() != field:
		return "", nil, ErrForm
	}
	name, _ = Line("", longestFileName).clean(path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")))
	if name == "" || name == "." || name == "/" { // a browser sends a file part without a name when nothing was chosen
		return "", nil, errInput.Field(field, "fault.input.file", nil)
	}
	return name, part, nil
}
