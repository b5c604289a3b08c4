package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/export/connect"
	"offramp/export/source"
	"offramp/migration"
)

// secret is in every request of these tests and must be in no error.
const secret = "Bearer s3cret-token"

// api starts an API that answers as told and lets in only who knows the secret. options go into the URL.
func api(t *testing.T, options string, answer http.HandlerFunc) (source.Source, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return open(t, server.URL+"/base?rate=10000"+options, source.Options{Header: "Authorization: " + secret}), server
}

// request asks for the notes of an account.
func request(paging migration.Paging) source.Query {
	return source.Query{
		Dataset: "notes",
		Request: &source.Request{Path: "/accounts/:customer_id/notes", Items: "data.items", Paging: pagingOf(paging)},
		Columns: []source.Column{{Name: "id", Type: "integer"}, {Name: "body", Type: "text"}},
	}
}

func pagingOf(p migration.Paging) source.Paging {
	return source.Paging{By: p.By, Cursor: p.Cursor, Parameter: p.Parameter, First: p.First, More: p.More, Size: p.Size, SizeParameter: p.SizeParameter}
}

var (
	byLink   = migration.Paging{By: migration.PagingLink}
	byCursor = migration.Paging{By: migration.PagingCursor, Cursor: "meta.next", Parameter: "after"}
	byPage   = migration.Paging{By: migration.PagingPage, Parameter: "page", First: 1, Size: 4, SizeParameter: "size"}
	onePage  = migration.Paging{By: migration.PagingNone}
)

// noted writes a page of notes from..to-1 with a cursor, when there is one, and the total that it claims.
func noted(w http.ResponseWriter, from, to, total int, cursor string) {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"body":"note %d"}`, i, i))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"data":{"items":[%s]},"meta":{"total":%d,"next":%q}}`, strings.Join(rows, ", "), total, cursor)
}

// honest answers for ten notes of HZ-1, however it is paged.
func honest(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/base/accounts/HZ-1/notes" {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("after"))
	if p, err := strconv.Atoi(q.Get("page")); err == nil {
		from = (p - 1) * 4
	}
	to, next := min(from+4, 10), ""
	if from >= 10 {
		from, to = 10, 10
	}
	if to < 10 {
		next = strconv.Itoa(to)
		w.Header().Add("Link", `</base/elsewhere>; rel="prev", <?after=`+next+`>; title="a, b"; rel="last next"`)
	}
	noted(w, from, to, 10, next)
}

func TestHTTPReadsEveryWayOfPaging(t *testing.T) {
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("%d|note %d", i, i))
	}
	for _, paging := range []migration.Paging{byLink, byCursor, byPage} {
		for _, total := range []string{"", "meta.total"} {
			s, _ := api(t, "", honest)
			must(t, s.Ping(context.Background()))
			q := request(paging)
			q.Request.Total = total
			snapshot := begin(t, s, "HZ-1")
			columns, err := snapshot.Check(context.Background(), q)
			must(t, err)
			n, err := snapshot.Count(context.Background(), q)
			must(t, err)
			shares, err := snapshot.Split(context.Background(), q, 1, 1)
			must(t, err)
			if diff := cmp.Diff(want, all(t, snapshot, q)); diff != "" || n != 10 || len(columns) != 2 || len(shares) != 1 || shares[0].Rows != 10 || shares[0].Bytes != 70 {
				t.Errorf("%s, total %q: %d rows, %+v, %v", paging.By, total, n, shares, diff)
			}
			if i := snapshot.Info(); i.ID != "" || i.Steady || i.Free || time.Since(i.AsOf).Abs() > time.Minute {
				t.Errorf("%+v", i)
			}
		}
	}
}

