package bankresult_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"offramp/migration/refund/payout/bankresult"
)

// entryOf is one booking of 120.50 EUR with more in its head and in its transaction; transaction "" leaves the details out.
func entryOf(side, head, details string) string {
	return `<Ntry><Amt Ccy="EUR">120.50</Amt><CdtDbtInd>` + side + `</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt>` + head + details + "</Ntry>\n"
}

func transactionOf(id, more string) string {
	return `<NtryDtls><TxDtls><Refs><EndToEndId>` + id + `</EndToEndId></Refs><Amt Ccy="EUR">120.50</Amt>` + more + `</TxDtls></NtryDtls>`
}

const returnCode = `<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>`

// Banks tell a return in many ways; every booking of a file is told, what is passed over with its reason.
func TestAReturnIsToldHoweverTheBankSaysIt(t *testing.T) {
	for name, row := range map[string]struct{ file, want string }{
		"by code":                    {entryOf("CRDT", returnCode, transactionOf("RF-1-1", "")), "returned"},
		"by code of the transaction": {entryOf("CRDT", "", transactionOf("RF-1-1", returnCode)), "returned"},
		"called back":                {entryOf("CRDT", strings.Replace(returnCode, "RRTN", "RPCR", 1), transactionOf("RF-1-1", "")), "returned"},
		"by a bank's own code":       {entryOf("CRDT", `<BkTxCd><Prtry><Cd>NTRF+159+931</Cd><Issr>DK</Issr></Prtry></BkTxCd>`, transactionOf("RF-1-1", "")), "returned"},
		"in words":                   {entryOf("CRDT", "", transactionOf("RF-1-1", `<AddtlTxInf>RETURN AC04 ACCOUNT CLOSED</AddtlTxInf>`)), "returned AC04"},
		"in German":                  {entryOf("CRDT", "", transactionOf("RF-1-1", `<RmtInf><Ustrd>Rücküberweisung Konto erloschen</Ustrd></RmtInf>`)), "returned"},
		"in Chinese":                 {entryOf("CRDT", "", transactionOf("RF-1-1", `<AddtlTxInf>账号有误退汇</AddtlTxInf>`)), "returned"},
		"in words of the entry":      {entryOf("CRDT", "", transactionOf("RF-1-1", "")+`<AddtlNtryInf>Retour</AddtlNtryInf>`), "returned"},
		"in words without details":   {entryOf("CRDT", "", `<AddtlNtryInf>Rückgabe RF-1-1</AddtlNtryInf>`), "returned"},
		"our reference alone":        {entryOf("CRDT", "", transactionOf("RF-1-1", "")), "unclear income"},
		"somebody pays us":           {entryOf("CRDT", "", transactionOf("NOTPROVIDED", "<RmtInf><Ustrd>Invoice 12</Ustrd></RmtInf>")), "passed income"},
		"a bounced collection":       {entryOf("DBIT", "", transactionOf("INV-2026-777", `<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>`)), "unclear bounced AC04"},
		"one without a name":         {entryOf("DBIT", "<RvslInd>true</RvslInd>", transactionOf("NOTPROVIDED", "")), "passed bounced"},
		"a charge":                   {entryOf("DBIT", "", ""), "passed outlay"},
		"not booked":                 {strings.Replace(entryOf("DBIT", "", transactionOf("RF-1-1", "")), "BOOK", "PDNG", 1), "passed pending"},
		"a batch": {
			entryOf("DBIT", "", `<NtryDtls><Btch><MsgId>PB-1</MsgId><PmtInfId>PB-1-1</PmtInfId><NbOfTxs>12</NbOfTxs></Btch></NtryDtls>`), "booked PB-1-1 x12",
		},
		"a batch without a name": {entryOf("DBIT", "", `<NtryDtls><Btch><NbOfTxs>12</NbOfTxs></Btch></NtryDtls>`), "booked x12"},
		"a batch that came back": {entryOf("CRDT", "<RvslInd>true</RvslInd>", `<NtryDtls><Btch><PmtInfId>PB-1-1</PmtInfId></Btch></NtryDtls>`), "returned PB-1-1"},
		"a batch with some details": {
			entryOf("DBIT", "", `<NtryDtls><Btch><PmtInfId>PB-1-1</PmtInfId><NbOfTxs>3</NbOfTxs></Btch><TxDtls><Refs><EndToEndId>RF-1-1</EndToEndId></Refs><Amt Ccy="EUR">20.50</Amt></TxDtls></NtryDtls>`),
			"booked; booked PB-1-1 x2",
		},
	} {
		got, faults := read(open + row.file + shut)
		var all []string
		for _, r := range got {
			text := strings.TrimSpace(string(r.State) + " " + string(r.Why) + " " + r.Batch)
			if r.Payments > 0 {
				text += " x" + string(rune('0'+r.Payments/10)) + string(rune('0'+r.Payments%10))
			}
			all = append(all, strings.TrimSpace(strings.Replace(text, " x0", " x", 1)+" "+r.Reason))
		}
		if text := strings.Join(strings.Fields(strings.Join(all, "; ")), " "); text != row.want || faults != nil {
			t.Errorf("%s: %q, want %q, %v", name, text, row.want, faults)
		}
	}
}

