package page

import (
	"bufio"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/export/storage"
)

// alone lets a file that somebody else made do nothing, should a browser show it after all.
const alone = "default-src 'none'; sandbox"

// SendFile sends somebody's file to be saved under a name, never to be shown in a page of ours, for as long as its bytes move. What
// fails before the first byte is returned and becomes a page; what fails later breaks the connection, so that no half file seems
// whole. Its length is not announced, for the same reason.
func SendFile(c echo.Context, name, mediaType string, body io.Reader) error {
	f := &sentFile{c: c, name: name, mediaType: mediaType, control: Control(c)}
	_, err := io.Copy(f, body)
	if err != nil && f.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// WriteFile is SendFile for a file that is made while it is sent: a table, a workbook.
func WriteFile(c echo.Context, name, mediaType string, write func(w io.Writer) error) error {
	f := &sentFile{c: c, name: name, mediaType: mediaType, control: Control(c)}
	b := bufio.NewWriterSize(f, 32<<10) // what fails in the beginning becomes a page
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	if err != nil && f.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// Media types of tables.
const (
	CSV  = "text/csv; charset=utf-8"
	XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

type sentFile struct {
	c               echo.Context
	name, mediaType string
	control         *http.ResponseController
	begun           bool
}

// Write implements io.Writer.
func (f *sentFile) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		h := f.c.Response().Header()
		h.Set("Content-Type", f.mediaType)
		h.Set("Content-Disposition", storage.Disposition(f.name))
		h.Set("Content-Security-Policy", alone)
		h.Set("Cache-Control", "private, no-store")
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(time.Minute))
	return f.c.Response().Write(b)
}
