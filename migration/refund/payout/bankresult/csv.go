package bankresult

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"offramp/internal/spreadsheet"
	"offramp/migration/refund/payout/isoxml"
)

// columns gives the names that a column may have in the first line.
var columns = map[string]string{
	"end_to_end_id": "id", "endtoendid": "id", "reference": "id", "端到端标识": "id", "退款编号": "id",
	"state": "state", "status": "state", "状态": "state",
	"amount": "amount", "金额": "amount",
	"currency": "currency", "币种": "currency",
	"date": "date", "booking_date": "date", "日期": "date", "入账日期": "date",
	"reason": "reason", "退回原因": "reason", "原因": "reason",
	"detail": "detail", "备注": "detail", "说明": "detail",
	"bank_ref": "ref", "bank_reference": "ref", "银行流水号": "ref", "流水号": "ref",
}

// states gives the words for what became of a payment.
var states = map[string]State{
	"booked": Booked, "paid": Booked, "success": Booked, "成功": Booked, "已入账": Booked, "已付款": Booked,
	"returned": Returned, "failed": Returned, "退回": Returned, "已退回": Returned, "失败": Returned,
}

var layouts = []string{"2006-01-02", "20060102", "2006/01/02", "2006/1/2"}

// csvWithin reads results as a table, as spreadsheet.Loose does. Its first line names the columns: end_to_end_id, state, amount,
// currency, date; reason, detail and bank_ref may be there.
func csvWithin(r io.Reader, limit int64) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		t := &table{Reader: spreadsheet.Loose(&capped{from: r, left: limit}), at: map[string]int{}}
		if err := t.header(); err != nil {
			yield(Result{}, err)
			return
		}
		count := 0
		for ; t.Next(); count++ {
			if !yield(t.result()) {
				return
			}
		}
		switch err := t.Err(); {
		case err != nil:
			yield(Result{}, t.fail(err))
		case count == 0:
			yield(Result{}, t.fail(errNone))
		}
	}
}

// capped stops a file that is too large.
type capped struct {
	from io.Reader
	left int64
}

// Read passes on what is within the bound.
func (l *capped) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, isoxml.ErrLarge
	}
	return n, err
}

// table is a table whose columns are known.
type table struct {
	*spreadsheet.Reader
	at map[string]int // column by its meaning
}

func (t *table) fail(cause error) error { return &isoxml.Fault{Line: max(1, t.Line()), Cause: cause} }

// cause words what the reader of tables found wrong.
func (t *table) cause() error {
	switch kind, value := t.Kind(); kind {
	case spreadsheet.Empty:
		return errNone
	case spreadsheet.Long:
		return isoxml.ErrLong
	case spreadsheet.Coding:
		return isoxml.ErrEncoding
	case spreadsheet.Quotes:
		return &isoxml.Wrong{Key: "refund.import.fault.quotes", Text: "quotation marks do not match"}
	case "":
		return t.Err()
	default:
		return bad(string(kind), "not read: "+string(kind)+" %s", value)
	}
}

// bad is a cause with what was read instead, cut to what a page has room for.
func bad(name, words, text string) error {
	text = strings.ToValidUTF8(text[:min(60, len(text))], "")
	return &isoxml.Wrong{Key: "refund.import.fault." + name, Args: map[string]any{"Text": text}, Text: fmt.Sprintf(words, text)}
}

func (t *table) header() error {
	if t.Err() != nil {
		return t.fail(t.cause())
	}
	for i, name := range t.Columns() {
		name = strings.TrimSpace(name)
		meaning := columns[strings.ReplaceAll(strings.ToLower(name), " ", "_")]
		if _, twice := t.at[meaning]; twice && meaning != "" {
			return t.fail(bad("twice", "the column %q is there twice", name))
		}
		t.at[meaning] = i
	}
	var missing []string
	for _, needed := range [][2]string{{"id", "end_to_end_id"}, {"state", "state"}, {"amount", "amount"}, {"currency", "currency"}, {"date", "date"}} {
		if _, ok := t.at[needed[0]]; !ok {
			missing = append(missing, needed[1])
		}
	}
	if len(missing) > 0 {
		return t.fail(bad("column", "the column %s is missing", strings.Join(missing, ", ")))
	}
	return nil
}

// spoilt is the first value that a spreadsheet program has changed so that it cannot be read for what it was; empty: none.
func spoilt(id, amount, date string) string {
	if spreadsheet.Key(id) != nil {
		return id
	}
	for _, v := range []string{amount, date} {
		if spreadsheet.Text(v) != nil {
			return v
		}
	}
	return ""
}

// result reads the current line. One of separators only is Blank.
func (t *table) result() (Result, error) {
	switch {
	case t.Blank():
		return Result{State: Passed, Why: Blank, Line: t.Line()}, nil
	case t.Fault() != "":
		return Result{Line: t.Line()}, t.fail(t.cause())
	}
	record := t.Values()
	cell := func(meaning string) string {
		if i, ok := t.at[meaning]; ok && i < len(record) {
			return clip(strings.TrimSpace(record[i]))
		}
		return ""
	}
	r := Result{
		EndToEndID: cell("id"), State: states[strings.ToLower(cell("state"))], Currency: strings.ToUpper(cell("currency")),
		Reason: strings.ToUpper(cell("reason")), Detail: cell("detail"), BankRef: cell("ref"), Line: t.Line(),
	}
	switch {
	case spoilt(cell("id"), cell("amount"), cell("date")) != "":
		return r, t.fail(bad("spoilt", "%q looks as if a spreadsheet program had changed it", spoilt(cell("id"), cell("amount"), cell("date"))))
	case r.EndToEndID == "":
		return r, t.fail(&isoxml.Wrong{Key: "refund.import.fault.id", Text: "no end-to-end id"})
	case r.State == "":
		return r, t.fail(bad("state", "%q is no state such as booked or returned", cell("state")))
	case len(r.Reason) > 35:
		return r, t.fail(bad("reason", "%q is no reason such as AC04", r.Reason))
	}
	var err error
	if r.Amount, err = isoxml.ParseAmount(cell("amount"), r.Currency); err != nil {
		return r, t.fail(err)
	}
	for _, layout := range layouts {
		if r.Date, err = time.Parse(layout, cell("date")); err == nil {
			return r, nil
		}
	}
	return r, t.fail(bad("day", "%q is no day such as 2026-12-03", cell("date")))
}