// Banks send what is not UTF-8, and spreadsheets save so.
func TestOlderEncodingsAreRead(t *testing.T) {
	encode := func(e encoding.Encoding, text string) string {
		coded, err := e.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return coded
	}
	camt := open + entryOf("CRDT", "", transactionOf("RF-1-1", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Käthe Löß</AddtlInf></RtrInf>")) + shut
	csv := "end_to_end_id;state;amount;currency;date;detail\nRF-1-1;returned;120.50;EUR;2026-12-03;Käthe Löß\n"
	said := func(name string) string { return strings.Replace(camt, "UTF-8", name, 1) }
	for name, file := range map[string]string{
		"ISO-8859-1": encode(charmap.ISO8859_1, said("ISO-8859-1")), "windows-1252": encode(charmap.Windows1252, said("windows-1252")),
		"ISO-8859-15": encode(charmap.ISO8859_15, said("iso-8859-15")), "UTF-16": encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), said("UTF-16")),
		"a table in windows-1252": encode(charmap.Windows1252, csv), "a table in UTF-16": encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), csv),
	} {
		got, faults := read(file)
		if len(got) != 1 || got[0].Detail != "Käthe Löß" || got[0].State != bankresult.Returned || faults != nil {
			t.Errorf("%s: %+v, %v", name, got, faults)
		}
	}
	if _, faults := read(encode(charmap.ISO8859_1, camt)); len(faults) != 1 {
		t.Errorf("a file that says UTF-8 and is not: %v", faults)
	}
}

// Spreadsheets leave lines of separators behind the last one.
func TestLinesOfSeparatorsArePassedOverWithACount(t *testing.T) {
	got, faults := read("end_to_end_id,state,amount,currency,date\nRF-1-1,booked,1,EUR,2026-12-03\n,,,,\n , ,,,\n")
	if len(got) != 3 || got[1].Why != bankresult.Blank || got[2].Why != bankresult.Blank || faults != nil {
		t.Errorf("%+v, %v", got, faults)
	}
}

// Files that banks sent, where they are at hand.
func TestFilesThatBanksSent(t *testing.T) {
	at := os.Getenv("OFFRAMP_TEST_FIELD")
	if at == "" {
		at = filepath.Join("..", "..", "..", "..", "..", "shared", "data", "field")
	}
	for _, row := range []struct {
		file string
		want bankresult.Result
	}{
		{"camt-batch-no-details/result.xml", bankresult.Result{State: bankresult.Booked, Whole: true, Batch: "OFR-2026-0007-1", Payments: 12, Amount: 132050}},
		{"camt-latin1/result.xml", bankresult.Result{State: bankresult.Booked, EndToEndID: "RF-10001-1", Amount: 12050}},
		{"camt-latin1/result-cp1252.xml", bankresult.Result{State: bankresult.Booked, EndToEndID: "RF-10001-1", Amount: 12050}},
		{"camt-return-by-code/result.xml", bankresult.Result{
			State: bankresult.Returned, EndToEndID: "RF-10001-1", Amount: 12050, Reason: "AC04", Detail: "RETURN AC04 ACCOUNT CLOSED",
		}},
		// Whether a reference is ours is known to the importer alone: it passes over what names none of our payments.
		{"camt-reversed-incoming/result.xml", bankresult.Result{
			State: bankresult.Unclear, Why: bankresult.Bounced, EndToEndID: "INV-2026-777", Amount: 4900, Reason: "AC04",
		}},
	} {
		t.Run(row.file, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(at, filepath.FromSlash(row.file)))
			if os.IsNotExist(err) {
				t.Skipf("%s is not there: set OFFRAMP_TEST_FIELD to a folder of files that banks sent", row.file)
			}
			if err != nil {
				t.Fatal(err)
			}
			got, faults := read(string(content))
			if len(got) != 1 || faults != nil {
				t.Fatalf("%d results, %v", len(got), faults)
			}
			row.want.Currency, row.want.Date, row.want.Line = "EUR", time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC), got[0].Line
			if got[0] != row.want {
				t.Errorf("%+v, want %+v", got[0], row.want)
			}
		})
	}
}
