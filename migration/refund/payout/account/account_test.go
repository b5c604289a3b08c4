package account_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration/refund/payout/account"
)

func keys(err error) string {
	e, ok := fault.As(err)
	if !ok {
		return ""
	}
	var list []string
	for _, f := range e.Fields {
		list = append(list, f.Name+" "+f.Key)
	}
	return strings.Join(list, ", ")
}

// Examples that the registry or the banks publish, one a country.
const examples = `AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201 AZ21NABZ00000000137010001944
BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456 BI4210000100010000332045181 BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00
CH9300762011623852957 CR05015202001026284066 CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DJ2100010000000154000100186 DK5000400440116243
DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002 ES9121000418450200051332 FI2112345600000785 FK88SC123456789012 FO6264600001631634
FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917 GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690
HN88CABF00000000000250005469 HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999 IQ98NBIQ850123456789012 IS140159260076545510730339
IT60X0542811101000000123456 JO94CBJO0010000000000131000302 KW81CBKU0000000000001234560101 KZ86125KZT5004100100 LB62099900000001001901229114 LC55HEMM000100010012001200023015
LI21088100002324013AA LT121000011101001000 LU280019400644750000 LV80BANK0000435195001 LY83002048000020100120361 MC5811222000010123456789030 MD24AG000225100013104168
ME25505000012345678951 MK07250120000058984 MN121234123456789123 MR1300020001010000123456753 MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR NI45BAPR00000013000003558124
NL91ABNA0417164300 NO9386011117947 OM810180000001299123456 PK36SCBL0000001123456702 PL61109010140000071219812874 PS92PALS000000000400123456702 PT50000201231234567890154
QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000 RS35260005601001611379 RU0304452522540817810538091310419 SA0380000000608010167519 SC18SSCB11010000000000001497USD
SD2129010501234001 SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541 SM86U0322509800000000270100 SO211000001001000100141 ST23000100010051845310146
SV62CENR00000000000000700025 TL380080012345678910157 TN5910006035183598478831 TR330006100519786457841326 UA213223130000026007233566001 VA59001123000012345678
VG96VPVG0000012345678901 XK051212012345678906 YE15CBYE0001018861234567891234`

func TestIBANsOfEveryCountry(t *testing.T) {
	for _, number := range strings.Fields(examples) {
		got, err := account.Check(account.Account{Kind: account.IBAN, Number: number, Holder: "Lin Wei"})
		if err != nil || got.Number != number || got.Country() != number[:2] {
			t.Errorf("%s: %+v, %v", number, got, keys(err))
		}
		for _, wrong := range []string{number[:len(number)-1], number + "0", number[:2] + "00" + number[4:], number[1:]} {
			if _, err := account.Check(account.Account{Kind: account.IBAN, Number: wrong, Holder: "Lin Wei"}); !errors.Is(err, account.ErrAccount) {
				t.Errorf("%s passed", wrong)
			}
		}
	}
}

// One wrong digit, and two that changed places, are always found.
func TestIBANsFindSlips(t *testing.T) {
	const good = "DE89370400440532013000"
	for i := 4; i < len(good); i++ {
		for d := '0'; d <= '9'; d++ {
			wrong := good[:i] + string(d) + good[i+1:]
			if _, err := account.Check(account.Account{Kind: account.IBAN, Number: wrong, Holder: "L"}); (err == nil) != (wrong == good) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
		if i+1 < len(good) && good[i] != good[i+1] {
			wrong := good[:i] + good[i+1:i+2] + good[i:i+1] + good[i+2:]
			if _, err := account.Check(account.Account{Kind: account.IBAN, Number: wrong, Holder: "L"}); err == nil {
				t.Errorf("%s passed", wrong)
			}
		}
	}
}

func TestNumbersAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[account.Account]string{
		{Kind: account.IBAN, Number: " de89 3704-0044 0532 0130 00\n", Holder: "x"}:                                             "DE89370400440532013000",
		{Kind: account.IBAN, Number: "ＤＥ８９３７０４００４４０５３２０１３０００", Holder: "x"}:                                                     "DE89370400440532013000",
		{Kind: account.IBAN, Number: "gb29\u00a0nwbk 6016 1331 9268 19", Holder: "x"}:                                           "GB29NWBK60161331926819",
		{Kind: account.IBAN, Number: "IBAN DE89 3704 0044 0532 0130 00", Holder: "x"}:                                           "DE89370400440532013000",
		{Kind: account.IBAN, Number: "iban: DE89\u202f3704\u20090044\u30000532 0130 00", Holder: "x"}:                           "DE89370400440532013000",
		{Kind: account.IBAN, Number: "\u202aDE89370400440532013000\u202c", Holder: "x"}:                                         "DE89370400440532013000",
		{Kind: account.IBAN, Number: "\u200eDE89\u00ad3704\u20600044053201\u200d3000\ufeff", Holder: "x", Bank: "BIC COBADEFF"}: "DE89370400440532013000",
		{Kind: account.Card, Number: "卡号：6222 0202 0000 0000 006", Holder: "x"}:                                                 "6222020200000000006",
		{Kind: account.Company, Number: "3105 0123-4567 8901 2345", Holder: "河舟软件有限公司", BankName: " 中国银行 杭州滨江支行 "}:              "31050123456789012345",
		{Kind: account.Card, Number: "6222 0202 0000 0000 006", Holder: "x"}:                                                    "6222020200000000006",
		{Kind: account.Card, Number: "４５３９５７８７６３６２１４８６", Holder: "x"}:                                                           "4539578763621486",
	} {
		got, err := account.Check(typed)
		if err != nil || got.Number != want {
			t.Errorf("%q: %q, %s", typed.Number, got.Number, keys(err))
		}
	}
}

