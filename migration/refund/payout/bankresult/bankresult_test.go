package bankresult_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"offramp/migration/refund/payout/bankresult"
	"offramp/migration/refund/payout/isoxml"
)

const open = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-12-03T18:00:00+08:00</CreDtTm></GrpHdr>
<Ntfctn><Id>N1</Id><CreDtTm>2026-12-03T18:00:00+08:00</CreDtTm><Acct><Id><Othr><Id>31050123456789012345</Id></Othr></Id></Acct>
`

const shut = `</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
`

// booked is one debit with two payments; back is one that came back.
const booked = `<Ntry><Amt Ccy="CNY">1500.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt><AcctSvcrRef>B-77</AcctSvcrRef>
 <BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>
 <NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>
 <TxDtls><Refs><EndToEndId>RF-10001-1</EndToEndId></Refs><Amt Ccy="CNY">1284.93</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>
 <TxDtls><Refs><AcctSvcrRef>T-2</AcctSvcrRef><EndToEndId>RF-10002-1</EndToEndId></Refs><AmtDtls><InstdAmt><Amt Ccy="EUR">27.50</Amt></InstdAmt><TxAmt><Amt Ccy="CNY">215.07</Amt></TxAmt></AmtDtls></TxDtls>
 </NtryDtls></Ntry>
`

const back = `<Ntry><Amt Ccy="CNY">1284.93</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-12-05T09:30:00+08:00</DtTm></BookgDt><AcctSvcrRef>B-91</AcctSvcrRef>
 <NtryDtls><TxDtls><Refs><EndToEndId>RF-10001-1</EndToEndId></Refs>
 <RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户</AddtlInf><AddtlInf>已销户</AddtlInf></RtrInf></TxDtls></NtryDtls></Ntry>