// TestHTTPTextForms reads one value of each kind in an answer whose text must not be changed on the way.
func TestHTTPTextForms(t *testing.T) {
	const bad = "!"
	for _, c := range []struct{ kind, json, want string }{
		{"text", `"客户 \u00e9\ud83d\ude00\n\"\/"`, "客户 é😀\n\"/"},
		{"text", `12.50`, "12.50"},
		{"text", `true`, "true"},
		{"text", `{ "a" : [1, 2.0] }`, `{"a":[1,2.0]}`},
		{"text", `"\ud83d half"`, bad},
		{"text", `"a\u0000b"`, "a\x00b"},
		{"text", `""`, ""},
		{"text", `null`, "<nil>"},
		{"integer", `9223372036854775808123456789`, "9223372036854775808123456789"},
		{"integer", `"12345678901234567890"`, "12345678901234567890"},
		{"integer", `1.0`, bad},
		{"integer", `1e3`, bad},
		{"integer", `"1 "`, bad},
		{"number", `0.10`, "0.10"},
		{"number", `-1.5e+400`, "-1.5e+400"},
		{"number", `"NaN"`, "NaN"},
		{"number", `"many"`, bad},
		{"boolean", `true`, "t"},
		{"boolean", `false`, "f"},
		{"boolean", `"true"`, bad},
		{"boolean", `1`, bad},
		{"date", `"2026-03-01"`, "2026-03-01"},
		{"date", `"2026-02-30"`, bad},
		{"time", `"14:05:00.50"`, "14:05:00.5"},
		{"time", `"14:05Z"`, "14:05:00+00"},
		{"time", `"14:05:00+05:30"`, "14:05:00+05:30"},
		{"time", `"25:00"`, bad},
		{"timestamp", `"2026-03-01T14:05:00.500"`, "2026-03-01 14:05:00.5"},
		{"timestamp", `"2026-03-01T14:05:00Z"`, bad},
		{"instant", `"2026-03-01T14:05:00+08:00"`, "2026-03-01 06:05:00+00"},
		{"instant", `"2026-03-01t23:59:59.123456789012-01:00"`, "2026-03-02 00:59:59.123456789012+00"},
		{"instant", `"2026-03-01T14:05:00+0000"`, "2026-03-01 14:05:00+00"},
		{"instant", `"2026-03-01T14:05:00"`, bad},
		{"instant", `1767225600`, bad},
		{"duration", `"P1DT2H"`, "P1DT2H"},
		{"duration", `"P"`, bad},
		{"duration", `"1 day"`, bad},
		{"binary", `"aGVsbG8="`, `\x68656c6c6f`},
		{"binary", `"_-8"`, `\xffef`},
		{"binary", `"?"`, bad},
		{"json", `{ "n" : 1.00, "s": "\u00e9" }`, `{"n":1.00,"s":"\u00e9"}`},
		{"json", `null`, "<nil>"},
		{"uuid", `"6F1F64B0-1111-4222-8333-444455556666"`, "6f1f64b0-1111-4222-8333-444455556666"},
		{"uuid", `"6F1F64B0"`, bad},
	} {
		s, _ := api(t, "", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, ` [ {"v" : %s } ] `, c.json) })
		q := request(onePage)
		q.Request.Items, q.Columns = "", []source.Column{{Name: "v", Type: c.kind}}
		snapshot := begin(t, s, "1")
		if c.want != bad {
			if got := all(t, snapshot, q); got[0] != c.want {
				t.Errorf("%s %s: %q, want %q", c.kind, c.json, got[0], c.want)
			}
			continue
		}
		_, checked := snapshot.Check(context.Background(), q)
		_, read := snapshot.Rows(context.Background(), q, func([][]byte) error { return nil })
		for _, err := range []error{checked, read} {
			if source.KindOf(err) != source.Schema || !strings.Contains(err.Error(), `"notes": schema: column "v": row 1 has a`) {
				t.Errorf("%s %s: %v", c.kind, c.json, err)
			}
		}
	}
}

