package refund_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/bankresult"
)

// why is the key of what an error says about the field ref.
func why(err error) string {
	f, ok := fault.As(err)
	if !ok || len(f.Fields) != 1 || f.Fields[0].Name != "ref" {
		return fmt.Sprint(err)
	}
	return f.Fields[0].Key
}

// notice is a notification with entries of 190.05 EUR, unless they say otherwise.
func notice(entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>` +
		`<GrpHdr><MsgId>N</MsgId><CreDtTm>2026-12-04T06:00:00</CreDtTm></GrpHdr><Ntfctn><Id>N</Id>` + strings.Join(entries, "\n") + `</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`
}

func line(side, amount, head, details string) string {
	return `<Ntry><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>` + side + `</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt>` + head + details + `</Ntry>`
}

func one(key, more string) string {
	return `<NtryDtls><TxDtls><Refs><EndToEndId>` + key + `</EndToEndId></Refs><Amt Ccy="EUR">190.05</Amt>` + more + `</TxDtls></NtryDtls>`
}

func lump(name string, count int) string {
	return fmt.Sprintf(`<NtryDtls><Btch><PmtInfId>%s</PmtInfId><NbOfTxs>%d</NbOfTxs></Btch></NtryDtls>`, name, count)
}

const returnedByCode = `<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>`

func (h *house) imported(entries ...string) refund.Import {
	h.Helper()
	i, err := h.service.ImportResults(h.Context(), clara, "n.xml", strings.NewReader(notice(entries...)))
	if err != nil {
		h.Fatal(err)
	}
	return i
}

func (h *house) linesOf(i refund.Import) []refund.BankResult {
	h.Helper()
	_, lines, err := h.service.OpenImport(h.Context(), clara, i.ID, "", 20)
	if err != nil {
		h.Fatal(err)
	}
	return lines
}

// Money that came back moves its refund however the bank says it, and no booking of a file is left without a word.
func TestMoneyThatCameBackIsNeverPassedOver(t *testing.T) {
	h := open(t)
	all := h.transfers(4)
	h.released(refund.Bank, "EUR")
	key := func(n int) string { return all[n].Ref + "-1" }
	booked := func(n int) string { return line("DBIT", "190.05", "", one(key(n), "")) }
	if i := h.imported(booked(0), booked(1), booked(2), booked(3)); i.Matched != 4 {
		t.Fatalf("%+v", i)
	}
	i := h.imported(
		line("CRDT", "190.05", returnedByCode, one(key(0), "")),
		line("CRDT", "190.05", "", `<AddtlNtryInf>RETURN `+key(1)+` AC04</AddtlNtryInf>`),
		line("CRDT", "190.05", "", one(key(2), "")), // our reference, and no word of a return
		line("DBIT", "190.05", "", one(key(3), `<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>`)),
		line("DBIT", "49.00", "", one("INV-2026-777", `<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>`)), // somebody else's
		line("CRDT", "20.00", "", one("INV-2026-778", "")),
		line("CRDT", "20.00", returnedByCode, one("SOMEBODY", "")), // a return, of what is not known
		line("DBIT", "3.00", "", ""),
		line("DBIT", "3.00", "", ""),
		strings.Replace(line("DBIT", "3.00", "", one("X", "")), "BOOK", "PDNG", 1),
	)
	if i.Returned != 2 || i.Differing != 2 || i.Unmatched != 1 || i.Open != 5 {
		t.Errorf("%+v", i)
	}
	for n, want := range map[int]refund.State{0: refund.Returned, 1: refund.Returned, 2: refund.Paid, 3: refund.Paid} {
		if got := h.get(all[n]); got.State != want {
			t.Errorf("%d is %s, want %s", n, got.State, want)
		}
	}
	if got := h.get(all[1]); got.Failure != "AC04" {
		t.Errorf("why it came back: %q", got.Failure)
	}
	again, _, err := h.service.OpenImport(t.Context(), clara, i.ID, "", 1)
	counts := map[bankresult.Why]int{}
	for _, p := range again.Passed {
		counts[p.Why] = p.Count
		if len(p.Lines) != p.Count || p.Lines[0] < 1 {
			t.Errorf("%+v", p)
		}
	}
	if want := map[bankresult.Why]int{bankresult.Bounced: 1, bankresult.Income: 1, bankresult.Outlay: 2, bankresult.Pending: 1}; fmt.Sprint(counts) != fmt.Sprint(want) || err != nil {
		t.Errorf("%v, %v", counts, err)
	}
	// Finance says of the unclear one that it is a return.
	for _, l := range h.linesOf(i) {
		if l.Ref == all[2].Ref {
			if l.Unclear != bankresult.Income || l.Queue != refund.QueueDiffering {
				t.Errorf("%+v", l)
			}
			if _, err := h.service.MatchResult(t.Context(), clara, l.ID, l.Ref, ""); err != nil || h.get(all[2]).State != refund.Returned {
				t.Errorf("%v, %s", err, h.get(all[2]).State)
			}
		}
	}
	h.balanced()
}

func TestAFileWithoutAnythingOfOursIsTakenWithItsCounts(t *testing.T) {
	h := open(t)
	i := h.imported(line("CRDT", "20.00", "", one("INV-1", "")))
	if len(i.Passed) != 1 || i.Passed[0].Count != 1 || i.Open != 0 {
		t.Errorf("%+v", i)
	}
	_, err := h.service.ImportResults(t.Context(), clara, "n.xml", strings.NewReader(notice()))
	if f, ok := fault.As(err); !ok || len(f.Fields) != 1 || f.Fields[0].Key != "refund.import.empty" {
		t.Errorf("an empty notification: %v", err)
	}
}

// Banks may book a file's payments as one debit that names the batch only.
func TestABatchThatIsBookedAsOneIsRecognised(t *testing.T) {
	h := open(t)
	all := h.transfers(3)
	b := h.released(refund.Bank, "EUR")
	for name, entry := range map[string]string{
		"another amount": line("DBIT", "570.14", "", lump(b.Ref+"-1", 3)),
		"another number": line("DBIT", "570.15", "", lump(b.Ref+"-1", 2)),
		"another batch":  line("DBIT", "570.15", "", lump("PB-2026-999999-1", 3)),
		"no name":        line("DBIT", "570.15", "", `<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch></NtryDtls>`),
		"unclear":        line("CRDT", "570.15", "", lump(b.Ref+"-1", 3)),
	} {
		i := h.imported(entry)
		lines := h.linesOf(i)
		if i.Open != 1 || len(lines) != 1 || !lines[0].Whole || h.get(all[0]).State != refund.Released {
			t.Errorf("%s: %+v, %+v", name, i, lines)
		}
	}
	i := h.imported(line("DBIT", "570.15", "", lump(b.Ref+"-1", 3)))
	lines := h.linesOf(i)
	if i.Matched != 1 || i.Open != 0 || lines[0].BatchRef != b.Ref || lines[0].Expected != 570_15 {
		t.Errorf("%+v, %+v", i, lines)
	}
	for _, r := range all {
		if got := h.get(r); got.State != refund.Paid {
			t.Errorf("%s is %s", r.Ref, got.State)
		}
	}
	h.balanced()
	// The bank takes all of it back, under the name of the file.
	i = h.imported(line("CRDT", "570.15", "<RvslInd>true</RvslInd>", lump(b.Ref, 3)))
	if i.Returned != 1 || h.get(all[1]).State != refund.Returned {
		t.Errorf("%+v, %s", i, h.get(all[1]).State)
	}
	h.balanced()
}

func TestABookingWithoutANameIsTiedToItsBatchByHand(t *testing.T) {
	h := open(t)
	all := h.transfers(2)
	b := h.released(refund.Bank, "EUR")
	l := h.linesOf(h.imported(line("DBIT", "380.10", "", `<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>`)))[0]
	for ref, want := range map[string]string{
		"PB-2026-999999": "refund.match.no_batch", all[0].Ref: "refund.match.amount", strings.ToLower(all[1].Ref): "refund.match.amount",
	} {
		if _, err := h.service.MatchResult(t.Context(), clara, l.ID, ref, ""); why(err) != want {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
	}
	if _, err := h.service.MatchResult(t.Context(), clara, l.ID, b.Ref, ""); err != nil || h.get(all[0]).State != refund.Paid || h.get(all[1]).State != refund.Paid {
		t.Errorf("%v, %s", err, h.get(all[0]).State)
	}
	if _, err := h.service.MatchResult(t.Context(), clara, l.ID, b.Ref, ""); !errors.Is(err, refund.ErrMoved) {
		t.Errorf("twice: %v", err)
	}
	h.balanced()
}

// Whoever reads about a file's faults reads all of their lines, or how many more there are.
func TestI02_FaultsOfAFileAreToldWhole(t *testing.T) {
	h := open(t)
	var file bytes.Buffer
	file.WriteString("end_to_end_id,state,amount,currency,date\n")
	for range 25 {
		file.WriteString("RF-1-1,booked,1e3,EUR,2026-12-03\n")
	}
	_, err := h.service.ImportResults(t.Context(), clara, "x", &file)
	f, ok := fault.As(err)
	if !ok || len(f.Fields) != 21 || f.Fields[0].Key != "refund.import.fault.amount" || f.Fields[0].Args["Line"] != 2 || f.Fields[20].Key != "refund.import.more" || f.Fields[20].Args["Count"] != 5 {
		t.Errorf("%+v", f)
	}
	for name, file := range map[string]string{
		"an encoding": strings.Replace(notice(line("DBIT", "1.00", "", "")), "UTF-8", "KOI8-R", 1), "HTML": "<html></html>", "cut": notice()[:200],
	} {
		_, err := h.service.ImportResults(t.Context(), clara, "x", strings.NewReader(file))
		f, ok := fault.As(err)
		if !ok || len(f.Fields) != 1 || !regexp.MustCompile(`^refund\.import\.fault\.(encoding|message|broken)$`).MatchString(f.Fields[0].Key) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
