package portal_test

import (
	"net/url"
	"strings"
	"testing"
)

const bankPath = "/console/finance/reconciliation"

func notice(entries ...string) string {
	return `<?xml version="1.0" encoding="ISO-8859-1"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>` +
		strings.Join(entries, "\n") + `</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`
}

func entry(side, details string) string {
	return `<Ntry><Amt Ccy="CNY">5.00</Amt><CdtDbtInd>` + side + `</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt>` + details + `</Ntry>`
}

// Every booking of a bank's file is on the page: as a line, or counted with its reason.
func TestThePageOfAFileAccountsForEachOfItsBookings(t *testing.T) {
	w := newPrepaid(t)
	returned := `<NtryDtls><TxDtls><Refs><EndToEndId>LOST</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>S` + "\xf6" + `kt</AddtlInf></RtrInf></TxDtls></NtryDtls>`
	a := w.upload("finance_clerk", bankPath, "bank.xml", notice(
		entry("CRDT", returned), entry("DBIT", returned), entry("DBIT", ""), entry("CRDT", ""), entry("CRDT", ""),
		entry("DBIT", `<NtryDtls><Btch><PmtInfId>PB-2026-999999-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>`),
	))
	body := w.shows("finance_clerk", a.location, "Sökt", "The account is closed (AC04)", "PB-2026-999999-1", "The bank booked a batch as one", "Left out, and why",
		"taken back</th><td role=\"cell\" class=\"num key\" data-label=\"Bookings\">1<", "charge</th><td role=\"cell\" class=\"num key\" data-label=\"Bookings\">1<", "came back.</th><td role=\"cell\" class=\"num key\" data-label=\"Bookings\">2<")
	if n := strings.Count(body, `action="`+a.location+"/lines/"); n != 4 {
		t.Errorf("%d forms for two open lines", n)
	}
	w.shows("finance_clerk", bankPath, ">4<")
	if a := w.upload("finance_clerk", bankPath, "other.xml", notice(entry("CRDT", ""))); a.status != 303 {
		t.Errorf("a file of nothing of ours: %d", a.status)
	}
	if a := w.upload("finance_clerk", bankPath, "none.xml", notice()); a.status != 422 || !strings.Contains(a.body, "The file is empty") {
		t.Errorf("an empty file: %d", a.status)
	}
}

// A file that cannot be read names all of its lines, in the reader's language.
func TestFaultsOfAFileAreInTheReadersLanguage(t *testing.T) {
	w := newPrepaid(t)
	file := "end_to_end_id,state,amount,currency,date\nX,booked,1e3,CNY,2026-12-03\nX,maybe,1,CNY,2026-12-03\nX,booked,1,CNY,soon\n"
	for locale, want := range map[string][]string{
		"en":    {"Line 2: “1e3” is not an amount", "Line 3: “maybe” is not a state", "Line 4: “soon” is not a date", "3 lines cannot be read"},
		"zh-CN": {"第2行：“1e3”不是可识别的金额", "第3行：“maybe”不是可识别的状态", "第4行：“soon”不是可识别的日期", "有3行无法读取"},
	} {
		w.speak("finance_clerk", locale)
		a := w.upload("finance_clerk", bankPath, "bad.csv", file)
		for _, text := range want {
			if a.status != 422 || !strings.Contains(a.body, text) {
				t.Errorf("%s: %d, lacks %q", locale, a.status, text)
			}
		}
	}
}

func TestAMatchThatIsRefusedSaysWhy(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	w.decided("finance_clerk", ref, "review", nil)
	w.decided("finance_approver", ref, "approve", nil)
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"bank"}, "currency": {"CNY"}}, 303).location
	w.sent("finance_releaser", batch+"/release", nil, 303)
	a := w.upload("finance_clerk", bankPath, "r.csv", "end_to_end_id,amount,currency,state,date\nFOREIGN,5.00,CNY,booked,2026-11-24\n")
	at := strings.TrimSuffix(w.found(shownLine, w.get("finance_clerk", a.location).body), "/settle")
	for typed, want := range map[string]string{
		ref: "The amounts differ: the bank says CN¥5.00, and CN¥3,600.00 was sent for " + ref, "PB-2026-999999": "There is no released bank batch PB-2026-999999", "RF-2026-999999": "This refund does not exist",
	} {
		got := w.sent("finance_clerk", at+"/match", url.Values{"ref": {typed}}, 422)
		if !strings.Contains(got.body, want) || !strings.Contains(got.body, `value="`+typed+`"`) {
			t.Errorf("%s: lacks %q", typed, want)
		}
	}
}