// TestE08_ChangedFieldsOfAnAPIFailLoudly is the API's side of a schema that changes.
func TestE08_ChangedFieldsOfAnAPIFailLoudly(t *testing.T) {
	ctx := context.Background()
	var rows atomic.Value
	s, _ := api(t, "", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `[%s]`, rows.Load()) })
	q := request(onePage)
	q.Request.Items = ""
	open := q
	open.Columns = append(slices.Clone(q.Columns), source.Column{Name: "*"})
	for _, c := range []struct{ rows, want, open string }{
		{`{"id":1},{"id":2,"body":"x"}`, "1|<nil>,2|x", "1|<nil>,2|x"},
		{`{"id":1},{"id":2}`, `column "body" is missing: none of 2 rows`, "1|<nil>,2|<nil>"},
		{`{"id":1,"body":"","extra":1}`, `row 1 has the field "extra", which is not declared`, "1|"},
		{`{"id":1,"body":"x"},{"id":"HZ","body":"x"}`, `column "id": row 2 has a string that is no integer`, `column "id": row 2 has a string`},
		{`{"id":1,"body":"x"},7`, "row 2 is a number in place of an object", "row 2 is a number"},
		{`{"id":1,"id":2,"body":"x"}`, `row 1 has the field "id" twice`, `row 1 has the field "id" twice`},
		{``, "", ""},
	} {
		rows.Store(c.rows)
		for want, q := range map[*string]source.Query{&c.want: q, &c.open: open} {
			var got []string
			_, err := begin(t, s, "1").Rows(ctx, q, func(values [][]byte) error {
				cell := "<nil>"
				if values[1] != nil {
					cell = string(values[1])
				}
				got = append(got, string(values[0])+"|"+cell)
				return nil
			})
			if err == nil && strings.Join(got, ",") != *want || err != nil && (*want == "" || !strings.Contains(err.Error(), *want)) {
				t.Errorf("%s with %d columns: %v %v, want %s", c.rows, len(q.Columns), got, err, *want)
			}
		}
	}
}

// broken writes only the first n bytes of what it says that it will.
func broken(t *testing.T, w http.ResponseWriter, whole string, n int) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(whole), whole[:n])
	_ = conn.Close()
}

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, body)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, "you sent "+r.Header.Get("Authorization"))
	}
}