`

func day(d int) time.Time { return time.Date(2026, 12, d, 0, 0, 0, 0, time.UTC) }

// read returns the results without their lines, and the faults.
func read(file string) (results []bankresult.Result, faults []error) {
	for r, err := range bankresult.Read(strings.NewReader(file)) {
		if err != nil {
			faults = append(faults, err)
			continue
		}
		r.Line = 0
		results = append(results, r)
	}
	return results, faults
}

var three = []bankresult.Result{
	{EndToEndID: "RF-10001-1", State: bankresult.Booked, Amount: 128493, Currency: "CNY", Date: day(3), BankRef: "B-77"},
	{EndToEndID: "RF-10002-1", State: bankresult.Booked, Amount: 2750, Currency: "EUR", Date: day(3), BankRef: "T-2"},
	{EndToEndID: "RF-10001-1", State: bankresult.Returned, Amount: 128493, Currency: "CNY", Reason: "AC04", Detail: "账户 已销户", Date: day(5), BankRef: "B-91"},
}

func TestANotificationIsRead(t *testing.T) {
	got, faults := read(open + booked + back + shut)
	if diff := cmp.Diff(three, got); diff != "" || faults != nil {
		t.Error(faults, diff)
	}
}

// The older version has its status as a text, and the amount of a transaction in its details only.
func TestTheOlderVersionIsReadToo(t *testing.T) {
	file := strings.ReplaceAll(open+booked+back+shut, "054.001.08", "054.001.02")
	file = strings.ReplaceAll(file, "<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")
	file = strings.Replace(file, `<Amt Ccy="CNY">1284.93</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>`, `<AmtDtls><TxAmt><Amt Ccy="CNY">1284.93</Amt></TxAmt></AmtDtls></TxDtls>`, 1)
	got, faults := read(file)
	if diff := cmp.Diff(three, got); diff != "" || faults != nil {
		t.Error(faults, diff)
	}
}

func TestWhatIsNotOursIsPassedOverWithItsReason(t *testing.T) {
	file := open + strings.Replace(booked, "<Cd>BOOK</Cd>", "<Cd>PDNG</Cd>", 1) +
		strings.Replace(strings.Replace(back, "<RtrInf>", "<X>", 1), "</RtrInf>", "</X>", 1) + // an incoming payment
		`<Ntry><Amt Ccy="CNY">3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt></Ntry>` + // a charge
		shut
	got, faults := read(file)
	var why []string
	for _, r := range got {
		why = append(why, string(r.State)+" "+string(r.Why))
	}
	if want := []string{"passed pending", "passed pending", "unclear income", "passed outlay"}; !cmp.Equal(why, want) || faults != nil {
		t.Errorf("%v, %v", why, faults)
	}
}

// A payment that came back without a name is told all the same: it is somebody's money.
func TestAReturnWithoutAReferenceIsTold(t *testing.T) {
	file := open + strings.Replace(back, "RF-10001-1", "NOTPROVIDED", 1) +
		`<Ntry><Amt Ccy="JPY">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-06</Dt></BookgDt><AcctSvcrRef>B-92</AcctSvcrRef></Ntry>` + shut
	want := []bankresult.Result{three[2], {State: bankresult.Returned, Amount: 500, Currency: "JPY", Date: day(6), BankRef: "B-92"}}
	want[0].EndToEndID = ""
	got, faults := read(file)
	if diff := cmp.Diff(want, got); diff != "" || faults != nil {
		t.Error(faults, diff)
	}
}

func TestFaultsOfANotificationNameTheirLine(t *testing.T) {
	for name, row := range map[string]struct {
		file    string
		line    int
		words   string
		results int
	}{
		"an amount":        {open + strings.Replace(booked, "1284.93", "1,284.93", 1) + back + shut, 9, "no amount", 2},
		"too many digits":  {open + strings.Replace(booked, "1284.93", "1284.935", 1) + back + shut, 9, "more digits", 2},
		"no currency":      {open + strings.Replace(booked, `<Amt Ccy="CNY">1284.93`, `<Amt>1284.93`, 1) + back + shut, 9, "no currency", 2},
		"no day":           {open + strings.Replace(back, "2026-12-05", "2026-13-05", 1) + shut, 7, "no booking day", 0},
		"no amount":        {open + strings.Replace(back, `<Amt Ccy="CNY">1284.93</Amt>`, "", 1) + shut, 7, "no amount", 0},
		"cut":              {(open + booked + back)[:len(open)+len(booked)+60], 11, "EOF", 2},
		"not closed":       {open + booked, 11, "EOF", 2},
		"another message":  {strings.Replace(open, "camt.054", "camt.053", 1) + shut, 2, "camt.054", 0},
		"no entries":       {open + shut, 6, "no results", 0},
		"a document type":  {"<!DOCTYPE d SYSTEM \"file:///etc/passwd\">" + open + booked + shut, 1, "not allowed", 0},
		"an entity":        {open + strings.Replace(back, "AC04", "&xxe;", 1) + shut, 7, "entity", 0},
		"an instruction":   {open + "<?php ?>" + booked + shut, 5, "not allowed", 0},
		"too deep":         {open + strings.Repeat("<a>", 50), 5, "too deep", 0},
		"too long":         {open + "<a>" + strings.Repeat("x", 200<<10) + "</a>" + shut, 0, "too long", 0},
		"a long attribute": {open + `<a b="` + strings.Repeat("x", 200<<10) + `"/>` + shut, 0, "too long", 0},
		"two documents":    {open + booked + shut + open, 13, "", 2},
		"HTML":             {"<html><body>Session expired</body></html>", 1, "camt.054", 0},
		"another alphabet": {strings.Replace(open, "UTF-8", "KOI8-R", 1) + shut, 1, "encoding", 0},
	} {
		got, faults := read(row.file)
		var fault *isoxml.Fault
		if len(faults) != 1 || !errors.As(faults[0], &fault) || row.line > 0 && fault.Line != row.line || !strings.Contains(faults[0].Error(), row.words) || len(got) != row.results {
			t.Errorf("%s: %d results, %v", name, len(got), faults)
		}
	}
}

// endless is a file that never ends.
type endless struct {
	head  io.Reader
	piece string
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err == nil {
		return n, nil
	}
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.piece[e.at:])
		n, e.at = n+c, (e.at+c)%len(e.piece)
	}
	return n, nil
}

func TestAFileThatNeverEndsIsRefused(t *testing.T) {
	for name, row := range map[string][2]string{
		"XML": {open, "<Other>" + strings.Repeat(" ", 60000) + "</Other>"},
		"CSV": {"end_to_end_id,state,amount,currency,date\n", "RF-1-1,booked," + strings.Repeat("0", 60000) + ",CNY,2026-12-03\n"},
	} {
		var last error
		for _, err := range bankresult.ReadWithin(&endless{head: strings.NewReader(row[0]), piece: row[1]}, 1<<20) {
			last = err
		}
		if !errors.Is(last, isoxml.ErrLarge) {
			t.Errorf("%s: %v", name, last)
		}
	}
}

const table = `end_to_end_id,state,amount,currency,date,reason,bank_ref,detail,more
RF-10001-1,booked,1284.93,CNY,2026-12-03,,B-77,,x
RF-10002-1,paid,27.5,eur,20261203,,T-2,,