func TestFaultsAreToldByField(t *testing.T) {
	const good, card = "DE89370400440532013000", "6222020200000000006"
	for name, row := range map[string]struct {
		in   account.Account
		want string
	}{
		"nothing":            {account.Account{Kind: account.IBAN}, "holder payout.holder.none, number payout.iban.none"},
		"no card":            {account.Account{Kind: account.Card, Holder: "林薇", Number: " - "}, "number payout.card.none"},
		"no kind":            {account.Account{Holder: "林薇", Number: good}, "kind payout.kind.bad"},
		"IBAN: country":      {account.Account{Kind: account.IBAN, Holder: "L", Number: "CN893704"}, "number payout.iban.country"},
		"IBAN: one letter":   {account.Account{Kind: account.IBAN, Holder: "L", Number: "D"}, "number payout.iban.country"},
		"IBAN: characters":   {account.Account{Kind: account.IBAN, Holder: "L", Number: "DE8937040044053201300€"}, "number payout.iban.characters"},
		"IBAN: length":       {account.Account{Kind: account.IBAN, Holder: "L", Number: good[:21]}, "number payout.iban.length"},
		"IBAN: format":       {account.Account{Kind: account.IBAN, Holder: "L", Number: "DE8937040044053201300X"}, "number payout.iban.format"},
		"IBAN: letters":      {account.Account{Kind: account.IBAN, Holder: "L", Number: "GB2912BK60161331926819"}, "number payout.iban.format"},
		"IBAN: check":        {account.Account{Kind: account.IBAN, Holder: "L", Number: "DE88370400440532013000"}, "number payout.iban.checksum"},
		"IBAN: BIC":          {account.Account{Kind: account.IBAN, Holder: "L", Number: good, Bank: "COBADEF"}, "bank payout.bic.bad"},
		"IBAN: BIC digits":   {account.Account{Kind: account.IBAN, Holder: "L", Number: good, Bank: "C0BADEFF"}, "bank payout.bic.bad"},
		"card: characters":   {account.Account{Kind: account.Card, Holder: "L", Number: "62220202O0000000008"}, "number payout.card.characters"},
		"card: short":        {account.Account{Kind: account.Card, Holder: "L", Number: "622202020000000"}, "number payout.card.length"},
		"card: long":         {account.Account{Kind: account.Card, Holder: "L", Number: "62220202000000000060"}, "number payout.card.length"},
		"card: check":        {account.Account{Kind: account.Card, Holder: "L", Number: "6222020200000000007"}, "number payout.card.checksum"},
		"card: zeros":        {account.Account{Kind: account.Card, Holder: "L", Number: "0000000000000000"}, "number payout.card.checksum"},
		"card: one digit":    {account.Account{Kind: account.Card, Holder: "L", Number: "5555555555555555"}, "number payout.card.checksum"},
		"card: CNAPS":        {account.Account{Kind: account.Card, Holder: "L", Number: card, Bank: "10210000"}, "bank payout.cnaps.bad"},
		"holder: spaces":     {account.Account{Kind: account.Card, Holder: " \t ", Number: card}, "holder payout.holder.none"},
		"holder: digits":     {account.Account{Kind: account.Card, Holder: "12345 67", Number: card}, "holder payout.holder.digits"},
		"holder: long":       {account.Account{Kind: account.Card, Holder: strings.Repeat("林", 71), Number: card}, "holder payout.holder.long"},
		"holder: control":    {account.Account{Kind: account.Card, Holder: "Lin\x00Wei", Number: card}, "holder payout.holder.characters"},
		"holder: direction":  {account.Account{Kind: account.Card, Holder: "Lin\u202eieW", Number: card}, "holder payout.holder.characters"},
		"holder: zero width": {account.Account{Kind: account.Card, Holder: "Lin\u200bWei", Number: card}, "holder payout.holder.characters"},
		"holder: no UTF-8":   {account.Account{Kind: account.Card, Holder: "Lin\xff", Number: card}, "holder payout.holder.characters"},
		"holder: replaced":   {account.Account{Kind: account.Card, Holder: "Lin\ufffd", Number: card}, "holder payout.holder.characters"},
		"holder: line":       {account.Account{Kind: account.Card, Holder: "Lin\u2028\u00adWei", Number: card}, "holder payout.holder.characters"},
		"holder: private":    {account.Account{Kind: account.Card, Holder: "Lin\ue000", Number: card}, "holder payout.holder.characters"},
		"holder: emoji":      {account.Account{Kind: account.Card, Holder: "Lin 😀", Number: card}, "holder payout.holder.characters"},
		"company: nothing":   {account.Account{Kind: account.Company}, "holder payout.holder.none, number payout.company.none, branch payout.branch.none"},
		"company: letters":   {account.Account{Kind: account.Company, Holder: "河舟", Number: "31O50", BankName: "中国银行"}, "number payout.company.characters"},
		"company: short":     {account.Account{Kind: account.Company, Holder: "河舟", Number: "3105", BankName: "中国银行"}, "number payout.company.length"},
		"company: CNAPS":     {account.Account{Kind: account.Company, Holder: "河舟", Number: "31050", BankName: "中国银行", Bank: "COBADEFF"}, "bank payout.cnaps.bad"},
		"everything":         {account.Account{Kind: account.Card, Holder: "1", Number: "1", Bank: "1"}, "holder payout.holder.digits, number payout.card.length, bank payout.cnaps.bad"},
	} {
		got, err := account.Check(row.in)
		if keys(err) != row.want || got != (account.Account{}) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %+v, %s, want %s", name, got, keys(err), row.want)
		}
	}
}