// TestE08_SourcesThatLieAreNamed tries what an API may do wrong. None of it may pass for a customer's data, hang, or tell
// the secret.
func TestE08_SourcesThatLieAreNamed(t *testing.T) {
	number := func(r *http.Request, name string) int { n, _ := strconv.Atoi(r.URL.Query().Get(name)); return n }
	for _, c := range []struct {
		name   string
		paging migration.Paging
		total  string
		answer http.HandlerFunc
		kind   source.Kind
		want   string
	}{
		{"HTML", byLink, "", text("text/html; charset=utf-8", "<!DOCTYPE html><title>Sign in</title> "+secret), source.Inconsistent, `status 200 OK, but no JSON; text/html, 57 bytes`},
		{"HTML that says JSON", byLink, "", text("application/json", "<html>"), source.Inconsistent, `no JSON; application/json, 6 bytes`},
		{"nothing", byLink, "", text("application/json", ""), source.Inconsistent, `no JSON`},
		{"error with status 200", byLink, "", text("application/json", `{"error":"quota of s3cret-token"}`), source.Inconsistent, `no list under "data.items"`},
		{"object for a list", byLink, "", text("application/json", `{"data":{"items":{"a":{"id":1}}}}`), source.Inconsistent, `an object in place of a list under "data.items"`},
		{"truncated JSON", byLink, "", text("application/json", `{"data":{"items":[{"id":1,"bo`), source.Inconsistent, "no JSON: it ends at byte 29 in the middle of a value"},
		{"something behind the end", byLink, "", text("application/json", `{"data":{"items":[]}} x`), source.Inconsistent, "no JSON: it breaks at byte 23 of 23"},
		{"charset", byLink, "", text("application/json; charset=gb18030", `{"data":{"items":[]}}`), source.Inconsistent, `charset is "gb18030"`},
		{"not UTF-8", byLink, "", text("application/json", "{\"data\":{\"items\":[{\"id\":1,\"body\":\"\xff\"}]}}"), source.Inconsistent, "not UTF-8"},
		{"deep nesting", byLink, "", text("application/json", `{"data":{"items":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}}`), source.Inconsistent, "no JSON: it breaks at byte"},
		{"the list twice", byLink, "", text("application/json", `{"data":{"items":[],"items":[]}}`), source.Inconsistent, `has the field "items" twice`},
		{"no content", byLink, "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, source.Inconsistent, "status 204"},
		{"unasked packing", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			fmt.Fprint(w, "x")
		}, source.Inconsistent, `packed as "br"`},
		{"same cursor", byCursor, "", func(w http.ResponseWriter, r *http.Request) {
			n := len(r.URL.Query().Get("after"))
			noted(w, n, n+1, 9, "again")
		}, source.Inconsistent, "repeats a cursor"},
		{"cursors in a circle", byCursor, "", func(w http.ResponseWriter, r *http.Request) {
			n := number(r, "after")
			noted(w, n, n+1, 9, strconv.Itoa(n%4+1))
		}, source.Inconsistent, "page 5: the API repeats a cursor"},
		{"new cursors, same rows", byCursor, "", func(w http.ResponseWriter, r *http.Request) {
			noted(w, 0, 3, 9, strconv.Itoa(number(r, "after")+1))
		}, source.Inconsistent, "page 2: the same rows came again (after 3 rows)"},
		{"cursor is an object", byCursor, "", text("application/json", `{"data":{"items":[]},"meta":{"next":{}}}`), source.Schema, `"meta.next", where the cursor is declared to be, is an object`},
		{"unknown parameter", byPage, "", func(w http.ResponseWriter, _ *http.Request) { noted(w, 0, 4, 4, "") }, source.Inconsistent, `does not know "page"`},
		{"empty pages", byCursor, "", func(w http.ResponseWriter, r *http.Request) {
			noted(w, 0, 0, 9, strconv.Itoa(number(r, "after")+1))
		}, source.Inconsistent, "21 pages in a row are empty"},
		{"pages for ever", byPage, "meta.total", func(w http.ResponseWriter, r *http.Request) {
			n := number(r, "page")
			noted(w, n*4, n*4+4, 10, "")
		}, source.Inconsistent, "page 3: the API said that there are 10 rows, and gave more"},
		{"total too large", byCursor, "meta.total", func(w http.ResponseWriter, _ *http.Request) { noted(w, 0, 4, 9, "") }, source.Inconsistent, "said that there are 9 rows, and gave 4"},
		{"total too small", byCursor, "meta.total", func(w http.ResponseWriter, _ *http.Request) { noted(w, 0, 4, 3, "") }, source.Inconsistent, "said that there are 3 rows, and gave more"},
		{"total changes", byCursor, "meta.total", func(w http.ResponseWriter, r *http.Request) {
			n := number(r, "after")
			noted(w, n, n+1, 9+n, strconv.Itoa(n+1))
		}, source.Inconsistent, "there are 9 rows, then 10: they changed during the read"},
		{"total is missing", byLink, "data.count", func(w http.ResponseWriter, _ *http.Request) { noted(w, 0, 1, 1, "") }, source.Schema, `no "data.count", where the total is declared`},
		{"total is no number", byLink, "data.items", func(w http.ResponseWriter, _ *http.Request) { noted(w, 0, 1, 1, "") }, source.Schema, `is a list but no whole number`},
		{"link elsewhere", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<https://evil.example.com/x>; rel=next`)
			noted(w, 0, 1, 1, "")
		}, source.Inconsistent, "lies at https://evil.example.com, not at the source"},
		{"link without end", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `</x; rel=next`)
			noted(w, 0, 1, 1, "")
		}, source.Inconsistent, "Link header cannot be read"},
		{"two next links", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Link", `</x>; rel=next`)
			w.Header().Add("Link", `</y>; rel=next`)
			noted(w, 0, 1, 1, "")
		}, source.Inconsistent, "two next pages"},
		{"redirect", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://other.example.com/login?x=1")
			w.WriteHeader(http.StatusFound)
		}, source.Invalid, "status 302 leads to https://other.example.com; redirects are not followed"},
		{"401", byLink, "", status(401), source.Denied, "status 401"},
		{"403", byLink, "", status(403), source.Denied, "status 403"},
		{"404", byLink, "", status(404), source.Schema, "status 404"},
		{"400", byLink, "", status(400), source.Invalid, `status 400 Bad Request, text/plain, 28 bytes`},
		{"500", byLink, "", status(500), source.Unavailable, "status 500"},
		{"429 for hours", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusTooManyRequests)
		}, source.Unavailable, "it asks to wait 2h0m0s"},
		{"broken off each time", byLink, "", func(w http.ResponseWriter, _ *http.Request) { broken(t, w, `{"data":{"items":[]}}`, 9) }, source.Unavailable, "broke off after 9 bytes: unexpected EOF"},
		{"Content-Length too small", byLink, "", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n%s", `{"data":{"items":[]}}`)
			_ = conn.Close()
		}, source.Inconsistent, "no JSON: it ends at byte 9 in the middle"},
		{"hangs", byLink, "", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, source.Unavailable, "no byte arrived in time"},
		{"hangs in the middle", byLink, "", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"data":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, source.Unavailable, "no byte arrived in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := api(t, "&tries=2&timeout=500ms", c.answer)
			q := request(c.paging)
			q.Request.Total = c.total
			snapshot := begin(t, s, "HZ-1")
			_, read := snapshot.Rows(context.Background(), q, func([][]byte) error { return nil })
			var e *source.Error
			if !errors.As(read, &e) || e.Kind != c.kind || e.Dataset != "notes" || !strings.Contains(read.Error(), c.want) {
				t.Fatalf("%v, want %s ... %s", read, c.kind, c.want)
			}
			if strings.Contains(read.Error(), "s3cret") || strings.Contains(read.Error(), "127.0.0.1") {
				t.Errorf("the error tells too much: %v", read)
			}
			if retry := e.Retryable(); retry != (c.kind == source.Unavailable || c.kind == source.Inconsistent) {
				t.Error("retryable:", retry)
			}
			if c.total == "" {
				if _, counted := snapshot.Count(context.Background(), q); source.KindOf(counted) != c.kind {
					t.Errorf("counted: %v", counted)
				}
			}
		})
	}
}

