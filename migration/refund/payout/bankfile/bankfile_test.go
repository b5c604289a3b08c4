package bankfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"offramp/internal/fault"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
)

var (
	lin    = account.Account{Kind: account.Card, Number: "6222020200000000006", Holder: "林薇", Bank: "102100000024"}
	müller = account.Account{Kind: account.IBAN, Number: "DE89370400440532013000", Holder: "Mueller & Co", Bank: "COBADEFFXXX"}
	smith  = account.Account{Kind: account.IBAN, Number: "GB29NWBK60161331926819", Holder: "J. Smith"}
)

func payments() []bankfile.Payment {
	return []bankfile.Payment{
		{Ref: "RF-10001-1", Amount: 128493, Currency: "CNY", To: lin, Note: "河舟退款 RF-10001"},
		{Ref: "RF-10002-1", Amount: 5, Currency: "EUR", To: smith},
		{Ref: "RF-10003-2", Amount: 500, Currency: "JPY", To: lin},
		{Ref: "RF-10004-1", Amount: 99999, Currency: "EUR", To: smith, Note: "Refund RF-10004"},
		{Ref: "RF-10005-1", Amount: 1230, Currency: "KWD", To: smith},
		{Ref: "RF-10006-1", Amount: 7, Currency: "CNY", To: smith},
	}
}

// ungrouped is a payment without the PmtInfId under which it was read.
func ungrouped(p bankfile.Payment) bankfile.Payment {
	if !strings.Contains(p.Group, "-") {
		panic("a payment was read outside of a PmtInf")
	}
	p.Group = ""
	return p
}

