package bankresult

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

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

// CSV reads results as a table. Its first line names the columns: end_to_end_id, state, amount, currency, date; reason,
// detail and bank_ref may be there. It is in UTF-8 or, as Chinese spreadsheets save it, in GB 18030; separated by commas,
// semicolons or tabs; or in windows-1252 or UTF-16, as other spreadsheets do.
func CSV(r io.Reader) iter.Seq2[Result, error] { return csvWithin(r, MaxBytes) }

func csvWithin(r io.Reader, limit int64) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		b := bufio.NewReaderSize(&lines{from: r, left: limit}, 64<<10)
		head, _ := b.Peek(4096)
		t := &table{Reader: csv.NewReader(skipMark(b)), at: map[string]int{}}
		t.Comma, t.ReuseRecord, t.FieldsPerRecord = separator(string(head)), true, -1
		t.TrimLeadingSpace = t.Comma != '\t'
		if whole := head[:1+bytes.LastIndexByte(head, '\n')]; !utf8.Valid(whole) {
			t.coded = coding(whole)
		}
		if err := t.header(); err != nil {
			yield(Result{}, err)
			return
		}
		for count := 0; ; count++ {
			result, err := t.next()
			if errors.Is(err, io.EOF) {
				if count == 0 {
					yield(Result{}, &isoxml.Fault{Line: t.line, Cause: errNone})
				}
				return
			}
			if !yield(result, err) || t.broken {
				return
			}
		}
	}
}

// lines stops a file that is too large or has too long a line before it is kept. A quoted text may have line ends in it.
type lines struct {
	from io.Reader
	left int64
	long int
}

// Read passes on what is within the bounds.
func (l *lines) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, isoxml.ErrLarge
	}
	for _, c := range p[:n] {
		if l.long++; c == '\n' {
			l.long = 0
		}
		if l.long > 64<<10 {
			return 0, isoxml.ErrLong
		}
	}
	return n, err
}

func skipMark(b *bufio.Reader) *bufio.Reader {
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

// separator is what the first line has most of.
func separator(head string) rune {
	head, _, _ = strings.Cut(head, "\n")
	best := ','
	for _, r := range []rune{';', '\t'} {
		if strings.Count(head, string(r)) > strings.Count(head, string(best)) {
			best = r
		}
	}
	return best
}

// table is a CSV file whose columns are known.
type table struct {
	*csv.Reader
	at     map[string]int // column by its meaning
	line   int
	broken bool // nothing after this line can be trusted
	// coded is the encoding, if it is not UTF-8. Single words of another may pass for UTF-8, so the file is judged as a whole.
	coded encoding.Encoding
}

// coding guesses the encoding of what is not UTF-8: Chinese characters of GB 18030 have two bytes, mostly both above ASCII, while
// the letters that windows-1252 has beyond ASCII stand alone between others.
func coding(text []byte) encoding.Encoding {
	pairs, single := 0, 0
	for i := 0; i < len(text); {
		run := 0
		for i+run < len(text) && text[i+run] >= 0x80 {
			run++
		}
		if run > 1 {
			pairs += run / 2
		}
		single += run % 2
		i += run + 1
	}
	if single > 0 && single >= pairs {
		return charmap.Windows1252
	}
	return simplifiedchinese.GB18030
}

func (t *table) fail(cause error) error { return &isoxml.Fault{Line: t.line, Cause: cause} }

// bad is a cause with what was read instead, cut to what a page has room for.
func bad(name, words, text string) error {
	text = strings.ToValidUTF8(text[:min(60, len(text))], "")
	return &isoxml.Wrong{Key: "refund.import.fault." + name, Args: map[string]any{"Text": text}, Text: fmt.Sprintf(words, text)}
}

// record reads one line.
func (t *table) record() ([]string, error) {
	record, err := t.Read()
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.As(err, &parse):
		t.line, t.broken = parse.Line, true
		return nil, t.fail(fmt.Errorf("%w: %w", &isoxml.Wrong{Key: "refund.import.fault.quotes", Text: "quotation marks do not match"}, parse.Err))
	case err != nil:
		t.broken = true
		t.line++
		return nil, t.fail(err)
	}
	t.line, _ = t.FieldPos(0)
	if t.coded == nil && !utf8.ValidString(strings.Join(record, "\n")) {
		t.coded = coding([]byte(strings.Join(record, "\n")))
	}
	for i, text := range record {
		if t.coded != nil {
			text, err = t.coded.NewDecoder().String(text)
			if err != nil || strings.ContainsRune(text, utf8.RuneError) {
				return nil, t.fail(isoxml.ErrEncoding)
			}
		}
		record[i] = strings.TrimSpace(text)
	}
	return record, nil
}

func (t *table) header() error {
	t.line = 1
	record, err := t.record()
	if errors.Is(err, io.EOF) {
		return t.fail(errNone)
	}
	if err != nil {
		return err
	}
	for i, name := range record {
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

// next reads one result. A line without anything, which the reader passes over, is nothing; one of separators only is Blank.
func (t *table) next() (Result, error) {
	record, err := t.record()
	if err != nil {
		return Result{Line: t.line}, err
	}
	cell := func(meaning string) string {
		if i, ok := t.at[meaning]; ok && i < len(record) {
			return clip(strings.Clone(record[i]))
		}
		return ""
	}
	r := Result{
		EndToEndID: cell("id"), State: states[strings.ToLower(cell("state"))], Currency: strings.ToUpper(cell("currency")),
		Reason: strings.ToUpper(cell("reason")), Detail: cell("detail"), BankRef: cell("ref"), Line: t.line,
	}
	switch {
	case strings.Join(record, "") == "":
		return Result{State: Passed, Why: Blank, Line: t.line}, nil
	case spoilt(cell("id"), cell("amount"), cell("date")) != "":
		return r, t.fail(bad("spoilt", "%q looks as if a spreadsheet program had changed it", spoilt(cell("id"), cell("amount"), cell("date"))))
	case r.EndToEndID == "":
		return r, t.fail(&isoxml.Wrong{Key: "refund.import.fault.id", Text: "no end-to-end id"})
	case r.State == "":
		return r, t.fail(bad("state", "%q is no state such as booked or returned", cell("state")))
	case len(r.Reason) > 35:
		return r, t.fail(bad("reason", "%q is no reason such as AC04", r.Reason))
	}
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