// TestE02_APageThatBreaksOffIsAskedForAgain cuts every page once, and makes the API busy in between.
func TestE02_APageThatBreaksOffIsAskedForAgain(t *testing.T) {
	var asked atomic.Int64
	s, _ := api(t, "", func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n%3 == 1:
			recorded := httptest.NewRecorder()
			honest(recorded, r)
			broken(t, w, recorded.Body.String(), recorded.Body.Len()/2)
		case n%3 == 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			honest(w, r)
		}
	})
	if rows := all(t, begin(t, s, "HZ-1"), request(byCursor)); len(rows) != 10 || asked.Load() != 9 {
		t.Fatal(rows, asked.Load())
	}
}

func TestHTTPKeepsToTheRate(t *testing.T) {
	var asked atomic.Int64
	s, server := api(t, "", func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		honest(w, r)
	})
	began := time.Now()
	if rows := all(t, begin(t, s, "HZ-1"), request(byLink)); len(rows) != 10 || time.Since(began) < 900*time.Millisecond {
		t.Fatal("Retry-After was not obeyed:", rows, time.Since(began))
	}
	slow := open(t, server.URL+"/base?rate=20", source.Options{Header: "authorization:" + secret})
	began = time.Now()
	if rows := all(t, begin(t, slow, "HZ-1"), request(byPage)); len(rows) != 10 || time.Since(began) < 140*time.Millisecond {
		t.Fatal("four requests at 20 a second took only", time.Since(began), rows)
	}
}

// TestI10_PackedAnswersAreBounded sends 200 MiB in 200 KiB.
func TestI10_PackedAnswersAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	must(t, err)
	for range 200 {
		_, err := z.Write(bytes.Repeat([]byte(" "), 1<<20))
		must(t, err)
	}
	must(t, z.Close())
	packed := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				t.Error("gzip was not asked for")
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b)
		}
	}
	s, _ := api(t, "", packed(bomb.Bytes()))
	_, err = begin(t, s, "1").Rows(context.Background(), request(byLink), func([][]byte) error { return nil })
	if source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Fatal(err)
	}
	bomb.Reset()
	z.Reset(&bomb)
	_, _ = z.Write([]byte(`{"data":{"items":[{"id":1,"body":"packed"}]}}`))
	must(t, z.Close())
	s, _ = api(t, "", packed(bomb.Bytes()))
	if rows := all(t, begin(t, s, "1"), request(byLink)); rows[0] != "1|packed" {
		t.Fatal(rows)
	}
}

