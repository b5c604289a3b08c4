package page_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
)

func TestSkeletonSendsWhatItsPageWouldBe(t *testing.T) {
	marks := page.NewMarks(3)
	long := strings.Repeat("<li>长</li>", 400)
	text := func(v ...string) string {
		return "<p>" + v[0] + "</p>" + strings.Repeat("shared ", 300) + v[1] + v[0] + "<hr>" + v[2]
	}
	s, err := page.Carve([]byte(text(marks...)), marks)
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range [][]string{{"a", "b", "c"}, {"", "", ""}, {"林晓雯", long, strings.Repeat("x", 201)}, {strings.Repeat("y", 200), long, ""}} {
		for _, encoding := range []string{"", "gzip", "gzip;q=0", "br, gzip;q=0.5"} {
			r, rec := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", encoding)
			if err := s.Send(echo.New().NewContext(r, rec), 200, []byte(values[0]), []byte(values[1]), []byte(values[2])); err != nil {
				t.Fatal(err)
			}
			var body io.Reader = bytes.NewReader(rec.Body.Bytes())
			if rec.Header().Get("Content-Encoding") == "gzip" {
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(body)
			if err != nil || string(got) != text(values...) {
				t.Errorf("%q: %v, %d bytes instead of %d", encoding, err, len(got), len(text(values...)))
			}
		}
	}
}