func listed(list []bankfile.Payment) func() iter.Seq2[bankfile.Payment, error] {
	return func() iter.Seq2[bankfile.Payment, error] {
		return func(yield func(bankfile.Payment, error) bool) {
			for _, p := range list {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

func batch(list ...bankfile.Payment) bankfile.Batch {
	return bankfile.Batch{
		ID: "OFR-2026-0007", Created: time.Date(2026, 12, 1, 1, 2, 3, 999, time.UTC), Execution: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC),
		Debtor:  bankfile.Debtor{Name: "Hezhou Software", Account: "31050123456789012345", CNAPS: "102290000017"},
		Unicode: true, Payments: listed(list),
	}
}

func write(t testing.TB, b bankfile.Batch) (string, bankfile.Summary) {
	t.Helper()
	var out bytes.Buffer
	s, err := bankfile.Write(&out, b)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), s
}

func TestF13_AFileIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	file, s := write(t, batch(payments()...))
	want := bankfile.Summary{ID: "OFR-2026-0007", Count: 6, Sum: "2786.270", Size: int64(len(file)), Totals: []bankfile.Total{
		{Currency: "CNY", Count: 2, Sum: 128500}, {Currency: "EUR", Count: 2, Sum: 100004}, {Currency: "JPY", Count: 1, Sum: 500}, {Currency: "KWD", Count: 1, Sum: 1230},
	}}
	sum := sha256.Sum256([]byte(file))
	want.SHA256 = hex.EncodeToString(sum[:])
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	var read []bankfile.Payment
	got, err := bankfile.Check(strings.NewReader(file), func(p bankfile.Payment) error { read = append(read, ungrouped(p)); return nil })
	if diff := cmp.Diff(s, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	inOrder := payments() // by currency, then kind
	inOrder = []bankfile.Payment{inOrder[0], inOrder[5], inOrder[1], inOrder[3], inOrder[2], inOrder[4]}
	if diff := cmp.Diff(inOrder, read); diff != "" {
		t.Error(diff)
	}
	if err := bankfile.Verify(strings.NewReader(file), s); err != nil {
		t.Error(err)
	}
}

// The golden file is the format as a bank gets it.
func TestTheFileLooksAsTheStandardHasIt(t *testing.T) {
	t.Parallel()
	b := batch(payments()[:2]...)
	file, _ := write(t, b)
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
 <CstmrCdtTrfInitn>
  <GrpHdr>
   <MsgId>OFR-2026-0007</MsgId>
   <CreDtTm>2026-12-01T01:02:03Z</CreDtTm>
   <NbOfTxs>2</NbOfTxs>
   <CtrlSum>1284.98</CtrlSum>
   <InitgPty>
    <Nm>Hezhou Software</Nm>
   </InitgPty>
  </GrpHdr>
  <PmtInf>
   <PmtInfId>OFR-2026-0007-1</PmtInfId>
   <PmtMtd>TRF</PmtMtd>
   <NbOfTxs>1</NbOfTxs>
   <CtrlSum>1284.93</CtrlSum>
   <ReqdExctnDt>
    <Dt>2026-12-03</Dt>
   </ReqdExctnDt>
   <Dbtr>
    <Nm>Hezhou Software</Nm>
   </Dbtr>
   <DbtrAcct>
    <Id>
     <Othr>
      <Id>31050123456789012345</Id>
     </Othr>
    </Id>
   </DbtrAcct>
   <DbtrAgt>
    <FinInstnId>
     <ClrSysMmbId>
      <ClrSysId>
       <Cd>CNAPS</Cd>
      </ClrSysId>
      <MmbId>102290000017</MmbId>
     </ClrSysMmbId>
    </FinInstnId>
   </DbtrAgt>
   <ChrgBr>DEBT</ChrgBr>
   <CdtTrfTxInf>
    <PmtId>
     <EndToEndId>RF-10001-1</EndToEndId>
    </PmtId>
    <Amt>
     <InstdAmt Ccy="CNY">1284.93</InstdAmt>
    </Amt>
    <CdtrAgt>
     <FinInstnId>
      <ClrSysMmbId>
       <ClrSysId>
        <Cd>CNAPS</Cd>
       </ClrSysId>
       <MmbId>102100000024</MmbId>
      </ClrSysMmbId>
     </FinInstnId>
    </CdtrAgt>
    <Cdtr>
     <Nm>林薇</Nm>
    </Cdtr>
    <CdtrAcct>
     <Id>
      <Othr>
       <Id>6222020200000000006</Id>
      </Othr>
     </Id>
    </CdtrAcct>
    <RmtInf>
     <Ustrd>河舟退款 RF-10001</Ustrd>
    </RmtInf>
   </CdtTrfTxInf>
  </PmtInf>
`
	if !strings.HasPrefix(file, want) {
		t.Errorf("%s", cmp.Diff(want, file[:min(len(want), len(file))]))
	}
	for _, part := range []string{"<ChrgBr>SLEV</ChrgBr>", `<InstdAmt Ccy="EUR">0.05</InstdAmt>`, "<IBAN>GB29NWBK60161331926819</IBAN>"} {
		if !strings.Contains(file[len(want):], part) {
			t.Errorf("no %s", part)
		}
	}
	b.Debtor = bankfile.Debtor{Name: "Hezhou GmbH", IBAN: müller.Number, BIC: "COBADEFFXXX"}
	if file, _ = write(t, b); !strings.Contains(file, "<BICFI>COBADEFFXXX</BICFI>") || !strings.Contains(file, "<IBAN>DE89370400440532013000</IBAN>") {
		t.Error(file)
	}
	b.Debtor.BIC = ""
	if file, _ = write(t, b); !strings.Contains(file, "<Id>NOTPROVIDED</Id>") {
		t.Error(file)
	}
	if _, err := bankfile.Check(strings.NewReader(file), nil); err != nil {
		t.Error(err)
	}
}

func TestF13_TheSameBatchGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first, one := write(t, batch(payments()...))
	second, two := write(t, batch(payments()...))
	if first != second || one.SHA256 != two.SHA256 {
		t.Error("they differ")
	}
	other := payments()
	other[0].Amount++
	if third, _ := write(t, batch(other...)); third == first {
		t.Error("another batch is the same")
	}
}

// Whoever edits a file is found out: by the checksum in any case, and by the file's own totals.
func TestF13_AnEditedFileIsDetected(t *testing.T) {
	t.Parallel()
	file, s := write(t, batch(payments()...))
	for name, row := range map[string]struct {
		old, new string
		sound    bool // the file is valid by itself
	}{
		"an amount":          {">1284.93</InstdAmt>", ">9284.93</InstdAmt>", false},
		"an amount's digits": {">500</InstdAmt>", ">500.5</InstdAmt>", false},
		"a currency":         {`Ccy="KWD"`, `Ccy="BHD"`, true},
		"an account":         {"6222020200000000006", "6222020200000000007", false},
		"another's account":  {"DE89370400440532013000", "GB29NWBK60161331926819", true},
		"a name":             {"林薇", "林微", true},
		"a count":            {"<NbOfTxs>6</NbOfTxs>", "<NbOfTxs>7</NbOfTxs>", false},
		"a group's count":    {"<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>", false},
		"the sum":            {"<CtrlSum>2786.270</CtrlSum>", "<CtrlSum>2786.271</CtrlSum>", false},
		"a group's sum":      {"<CtrlSum>500</CtrlSum>", "<CtrlSum>501</CtrlSum>", false},
		"a reference":        {"RF-10004-1</EndToEndId>", "RF-10002-1</EndToEndId>", false},
		"the day":            {"2026-12-03", "2026-12-04", true},
		"no day":             {"2026-12-03", "2026-13-03", false},
		"a blank":            {"</GrpHdr>", "</GrpHdr> ", true},
		"the end":            {"</Document>", "", false},
		"something after":    {"</Document>", "</Document><Document/>", false},
		"an element":         {"<PmtMtd>TRF</PmtMtd>", "<PmtMtd>TRF</PmtMtd><Purp>x</Purp>", false},
		"a way of booking":   {"<PmtMtd>TRF</PmtMtd>", "<PmtMtd>TRF</PmtMtd><BtchBookg>maybe</BtchBookg>", false},
		"the order":          {"<PmtMtd>TRF</PmtMtd>", "", false},
		"twice":              {"<PmtMtd>TRF</PmtMtd>", "<PmtMtd>TRF</PmtMtd><PmtMtd>TRF</PmtMtd>", false},
		"text between":       {"</GrpHdr>", "</GrpHdr>x", false},
		"a name too long":    {"林薇", strings.Repeat("林", 71), false},
		"a reference's size": {"RF-10001-1<", strings.Repeat("R", 36) + "<", false},
		"another message":    {"pain.001.001.09", "pain.001.001.03", false},
		"an attribute":       {"<GrpHdr>", `<GrpHdr a="b">`, false},
		"both accounts":      {"<Othr>\n       <Id>6222020200000000006</Id>", "<IBAN>DE89370400440532013000</IBAN><Othr>\n       <Id>6222020200000000006</Id>", false},
		"an entity":          {`<Document xmlns`, `<!DOCTYPE d [<!ENTITY e "x">]><Document xmlns`, false},
		"an unknown entity":  {"林薇", "&e;", false},
		"an instruction":     {`<Document xmlns`, `<?php x?><Document xmlns`, false},
	} {
		source := file
		if name == "another's account" {
			changed := payments()
			changed[1].To = müller
			source, s = write(t, batch(changed...))
		}
		edited := strings.Replace(source, row.old, row.new, 1)
		if edited == source {
			t.Errorf("%s: not found", name)
		}
		_, err := bankfile.Check(strings.NewReader(edited), nil)
		if (err == nil) != row.sound || err != nil && !errors.Is(err, bankfile.ErrFile) {
			t.Errorf("%s: checked: %v", name, err)
		}
		if err := bankfile.Verify(strings.NewReader(edited), s); !errors.Is(err, bankfile.ErrEdited) {
			t.Errorf("%s: verified: %v", name, err)
		}
		if err := bankfile.Verify(strings.NewReader(source), s); err != nil {
			t.Errorf("%s: whole: %v", name, err)
		}
		if name == "another's account" {
			_, s = write(t, batch(payments()...))
		}
	}
}

func TestF13_ABatchThatCannotBePaidIsNotWritten(t *testing.T) {
	t.Parallel()
	change := func(i int, f func(*bankfile.Payment)) []bankfile.Payment {
		list := payments()
		f(&list[i])
		return list
	}
	broken := errors.New("connection lost")
	for name, b := range map[string]bankfile.Batch{
		"nobody":          batch(),
		"twice":           batch(append(payments(), payments()[0])...),
		"nothing":         batch(change(1, func(p *bankfile.Payment) { p.Amount = 0 })...),
		"less than none":  batch(change(1, func(p *bankfile.Payment) { p.Amount = -5 })...),
		"no currency":     batch(change(1, func(p *bankfile.Payment) { p.Currency = "ABC" })...),
		"no reference":    batch(change(1, func(p *bankfile.Payment) { p.Ref = "" })...),
		"long reference":  batch(change(1, func(p *bankfile.Payment) { p.Ref = strings.Repeat("R", 36) })...),
		"slash":           batch(change(1, func(p *bankfile.Payment) { p.Ref = "RF/1" })...),
		"wrong account":   batch(change(1, func(p *bankfile.Payment) { p.To.Number = "GB28NWBK60161331926819" })...),
		"typed account":   batch(change(1, func(p *bankfile.Payment) { p.To.Number = "gb29 nwbk 6016 1331 9268 19" })...),
		"no name":         batch(change(1, func(p *bankfile.Payment) { p.To.Holder = "" })...),
		"control in note": batch(change(1, func(p *bankfile.Payment) { p.Note = "a\x01b" })...),
		"long note":       batch(change(1, func(p *bankfile.Payment) { p.Note = strings.Repeat("n", 141) })...),
		"too much":        batch(change(1, func(p *bankfile.Payment) { p.Amount = 1_000_000_000_000_000_000 })...),
		"long id":         func() bankfile.Batch { b := batch(payments()...); b.ID = strings.Repeat("B", 31); return b }(),
		"no day":          func() bankfile.Batch { b := batch(payments()...); b.Execution = time.Time{}; return b }(),
		"no debtor":       func() bankfile.Batch { b := batch(payments()...); b.Debtor = bankfile.Debtor{Name: "X"}; return b }(),
		"debtor's name":   func() bankfile.Batch { b := batch(payments()...); b.Debtor.Name = ""; return b }(),
		"two accounts":    func() bankfile.Batch { b := batch(payments()...); b.Debtor.IBAN = smith.Number; return b }(),
		"changes meantime": func() bankfile.Batch {
			b := batch()
			n := 0
			b.Payments = func() iter.Seq2[bankfile.Payment, error] { n++; return listed(payments()[:n])() }
			return b
		}(),
		"reading fails": func() bankfile.Batch {
			b := batch()
			b.Payments = func() iter.Seq2[bankfile.Payment, error] {
				return func(yield func(bankfile.Payment, error) bool) {
					_ = yield(payments()[0], nil) && yield(bankfile.Payment{}, broken)
				}
			}
			return b
		}(),
	} {
		_, err := bankfile.Write(io.Discard, b)
		if want := bankfile.ErrBatch; name != "reading fails" && !errors.Is(err, want) || name == "reading fails" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesInOtherScriptsNeedABankThatTakesThem(t *testing.T) {
	t.Parallel()
	b := batch(payments()...)
	b.Unicode = false
	_, err := bankfile.Write(io.Discard, b)
	if e, ok := fault.As(err); !ok || !errors.Is(err, bankfile.ErrName) || e.Args["Ref"] != "RF-10001-1" {
		t.Errorf("%v", err)
	}
	b.Payments = listed(payments()[1:2])
	if _, err := bankfile.Write(io.Discard, b); err != nil {
		t.Error(err)
	}
}

// halting fails after so many bytes, as a full disk does.
type halting struct{ left int }

func (h *halting) Write(p []byte) (int, error) {
	if h.left -= len(p); h.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestF13_AWriterThatFailsIsTold(t *testing.T) {
	t.Parallel()
	file, _ := write(t, batch(payments()...))
	for left := 0; left < len(file); left += 97 {
		if _, err := bankfile.Write(&halting{left}, batch(payments()...)); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("after %d bytes: %v", left, err)
		}
		if _, err := bankfile.Check(strings.NewReader(file[:left]), nil); !errors.Is(err, bankfile.ErrFile) {
			t.Fatalf("a file of %d bytes passes: %v", left, err)
		}
	}
}

// Whatever is paid, the file's totals are those of the payments, and each is read back.
func TestF13_TotalsAreThoseOfThePayments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list []bankfile.Payment
		want := map[string]int64{}
		for i := range rapid.IntRange(1, 30).Draw(t, "payments") {
			p := bankfile.Payment{
				Ref: fmt.Sprintf("RF-%d-1", i), Amount: rapid.Int64Range(1, 1<<36).Draw(t, "amount"),
				Currency: rapid.SampledFrom([]string{"CNY", "EUR", "JPY", "KWD", "USD"}).Draw(t, "currency"),
				To:       rapid.SampledFrom([]account.Account{lin, müller, smith}).Draw(t, "to"),
				Note:     rapid.SampledFrom([]string{"", "<&>\"'", "退款"}).Draw(t, "note"),
			}
			want[p.Currency] += p.Amount
			list = append(list, p)
		}
		var out bytes.Buffer
		s, err := bankfile.Write(&out, batch(list...))
		if err != nil {
			t.Fatal(err)
		}
		var read []bankfile.Payment
		if _, err := bankfile.Check(&out, func(p bankfile.Payment) error { read = append(read, ungrouped(p)); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, total := range s.Totals {
			if want[total.Currency] != total.Sum {
				t.Fatalf("%+v, want %v", s.Totals, want)
			}
		}
		byRef := func(a, b bankfile.Payment) int { return strings.Compare(a.Ref, b.Ref) }
		slices.SortFunc(read, byRef)
		slices.SortFunc(list, byRef)
		if diff := cmp.Diff(list, read); diff != "" || len(s.Totals) != len(want) {
			t.Fatal(diff)
		}
	})
}

// A large batch streams: what stays in memory is a few bytes a payment.
func TestALargeBatchStreams(t *testing.T) {
	const many = 20_000
	b := batch()
	b.Payments = func() iter.Seq2[bankfile.Payment, error] {
		return func(yield func(bankfile.Payment, error) bool) {
			for i := range many {
				if !yield(bankfile.Payment{Ref: fmt.Sprintf("RF-%d-1", i), Amount: int64(i + 1), Currency: "CNY", To: lin}, nil) {
					return
				}
			}
		}
	}
	read, write := io.Pipe()
	var written bankfile.Summary
	go func() {
		var err error
		written, err = bankfile.Write(write, b)
		_ = write.CloseWithError(err)
	}()
	count, peak := 0, uint64(0)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapInuse
	got, err := bankfile.Check(read, func(bankfile.Payment) error {
		if count++; count%5_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
		return nil
	})
	if err != nil || got.Count != many || !cmp.Equal(got, written) {
		t.Errorf("%+v, %+v, %v", got, written, err)
	}
	if peak > before+8<<20 {
		t.Errorf("the file is %d MiB, and memory grew by %d MiB", got.Size>>20, (peak-before)>>20)
	}
}

func FuzzCheck(f *testing.F) {
	file, _ := write(f, batch(payments()...))
	f.Add([]byte(file))
	f.Add([]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		count := 0
		s, err := bankfile.Check(bytes.NewReader(data), func(bankfile.Payment) error { count++; return nil })
		if err != nil && !errors.Is(err, bankfile.ErrFile) || err == nil && (s.Count != count || s.Size != int64(len(data))) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// SEPA has its own rule for charges, and takes part only in its own countries. The bank books as it is asked to.
func TestAFileKeepsToTheRulesOfItsPaymentSystem(t *testing.T) {
	turkish := account.Account{Kind: account.IBAN, Number: "TR330006100519786457841326", Holder: "A. Kaya"}
	company := account.Account{Kind: account.Company, Number: "31050123456789012345", Holder: "河舟软件有限公司", BankName: "中国银行杭州滨江支行", Bank: "102290000017"}
	b := batch(
		bankfile.Payment{Ref: "RF-1-1", Amount: 100, Currency: "EUR", To: smith}, bankfile.Payment{Ref: "RF-2-1", Amount: 100, Currency: "EUR", To: turkish},
		bankfile.Payment{Ref: "RF-3-1", Amount: 100, Currency: "CNY", To: company},
	)
	b.Booking = bankfile.Single
	file, _ := write(t, b)
	if strings.Count(file, "<BtchBookg>false</BtchBookg>") != 3 || strings.Count(file, "SLEV") != 1 || strings.Count(file, "DEBT") != 2 || !strings.Contains(file, "<Nm>中国银行杭州滨江支行</Nm>") {
		t.Error(file)
	}
	var read []bankfile.Payment
	if _, err := bankfile.Check(strings.NewReader(file), func(p bankfile.Payment) error { read = append(read, p); return nil }); err != nil || len(read) != 3 || read[0].To != company {
		t.Errorf("%+v, %v", read, err)
	}
	for name, change := range map[string]func(*bankfile.Payment){
		"a name of 71":    func(p *bankfile.Payment) { p.To.Holder = strings.Repeat("a", 71) },
		"a billion euros": func(p *bankfile.Payment) { p.Amount = 100_000_000_000 },
		"a leading slash": func(p *bankfile.Payment) { p.To.Holder = "/Smith" },
		"a double slash":  func(p *bankfile.Payment) { p.To.Holder = "Smith//Son" },
	} {
		p := bankfile.Payment{Ref: "RF-1-1", Amount: 100, Currency: "EUR", To: smith}
		change(&p)
		if _, err := bankfile.Write(io.Discard, batch(p)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}