// TestZ03_ACustomersReferenceStaysWhereItBelongs tries references that could lead to another customer's rows.
func TestZ03_ACustomersReferenceStaysWhereItBelongs(t *testing.T) {
	var uri atomic.Value
	s, _ := api(t, "", func(w http.ResponseWriter, r *http.Request) {
		uri.Store(r.RequestURI)
		fmt.Fprint(w, `{"data":{"items":[]}}`)
	})
	const path, value, inside = "/a/:customer_id/n", "/n?x=1&c=:customer_id&y=:customer_id", `/n?filter=id="':customer_id'"`
	for _, c := range []struct{ path, customer, want string }{
		{path, "HZ-1", "/base/a/HZ-1/n"},
		{path, "HZ 1&x=2#?;", "/base/a/HZ%201&x=2%23%3F%3B/n"},
		{path, "客户", "/base/a/%E5%AE%A2%E6%88%B7/n"},
		{path, "../HZ-2", ""},
		{path, "..", ""},
		{path, ".", ""},
		{path, `..\HZ-2`, ""},
		{path, "%2e%2e%2fHZ-2", ""},
		{path, "a\x00b", ""},
		{path, "a\r\nX: y", ""},
		{path, "\xff", ""},
		{path, "", ""},
		{value, "../1&c=2#x y", "/base/n?x=1&c=..%2F1%26c%3D2%23x+y&y=..%2F1%26c%3D2%23x+y"},
		{value, "a\nb", ""},
		{strings.ReplaceAll(inside, `"`, "%22"), "HZ_1", "/base/n?filter=id=%22':HZ_1'%22"},
		{strings.ReplaceAll(inside, `"`, "%22"), "' or 1 eq 1", ""},
	} {
		q := request(byLink)
		q.Request.Path = c.path
		uri.Store("")
		snapshot := begin(t, s, c.customer)
		_, err := snapshot.Rows(context.Background(), q, func([][]byte) error { return nil })
		if got := uri.Load(); got != strings.ReplaceAll(c.want, "':HZ", "'HZ") || (err == nil) != (c.want != "") || err != nil && source.KindOf(err) != source.Invalid {
			t.Errorf("%q in %s: asked for %q, %v", c.customer, c.path, got, err)
		}
	}
}