"RF-10001-1",Returned,1284.93,CNY,2026/12/05,ac04,B-91,账户 已销户
`

func TestATableIsRead(t *testing.T) {
	want := append([]bankresult.Result{}, three...)
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String("退款编号,状态,金额,币种,入账日期,退回原因,银行流水号,备注\nRF-10001-1,成功,1284.93,CNY,2026-12-03,,B-77,\nRF-10002-1,已入账,27.50,EUR,2026/12/3,,T-2,\nRF-10001-1,退回,1284.93,CNY,2026-12-05,AC04,B-91,账户 已销户\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"commas": table, "a mark": "\ufeff" + table, "semicolons": strings.ReplaceAll(table, ",", ";"), "tabs": strings.ReplaceAll(table, ",", "\t"),
		"Windows": strings.ReplaceAll(table, "\n", "\r\n"), "spaces": strings.ReplaceAll(table, ",", ", "), "a Chinese spreadsheet": gbk,
	} {
		got, faults := read(file)
		if diff := cmp.Diff(want, got); diff != "" || faults != nil {
			t.Errorf("%s: %v %s", name, faults, diff)
		}
	}
}

// Some Chinese words in GB 18030 pass for UTF-8 by chance; the file as a whole does not.
func TestATableInGB18030IsJudgedAsAWhole(t *testing.T) {
	file, err := simplifiedchinese.GB18030.NewEncoder().String("end_to_end_id,state,amount,currency,date,detail\nRF-1-1,booked,1,CNY,2026-12-03,状态\nRF-2-1,returned,1,CNY,2026-12-03,账户已销户\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, faults := read(file); len(got) != 2 || got[0].Detail != "状态" || got[1].Detail != "账户已销户" {
		t.Errorf("%+v, %v", got, faults)
	}
}

func TestFaultsOfATableNameTheirLine(t *testing.T) {
	const head = "end_to_end_id,state,amount,currency,date,reason\n"
	for name, row := range map[string]struct {
		file  string
		lines string
	}{
		"several":           {head + "RF-1-1,booked,1,CNY,2026-12-03\n,booked,1,CNY,2026-12-03\nRF-2-1,maybe,1,CNY,2026-12-03\nRF-3-1,booked,-1,CNY,2026-12-03\nRF-4-1,booked,1,XXL,2026-12-03\nRF-5-1,booked,1,CNY,soon\nRF-6-1,booked\n", "3 4 5 6 7 8"},
		"a float":           {head + "RF-1-1,booked,1e3,CNY,2026-12-03\n", "2"},
		"too many digits":   {head + "RF-1-1,booked,1.5,JPY,2026-12-03\n", "2"},
		"too much":          {head + "RF-1-1,booked,92233720368547758.08,CNY,2026-12-03\n", "2"},
		"a reason too long": {head + "RF-1-1,returned,1,CNY,2026-12-03," + strings.Repeat("A", 36) + "\n", "2"},
		"no column":         {"end_to_end_id,state,amount,date\n", "1"},
		"a column twice":    {"end_to_end_id,reference,state,amount,currency,date\n", "1"},
		"nothing":           {"", "1"},
		"no lines":          {head, "1"},
		"a lonely quote":    {head + "RF-1-1,boo\"ked,1,CNY,2026-12-03\nRF-2-1,booked,1,CNY,2026-12-03\n", "2"},
		"an open quote":     {head + "RF-1-1,\"booked,1,CNY,2026-12-03\nRF-2-1,booked,1,CNY,2026-12-03\n", "3"},
		"a long line":       {head + strings.Repeat("x", 100<<10), "2"},
		"no table":          {"\x00\x01\x02", "1"},
		"no alphabet":       {head + "RF-1-1,\xff,1,CNY,2026-12-03\n", "2"},
	} {
		var lines []string
		_, faults := read(row.file)
		for _, err := range faults {
			var fault *isoxml.Fault
			if errors.As(err, &fault) {
				lines = append(lines, fmt.Sprint(fault.Line))
			}
		}
		if got := strings.Join(lines, " "); got != row.lines {
			t.Errorf("%s: lines %q, want %q: %v", name, got, row.lines, faults)
		}
	}
}

func TestResultsKnowTheirLine(t *testing.T) {
	var lines []int
	for r := range bankresult.Read(strings.NewReader(table)) {
		lines = append(lines, r.Line)
	}
	if !cmp.Equal(lines, []int{2, 3, 5}) {
		t.Error(lines)
	}
}

// Whoever has seen enough leaves, and is not called again.
func TestReadingCanBeBrokenOff(t *testing.T) {
	for _, file := range []string{open + booked + back + shut, table} {
		n := 0
		for range bankresult.Read(strings.NewReader(file)) {
			n++
			break
		}
		if n != 1 {
			t.Error(n)
		}
	}
}

func TestALargeNotificationStreams(t *testing.T) {
	const many = 10_000
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, open)
		for range many {
			_, _ = io.WriteString(w, back)
		}
		_, _ = io.WriteString(w, shut)
		_ = w.Close()
	}()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak, n := m.HeapInuse, uint64(0), 0
	for _, err := range bankresult.Read(r) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%2500 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	}
	if n != many || peak > before+4<<20 {
		t.Errorf("%d results, memory grew from %d to %d KiB", n, before>>10, peak>>10)
	}
}

func fuzz(f *testing.F, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for r, err := range bankresult.Read(bytes.NewReader(data)) {
			var fault *isoxml.Fault
			switch {
			case err != nil && (!errors.As(err, &fault) || fault.Line < 1):
				t.Errorf("%v", err)
			case err == nil && r.State != bankresult.Passed && (r.Amount < 0 || r.Currency == "" || r.State == "" || r.Date.IsZero() || len(r.Detail) > 500):
				t.Errorf("%+v", r)
			}
		}
	})
}

func FuzzCamt(f *testing.F) { fuzz(f, open+booked+back+shut, open, "<a/>") }

func FuzzCSV(f *testing.F) { fuzz(f, table, "a;b\n", "end_to_end_id,state,amount,currency,date\n\"") }

// TestWhatASpreadsheetDidToAResultIsTold reads a table that a spreadsheet had saved: every faulty line is told with its number.
func TestWhatASpreadsheetDidToAResultIsTold(t *testing.T) {
	const file = "end_to_end_id;state;amount;currency;date\r\n" +
		"2.026E+11;booked;5.00;CNY;2026-11-24\r\n" +
		"RF-2026-000001-1;booked;#######;CNY;2026-11-24\r\n" +
		"RF-2026-000002-1;booked;5.00;CNY;#N/A\r\n" +
		"RF-2026-000003-1;booked;5.00;CNY;2026-11-24\r\n"
	var lines []int
	good := 0
	for r, err := range bankresult.Read(strings.NewReader(file)) {
		var fault *isoxml.Fault
		var wrong *isoxml.Wrong
		switch {
		case err == nil:
			good++
		case errors.As(err, &fault) && errors.As(err, &wrong) && wrong.Key == "refund.import.fault.spoilt":
			lines = append(lines, fault.Line)
		default:
			t.Errorf("line %d: %v", r.Line, err)
		}
	}
	if !slices.Equal(lines, []int{2, 3, 4}) || good != 1 {
		t.Errorf("faults in lines %v, %d good", lines, good)
	}
}

// TestATableIsReadAsOtherImportsAre holds the table to what spreadsheet programs do to every file that people bring in.
func TestATableIsReadAsOtherImportsAre(t *testing.T) {
	const head = "end_to_end_id;state;amount;currency;date;detail;;\n"
	for name, row := range map[string]struct{ file, want string }{
		"what separates is said":       {"sep=;\n" + head + "RF-1-1;booked;1;EUR;2026-12-03\n", "3 booked "},
		"zeros kept as Excel does":     {head + "=\"RF-1-1\";booked;1;EUR;2026-12-03;=\"007\";;\n", "2 booked 007"},
		"lines of an old Mac":          {strings.ReplaceAll(head+"RF-1-1;booked;1;EUR;2026-12-03;x;;\n", "\n", "\r"), "2 booked x"},
		"a text of two lines":          {head + "RF-1-1;booked;1;EUR;2026-12-03;\"a \"\"b\"\"\nc\";;\nRF-2-1;booked;1;EUR;2026-12-03;d;;\n", "2 booked a \"b\"\nc, 4 booked d"},
		"a value nobody has named":     {head + "RF-1-1;booked;1;EUR;2026-12-03;x;;7\n", "2 refund.import.fault.unnamed 8"},
		"more fields than columns":     {head + "RF-1-1;booked;1;EUR;2026-12-03;x;;;7\nRF-2-1;booked;1;EUR;2026-12-03;d;;\n", "2 refund.import.fault.fields 9, 3 booked d"},
		"a quote that spoils its line": {head + "RF-1-1;bo\"oked;1;EUR;2026-12-03;x;;\nRF-2-1;booked;1;EUR;2026-12-03;d;;\n", "2 refund.import.fault.quotes <nil>, 3 booked d"},
		"a workbook":                   {"PK\x03\x04 and more", "1 refund.import.fault.workbook "},
		"lines of tabs":                {"end_to_end_id\tstate\tamount\tcurrency\tdate\nRF-1-1\tbooked\t1\tEUR\t2026-12-03\n\t\t\t\t\n", "2 booked , 3 passed "},
	} {
		var got []string
		for r, err := range bankresult.Read(strings.NewReader(row.file)) {
			var fault *isoxml.Fault
			var wrong *isoxml.Wrong
			if errors.As(err, &fault) && errors.As(err, &wrong) {
				got = append(got, fmt.Sprint(fault.Line, " ", wrong.Key, " ", wrong.Args["Text"]))
				continue
			}
			got = append(got, fmt.Sprint(r.Line, " ", r.State, " ", r.Detail))
		}
		if text := strings.Join(got, ", "); text != row.want {
			t.Errorf("%s: %q, want %q", name, text, row.want)
		}
	}
}
