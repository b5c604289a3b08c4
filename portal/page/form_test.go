package page_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/portal/page"
)

func post(target, body string) echo.Context {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return echo.New().NewContext(r, httptest.NewRecorder())
}

func TestI02_FormsOfOtherShapesAreRefused(t *testing.T) {
	inputs := []page.Input{page.Line("name", 20), page.Choices("datasets", 3)}
	for _, c := range []struct{ target, body string }{
		{"/x", "name=a&name=b"},
		{"/x?name=a", "name=b"},
		{"/x?name=a", ""},
		{"/x", "datasets=a&datasets=b&datasets=c&datasets=d"},
		{"/x", "name=%zz"},
		{"/x", "name=a;datasets=b"},
	} {
		if _, err := page.ReadForm(post(c.target, c.body), inputs...); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s with %s: %v", c.target, c.body, err)
		}
	}
}

func TestZ04_UnknownFieldsAreRefused(t *testing.T) {
	for _, body := range []string{"state=ready", "name=a&customer=b", "role=owner", "NAME=a"} {
		if _, err := page.ReadForm(post("/x", body), page.Line("name", 20)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestI01_ValuesAreRefusedBesideTheFieldOrMadeInert(t *testing.T) {
	for _, c := range []struct{ value, want, key string }{
		{"", "", ""},
		{"  plain ", "plain", ""},
		{"two\r\nlines", "two lines", ""},
		{"a\x00b", "ab", "fault.input.text"},
		{"a\xffb", "ab", "fault.input.text"},
		{"\u202eabc", "\u202eabc", ""},
		{"👩\u200d💻", "👩\u200d💻", ""},
		{"<script>", "<script>", ""},
		{"bell\x07", "bell", ""},
		{strings.Repeat("字", 20), strings.Repeat("字", 20), ""},
		{strings.Repeat("字", 21), strings.Repeat("字", 20), "fault.input.long"},
	} {
		form, err := page.ReadForm(post("/x", url.Values{"name": {c.value}}.Encode()), page.Line("name", 20))
		key := ""
		if e, ok := fault.As(err); ok {
			key = e.Fields[0].Key
		} else if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{c.want, c.key}, []string{form.Get("name"), key}); diff != "" {
			t.Errorf("%q: %s", c.value, diff)
		}
	}
}