func TestHTTPQueriesAreCheckedWithoutACustomer(t *testing.T) {
	ctx := context.Background()
	s, _ := api(t, "", func(http.ResponseWriter, *http.Request) { t.Error("the API was asked") })
	snapshot := begin(t, s, "")
	for _, c := range []struct {
		change func(*source.Query)
		want   string
	}{
		{func(*source.Query) {}, ""},
		{func(q *source.Query) { q.Columns = append(q.Columns, source.Column{Name: "*"}) }, ""},
		{func(q *source.Query) { q.Request.Path = "/items:all/:customer_id" }, ""},
		{func(q *source.Query) { q.Request = nil; q.SQL = "select 1" }, "it needs a request"},
		{func(q *source.Query) { q.CountSQL = "select 1" }, "neither SQL"},
		{func(q *source.Query) { q.Columns = nil }, "must declare its columns"},
		{func(q *source.Query) { q.Columns = []source.Column{{Name: "id"}} }, `column "id" needs a type`},
		{func(q *source.Query) { q.Columns = append(q.Columns, q.Columns[0]) }, `column "id" is declared twice`},
		{func(q *source.Query) { q.Where = []source.Condition{{Column: "id", In: []string{"1"}}} }, "cannot be restricted"},
		{func(q *source.Query) { from := "1"; q.Range.From = &from }, "cannot be read in ranges"},
		{func(q *source.Query) { q.Files.Key = "file" }, `column "file", which names its attachments, is missing`},
		{func(q *source.Query) { q.Request.Path = "/all" }, "does not use :customer_id"},
		{func(q *source.Query) { q.Request.Path = "/a/:customer" }, "unknown parameter :customer "},
		{func(q *source.Query) { q.Request.Path = "/a/:customer_id2" }, "unknown parameter :customer_id2"},
		{func(q *source.Query) { q.Request.Path = "//evil.example.com/:customer_id" }, "must begin with one /"},
		{func(q *source.Query) { q.Request.Path = "https://evil.example.com/:customer_id" }, "must begin with one /"},
		{func(q *source.Query) { q.Request.Path = "/a/../:customer_id" }, ".. or . in it"},
		{func(q *source.Query) { q.Request.Path = "/a b/:customer_id" }, "percent-encode"},
		{func(q *source.Query) { q.Request.Path = "/a/:customer_id#x" }, "percent-encode"},
		{func(q *source.Query) { q.Request.Header = map[string]string{"Host": "x"} }, "Host cannot be set"},
		{func(q *source.Query) { q.Request.Header = map[string]string{"X-A": "a\r\nb"} }, "characters that no header"},
		{func(q *source.Query) { q.Request.Header = map[string]string{"X-A": ":customer_id"} }, "in the path only"},
		{func(q *source.Query) { q.Request.Paging.By = "" }, "paging.by"},
		{func(q *source.Query) { q.Request.Paging = source.Paging{By: "cursor"} }, "paging.cursor"},
		{func(q *source.Query) { q.Request.Paging = source.Paging{By: "page"} }, "paging.parameter"},
		{func(q *source.Query) { q.Request.Paging.Size = 5 }, "need each other"},
		{func(q *source.Query) {
			q.Request.Path += "?page=1"
			q.Request.Paging = source.Paging{By: "page", Parameter: "page"}
		}, `has "page" already`},
	} {
		q := request(byLink)
		c.change(&q)
		_, err := snapshot.Check(ctx, q)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"notes"`)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for _, err := range []error{
		s.Table(ctx, "select 1", nil), func() error { _, err := s.CheckTable(ctx, "select 1"); return err }(),
		func() error { _, err := s.Begin(ctx, "1", "joined"); return err }(),
		func() error { _, err := snapshot.Count(ctx, request(byLink)); return err }(),
	} {
		if source.KindOf(err) != source.Invalid {
			t.Error(err)
		}
	}
}

// TestHTTPCheckAsksOnce: what the API says about a customer whom it does not know is no fault, but what it says otherwise is.
func TestHTTPCheckAsksOnce(t *testing.T) {
	for code, want := range map[int]source.Kind{404: "", 403: "", 422: "", 401: source.Denied, 500: source.Unavailable, 302: source.Invalid} {
		s, _ := api(t, "&tries=1", status(code))
		if _, err := begin(t, s, "0").Check(context.Background(), request(byLink)); source.KindOf(err) != want {
			t.Errorf("%d: %v", code, err)
		}
	}
	s, _ := api(t, "", honest)
	q := request(byPage)
	q.MaxRows = 9
	_, err := begin(t, s, "HZ-1").Rows(context.Background(), q, func([][]byte) error { return nil })
	if source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), "more than 9 rows") {
		t.Error(err)
	}
	stop := errors.New("enough")
	if _, err := begin(t, s, "HZ-1").Rows(context.Background(), request(byPage), func([][]byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := begin(t, s, "HZ-1").Rows(ctx, request(byPage), func([][]byte) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestHTTPAddressesAreChecked(t *testing.T) {
	ctx := context.Background()
	for address, want := range map[string]string{
		"https://api.example.com/v1?rate=5&timeout=10s":         "",
		"http://localhost:1/":                                   "",
		"http://api.example.com/?insecure=yes":                  "",
		"http://api.example.com/":                               "is reached by https://",
		"https://u:s3cret@api.example.com/":                     "must not hold a password",
		"https://api.example.com/?rate=0":                       "rate=0 is no option",
		"https://api.example.com/?rat=5":                        "rat=5 is no option",
		"https://api.example.com/?timeout=soon":                 "timeout=soon is no option",
		"https://api.example.com/?insecure=no":                  "insecure=no is no option",
		"https://api.example.com/#x":                            "options behind a ?",
		"https:///x":                                            "https://host/base",
		"ftp://api.example.com/":                                "begins with",
		"file://host/srv":                                       "file:///path",
		"file:srv":                                              "file:///path",
		"s3+http://a:b@127.0.0.1/bucket/prefix?s3cret=x":        "one bucket",
		"https://api.example.com/?rate=5&rate=" + "6":           "is no option",
		"http://10.0.0.1/?" + url.QueryEscape("insecure") + "=": "is no option",
	} {
		_, err := connect.Open(ctx, address, source.Options{})
		_, alike := connect.OpenObjects(ctx, address, source.Options{})
		for _, err := range []error{err, alike} {
			if (err == nil) != (want == "") || err != nil && (source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:s3cret")) {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	for _, header := range []string{"s3cret", "Host: s3cret", "X: ", ": s3cret", "X-A: s3cret\r\nB: c", "A B: s3cret"} {
		if _, err := connect.Open(ctx, "https://api.example.com", source.Options{Header: header}); source.KindOf(err) != source.Invalid || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", header, err)
		}
	}
	closed := open(t, "http://127.0.0.1:1/?tries=1", source.Options{})
	if err := closed.Ping(ctx); source.KindOf(err) != source.Unavailable {
		t.Error(err)
	}
	s, server := api(t, "", honest)
	must(t, s.Ping(ctx))
	if err := open(t, server.URL, source.Options{Header: "Authorization: Bearer wrong"}).Ping(ctx); source.KindOf(err) != source.Denied || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
}
