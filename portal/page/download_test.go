package page_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
)

// A file that fails before its first byte becomes a page; one that fails later breaks off, so that no half file seems whole.
func TestAFileThatFailsNeverSeemsWhole(t *testing.T) {
	broken := errors.New("the table is gone")
	try := func(before string) (rec *httptest.ResponseRecorder, err error, aborted bool) {
		rec = httptest.NewRecorder()
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), rec)
		defer func() {
			if r := recover(); r != nil {
				cause, ok := r.(error)
				aborted = ok && errors.Is(cause, http.ErrAbortHandler)
			}
		}()
		err = page.WriteFile(c, "table.csv", page.CSV, func(w io.Writer) error {
			_, _ = io.WriteString(w, before)
			return broken
		})
		return rec, err, aborted
	}
	rec, err, aborted := try("some lines")
	if !errors.Is(err, broken) || aborted || rec.Body.Len() != 0 || rec.Header().Get("Content-Disposition") != "" {
		t.Errorf("an early fault: %v, aborted %t, %d bytes, %v", err, aborted, rec.Body.Len(), rec.Header())
	}
	if _, _, aborted := try(strings.Repeat("x", 100_000)); !aborted {
		t.Error("a late fault ends the file as if it were whole")
	}
}
