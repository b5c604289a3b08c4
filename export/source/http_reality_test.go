package source_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/export/source"
	"offramp/migration"
)

// inTurn answers request n with the n-th text, in which HOST stands for the API's own address.
func inTurn(answers ...string) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, strings.ReplaceAll(answers[min(n, len(answers)-1)], "HOST", "http://"+r.Host+"/base"))
		n++
	}
}

// TestHTTPAListThatIsNotThereHasNoRows tries how serialisers write "nothing", and what looks alike and is not.
func TestHTTPAListThatIsNotThereHasNoRows(t *testing.T) {
	const refused = "!"
	for _, c := range []struct {
		name, items, total, answer, want string
	}{
		{"null", "data.items", "", `{"data":{"items":null},"meta":{"next":null}}`, ""},
		{"left out", "data.items", "", `{"data":{},"meta":{}}`, ""},
		{"left out, other members", "data.items", "", `{"data":{"count":0},"meta":{}}`, ""},
		{"empty object for an empty list", "data.items", "", `{"data":{"items":{}},"meta":{}}`, ""},
		{"PHP's empty parent", "data.items", "", `{"data":[],"meta":[]}`, ""},
		{"PHP's list with gaps", "data.items", "", `{"data":{"items":{"0":{"id":1,"body":"a"},"2":{"id":3,"body":"c"}}}}`, "1|a,3|c"},
		{"null with total 0", "data.items", "meta.total", `{"data":{"items":null},"meta":{"total":0}}`, ""},
		{"no data with total 0", "data.items", "meta.total", `{"meta":{"total":0}}`, ""},
		{"null at the top", "items", "", `{"items":null}`, ""},
		{"null beside an empty error", "items", "", `{"items":null,"error":null,"errors":[]}`, ""},

		{"null with a total of 3", "data.items", "meta.total", `{"data":{"items":null},"meta":{"total":3}}`, refused + "said that there are 3 rows, and gave 0"},
		{"an error", "data.items", "", `{"data":{},"error":{"code":17}}`, refused + "no list"},
		{"an error beside null", "items", "", `{"items":null,"message":"try later"}`, refused + "no list"},
		{"renamed", "data.items", "", `{"data":{"records":[{"id":1,"body":"a"}]}}`, refused + "no list"},
		{"nothing of it", "data.items", "", `{"status":"maintenance"}`, refused + "no list"},
		{"left out at the top", "items", "", `{"status":"maintenance"}`, refused + "no list"},
		{"another object", "data.items", "", `{"data":{"items":{"id":1,"body":"a"}}}`, refused + "an object in place of a list"},
		{"a text", "data.items", "", `{"data":{"items":"none"}}`, refused + "a string in place of a list"},
	} {
		s, _ := api(t, "&tries=1", inTurn(c.answer))
		q := request(byCursor)
		q.Request.Items, q.Request.Total = c.items, c.total
		got, err := readNotes(t, s, q)
		if want, fails := strings.CutPrefix(c.want, refused); fails != (err != nil) || fails && !strings.Contains(err.Error(), want) || !fails && strings.Join(got, ",") != want {
			t.Errorf("%s: %v, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func readNotes(t *testing.T, s source.Source, q source.Query) (rows []string, err error) {
	t.Helper()
	_, err = begin(t, s, "HZ-1").Rows(context.Background(), q, func(v [][]byte) error {
		rows = append(rows, string(v[0])+"|"+string(v[1]))
		return nil
	})
	return rows, err
}

// TestHTTPEndsWhereTheAPIEnds tries how APIs say that a page is the last, and how they say where the next one is.
func TestHTTPEndsWhereTheAPIEnds(t *testing.T) {
	page := func(rows, meta string) string { return `{"data":{"items":[` + rows + `]},"meta":{` + meta + `}}` }
	const one, two = `{"id":1,"body":"a"}`, `{"id":2,"body":"b"}`
	more := byCursor
	more.More = "meta.has_more"
	address := byCursor
	address.Parameter = ""
	for _, c := range []struct {
		name    string
		paging  migration.Paging
		answers []string
		want    string
	}{
		{"a cursor on the last page, an empty page behind", byCursor, []string{page(one, `"next":"x"`), page("", `"next":"x"`)}, "1|a"},
		{"the same with rows first", byCursor, []string{page(one, `"next":"x"`), page(two, `"next":"y"`), page("", `"next":"y"`)}, "1|a,2|b"},
		{"has_more ends", more, []string{page(one, `"next":"x","has_more":true`), page(two, `"next":"y","has_more":false`), page(`{"id":3,"body":"never"}`, "")}, "1|a,2|b"},
		{"has_more as a number", more, []string{page(one, `"next":"x","has_more":1`), page(two, `"next":"y","has_more":0`)}, "1|a,2|b"},
		{"has_more left out", more, []string{page(one, `"next":"x"`), page(two, `"next":null`)}, "1|a,2|b"},
		{"next is false", byCursor, []string{page(one, `"next":false`)}, "1|a"},
		{"the whole next address, a parameter set", byCursor, []string{page(one, `"next":"HOST/accounts/HZ-1/notes?page=2"`), page(two, `"next":null`)}, "1|a,2|b"},
		{"the whole next address", address, []string{page(one, `"next":"HOST/accounts/HZ-1/notes?page=2"`), page(two, `"next":""`)}, "1|a,2|b"},
		{"a path", address, []string{page(one, `"next":"/base/other?page=2"`), page(two, "")}, "1|a,2|b"},
		{"a query", address, []string{page(one, `"next":"?page=2"`), page(two, "")}, "1|a,2|b"},

		{"an address elsewhere", byCursor, []string{page(one, `"next":"https://evil.example.com/x?page=2"`)}, "!lies at https://evil.example.com, not at the source"},
		{"has_more without a way", more, []string{page(one, `"has_more":true`)}, `!"meta.has_more" says that there is more`},
		{"has_more is an object", more, []string{page(one, `"has_more":{"a":1}`)}, `!is an object but neither true nor false`},
		{"empty pages that promise more", more, []string{page(one, `"next":"x","has_more":true`), page("", `"next":"x","has_more":true`)}, "!go in circles"},
		{"rows behind the same cursor", byCursor, []string{page(one, `"next":"x"`), page(two, `"next":"x"`)}, "!go in circles"},
	} {
		s, _ := api(t, "&tries=1", inTurn(c.answers...))
		got, err := readNotes(t, s, request(c.paging))
		if want, fails := strings.CutPrefix(c.want, "!"); fails != (err != nil) || fails && !strings.Contains(err.Error(), want) || !fails && strings.Join(got, ",") != want {
			t.Errorf("%s: %v, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// TestHTTPFollowsTheAddressItWasGiven: what the address asks for arrives, with the secret, and nothing is added to it.
func TestHTTPFollowsTheAddressItWasGiven(t *testing.T) {
	var asked []string
	s, _ := api(t, "", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		next := "null"
		if len(asked) == 1 {
			next = `"http://` + r.Host + `/base/cursor/a%2Fb?page=2&after=#part"`
		}
		fmt.Fprintf(w, `{"data":{"items":[{"id":%d,"body":""}]},"meta":{"next":%s}}`, len(asked), next)
	})
	q := request(byCursor)
	q.Request.Paging.Size, q.Request.Paging.SizeParameter = 50, "size"
	if _, err := readNotes(t, s, q); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/base/accounts/HZ-1/notes?size=50", "/base/cursor/a%2Fb?page=2&after="}, asked); diff != "" {
		t.Error(diff)
	}
}

// TestHTTPOneRowThatIsNotAsDeclaredCostsItself: where the reader says what is to stand for it, the others come.
func TestHTTPOneRowThatIsNotAsDeclaredCostsItself(t *testing.T) {
	instead := []byte("!")
	many := strings.Repeat(`{"id":"x","body":"b"},`, 5000) + `{"id":1,"body":"b"}`
	for _, c := range []struct{ rows, want, fault string }{
		{`{"id":1,"body":"a"},{"id":"HZ","body":"b"},7,{"id":4,"body":"d"}`, "1|a,!|b,!|!,4|d", ""},
		{`{"id":"HZ","body":"b"}`, "!|b", ""},
		{`{"id":"HZ","body":"b"},{"id":"HZ","body":"b"}`, "", `column "id": row 1 has a string that is no integer`},
		{many, "", `column "id": row 1 has a string`},
		{`{"id":1,"body":"a","new":2},{"id":2,"body":"b"}`, "", `the field "new", which is not declared`},
	} {
		s, _ := api(t, "&tries=1", inTurn(`{"data":{"items":[`+c.rows+`]}}`))
		q := request(byCursor)
		q.Unconverted = instead
		got, err := readNotes(t, s, q)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) || err == nil && strings.Join(got, ",") != c.want {
			t.Errorf("%.60s: %v, %v", c.rows, got, err)
		}
		if w, err := begin(t, s, "HZ-1").Weigh(context.Background(), q); c.fault == "" && (err != nil || w.Rows != int64(len(got))) {
			t.Errorf("%.60s: weighs %+v, %v", c.rows, w, err)
		}
	}
}

// TestHTTPErrorsQuoteNothing puts a customer's words wherever an API may put them, and looks for them in the error.
func TestHTTPErrorsQuoteNothing(t *testing.T) {
	const words = "Wang's salary is 9000"
	say := func(code int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	const j = "application/json"
	for name, answer := range map[string]http.HandlerFunc{
		"object for a list":       say(200, j, `{"data":{"items":{"x":{"id":1,"body":"`+words+`"}}}}`),
		"no list":                 say(200, j, `{"`+words+`":1,"error":"`+words+`"}`),
		"no JSON":                 say(200, "text/plain", words),
		"HTML":                    say(200, "text/html", "<p>"+words),
		"media type":              say(200, words, words),
		"cut":                     say(200, j, `{"data":{"items":[{"id":1,"body":"`+words),
		"broken":                  say(200, j, `{"data":{"items":[`+words+`]}}`),
		"a value of another type": say(200, j, `{"data":{"items":[{"id":"`+words+`","body":"x"}]}}`),
		"a field named so":        say(200, j, `{"data":{"items":[{"id":1,"body":"x","`+words+`":1}]}}`),
		"half a character":        say(200, j, `{"data":{"items":[{"id":1,"body":"x","`+words+`\ud83d":1}]}}`),
		"cursor":                  say(200, j, `{"data":{"items":[]},"meta":{"next":{"a":"`+words+`"}}}`),
		"400":                     say(400, j, `{"message":"`+words+`"}`),
		"403":                     say(403, "text/plain", words),
		"500":                     say(500, "text/plain", words),
	} {
		s, _ := api(t, "&tries=1", answer)
		_, err := readNotes(t, s, request(byCursor))
		if err == nil || strings.Contains(err.Error(), "Wang") || strings.Contains(err.Error(), "9000") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFieldNamesAreToldWhenTheyAreAProgrammers: support must see which column to declare.
func TestFieldNamesAreToldWhenTheyAreAProgrammers(t *testing.T) {
	s, _ := api(t, "&tries=1", inTurn(`{"data":{"items":[{"id":1,"body":"x","created_at":1}]}}`))
	if _, err := readNotes(t, s, request(byCursor)); err == nil || !strings.Contains(err.Error(), `the field "created_at", which is not declared`) {
		t.Error(err)
	}
}

// TestAPageThatKeepsFailingCostsItsOwnRows: pages with numbers are read on behind it; a cursor leads nowhere without its page, so that the
// rest is named as missing. Only when it was tried often enough, and never when the whole API fails.
func TestAPageThatKeepsFailingCostsItsOwnRows(t *testing.T) {
	lost := &source.Lost{Row: []byte("lost"), Rest: []byte("rest")}
	broken := func(w http.ResponseWriter) { http.Error(w, "Müller's bank account", http.StatusInternalServerError) }
	cut := func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":{"items":[{"id":4,"bo`) }
	gone := func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnprocessableEntity) }
	for name, c := range map[string]struct {
		paging migration.Paging
		total  string
		fails  []string // values of the parameter
		how    func(http.ResponseWriter)
		want   string
	}{
		"a page of three":                {byPage, "", []string{"2"}, broken, "0-3 lost*4 8-9"},
		"the same, cut":                  {byPage, "", []string{"2"}, cut, "0-3 lost*4 8-9"},
		"the same, refused":              {byPage, "", []string{"2"}, gone, "0-3 lost*4 8-9"},
		"the first page":                 {byPage, "", []string{"1"}, broken, "lost*4 4-9"},
		"the last page, with a total":    {byPage, "meta.total", []string{"3"}, broken, "0-7 lost*2"},
		"the last page, without a total": {byPage, "", []string{"3"}, broken, "0-7 lost*4"},
		"two pages in a row":             {byPage, "", []string{"1", "2"}, broken, "lost*8 8-9"},
		"a cursor":                       {byCursor, "", []string{"4"}, broken, "0-3 rest*1"},
		"a cursor, with a total":         {byCursor, "meta.total", []string{"4"}, broken, "0-3 lost*6"},
		"a link":                         {byLink, "", []string{"8"}, broken, "0-7 rest*1"},
		"everything":                     {byPage, "", []string{"1", "2", "3", "4"}, broken, "unavailable"},
		"everything behind a cursor":     {byCursor, "", []string{"", "4", "8"}, broken, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := api(t, "&tries=2", func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				value := q.Get("after")
				if q.Has("page") {
					value = q.Get("page")
				}
				if slices.Contains(c.fails, value) {
					c.how(w)
					return
				}
				honest(w, r)
			})
			q := request(c.paging)
			q.Request.Total = c.total
			read := func() (string, int64, error) {
				snapshot := begin(t, s, "HZ-1")
				defer snapshot.Close()
				var out []string
				from, to, marked, mark := -1, -1, 0, ""
				end := func() {
					if from >= 0 {
						out = append(out, fmt.Sprintf("%d-%d", from, to))
					}
					if marked > 0 {
						out = append(out, fmt.Sprintf("%s*%d", mark, marked))
					}
					from, marked = -1, 0
				}
				n, err := snapshot.Rows(context.Background(), q, func(values [][]byte) error {
					for _, m := range [][]byte{lost.Row, lost.Rest} {
						if len(values[0]) > 0 && &values[0][0] == &m[0] && &values[1][0] == &m[0] {
							if marked == 0 {
								end()
							}
							mark, marked = string(m), marked+1
							return nil
						}
					}
					id, _ := strconv.Atoi(string(values[0]))
					if marked > 0 || from < 0 {
						end()
						from = id
					}
					to = id
					return nil
				})
				end()
				if err != nil {
					return string(source.KindOf(err)), n, err
				}
				weight, err := snapshot.Weigh(context.Background(), q)
				if err != nil || weight.Rows != n {
					t.Errorf("%d rows are weighed, %d read, %v", weight.Rows, n, err)
				}
				return strings.Join(out, " "), n, nil
			}
			got, _, err := read()
			if err == nil || !slices.Contains([]source.Kind{source.Unavailable, source.Inconsistent}, source.KindOf(err)) || strings.Contains(err.Error(), "Müller") {
				t.Errorf("before it was tried often enough: %s, %v", got, err)
			}
			q.Lost = lost
			if got, _, err = read(); got != c.want {
				t.Errorf("%s, want %s; %v", got, c.want, err)
			}
		})
	}
}