func TestNamesAsBanksHaveThem(t *testing.T) {
	for typed, want := range map[string]string{
		"  林   薇 ": "林 薇", "阿卜杜拉·艾山": "阿卜杜拉·艾山", "Müller-Lüdenscheidt GmbH & Co. KG": "Müller-Lüdenscheidt GmbH & Co. KG",
		"Jose\u0301": "José", "O’Neill (Dublin) 2 Ltd": "O’Neill (Dublin) 2 Ltd", strings.Repeat("林", 70): strings.Repeat("林", 70), "\u202aLin Wei\u202c": "Lin Wei",
	} {
		got, err := account.Check(account.Account{Kind: account.Card, Number: "6222020200000000006", Holder: typed, Bank: "102 100 000 024"})
		if err != nil || got.Holder != want || got.Bank != "102100000024" {
			t.Errorf("%q: %+v, %s", typed, got, keys(err))
		}
	}
}

func TestAnAccountPrintsMasked(t *testing.T) {
	a := account.Account{Kind: account.Card, Number: "6222020200000000006", Holder: "林薇"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("paid", "to", a)
	for _, text := range []string{a.Mask(), fmt.Sprint(a), fmt.Sprintf("%+v", a), log.String()} {
		if strings.Contains(text, "62220202") || !strings.Contains(text, "**** 0006") || strings.Contains(text, "林薇") {
			t.Error(text)
		}
	}
}

// Every key that an account can be refused with has words in both languages, with every placeholder filled.
func TestEveryFaultHasWords(t *testing.T) {
	for _, tag := range []string{"en", "zh-CN"} {
		l := locale.For(tag)
		for _, in := range []account.Account{
			{},
			{Kind: account.IBAN},
			{Kind: account.Card},
			{Kind: account.IBAN, Number: "DE1", Holder: "1", Bank: "x"},
			{Kind: account.IBAN, Number: "€"},
			{Kind: account.IBAN, Number: "XX"},
			{Kind: account.IBAN, Number: "DE8937040044053201300X"},
			{Kind: account.IBAN, Number: "DE88370400440532013000"},
			{Kind: account.Card, Number: "x", Bank: "x", Holder: "\x00"},
			{Kind: account.Card, Number: "1"},
			{Kind: account.Card, Number: "6222020200000000007", Holder: strings.Repeat("a", 71)},
			{Kind: account.Company},
			{Kind: account.Company, Number: "x", BankName: "\x00"},
			{Kind: account.Company, Number: "1", BankName: strings.Repeat("a", 71)},
		} {
			_, err := account.Check(in)
			e, _ := fault.As(err)
			for _, f := range append(slices.Clone(e.Fields), fault.Field{Key: e.Key}) {
				var pairs []any
				for name, value := range f.Args {
					pairs = append(pairs, name, value)
				}
				if text := l.T(f.Key, pairs...); text == f.Key || strings.Contains(text, "<no value>") || text == "" {
					t.Errorf("%s %s: %q", tag, f.Key, text)
				}
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, number := range strings.Fields(examples)[:8] {
		f.Add(true, number, "Lin Wei", "COBADEFF")
	}
	f.Add(false, "6222 0202 0000 0000 006", "林薇", "102100000024")
	f.Add(true, "\xff", "\u202e", "")
	f.Fuzz(func(t *testing.T, iban bool, number, holder, bank string) {
		in := account.Account{Kind: account.Card, Number: number, Holder: holder, Bank: bank}
		if iban {
			in.Kind = account.IBAN
		}
		once, err := account.Check(in)
		if err != nil {
			if e, ok := fault.As(err); !ok || len(e.Fields) == 0 {
				t.Errorf("%q: %v", number, err)
			}
			return
		}
		if twice, err := account.Check(once); err != nil || twice != once {
			t.Errorf("%#v, then %#v, %v", once, twice, err)
		}
		if len(once.Number) < 15 || len(once.Number) > 34 || strings.Contains(fmt.Sprint(once), once.Number) {
			t.Errorf("%v passed", once)
		}
	})
}
