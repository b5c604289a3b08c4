package refund_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localkms"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/internal/secret"
	"offramp/internal/secret/awskms"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
)

// wrapped puts the house's bank details under a key management service of its own.
func (h *house) wrapped() *localkms.Server {
	h.Helper()
	s, err := localkms.Start(h.Context(), h.TempDir())
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = s.Close() })
	key, err := s.CreateKey(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	keys, err := awskms.Open(h.Context(), awskms.Options{
		Key: key, Region: localkms.Region, Endpoint: s.URL, AccessKey: "id", SecretKey: "secret", Attempt: 200 * time.Millisecond,
	})
	if err != nil {
		h.Fatal(err)
	}
	h.config.Vault = secret.NewVault(secret.VaultOptions{Purpose: refund.Purpose, Ring: h.config.Box, Keys: keys, Clock: h.clock, CallFor: time.Second})
	h.service = refund.NewService(h.config)
	return h.restarted(s)
}

// restarted is another process: no key is in memory.
func (h *house) restarted(s *localkms.Server) *localkms.Server {
	o := h.config.Vault.VaultOptions
	h.config.Vault = secret.NewVault(o)
	h.service = refund.NewService(h.config)
	return s
}

func TestA10_BankDetailsUnderAKeyManagementServiceArePaid(t *testing.T) {
	h := open(t)
	h.customer("old")
	h.paid("old", "P0", 365_00, "EUR")
	before := h.approved(h.submit("old", "EUR", refund.Bank)) // sealed by the configuration
	s := h.wrapped()
	all := append(h.transfers(5), before)
	if n := s.Calls(); n > 2 {
		t.Errorf("%d calls for five accounts", n)
	}
	sealed := h.text(`SELECT string_agg(DISTINCT split_part(account, '.', 1), ' ') FROM refund`)
	leaks := h.text(`SELECT count(*) FROM refund r, refund_event e WHERE r::text || e::text LIKE '%DE89%' OR r::text || e::text LIKE '%370400440532013000%'`)
	if sealed != "v1 v2" || leaks != "0" {
		t.Errorf("sealed as %s, %s rows show an account", sealed, leaks)
	}
	h.restarted(s)
	called := s.Calls()
	b := h.released(refund.Bank, "EUR")
	seen := map[string]bool{}
	h.holds(b.ID, seen)
	if b.Count != len(all) || len(seen) != len(all) || s.Calls()-called != 1 {
		t.Errorf("%d in the batch, %d in the file, %d calls", b.Count, len(seen), s.Calls()-called)
	}
	if got := h.get(all[0]); got.Account.Holder != "Lin Yi" || got.Account.Last4 != "3000" {
		t.Errorf("%+v", got.Account)
	}
}

func TestWithoutItsKeysNothingIsHalfStored(t *testing.T) {
	h := open(t)
	s := h.wrapped()
	h.customer("c")
	h.paid("c", "P1", 365_00, "EUR")
	r := h.approved(h.submit("c", "EUR", refund.Bank))
	h.paid("a", "P2", 365_00, "EUR")
	o := h.offer("a", "EUR")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "EUR", refund.Bank, ""); err != nil {
		t.Fatal(err)
	}
	h.restarted(s)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", iban)
	f, ok := fault.As(err)
	if !errors.Is(err, refund.ErrKeys) || !ok || f.Kind != fault.Unavailable || len(f.Fields) != 1 || f.Fields[0].Name != "number" {
		t.Errorf("%+v, %v", f, err)
	}
	if got := h.text(`SELECT account || account_kind || account_last4 FROM refund_draft`); got != "" {
		t.Errorf("the draft holds %q", got)
	}
	if _, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR"); !errors.Is(err, refund.ErrKeys) {
		t.Error(err)
	}
	if _, err := h.service.Reveal(t.Context(), clara, r.Ref); !errors.Is(err, refund.ErrKeys) {
		t.Error(err)
	}
	if got := h.text(`SELECT count(*) FROM batch`) + h.text(`SELECT count(*) FROM batch_item`) + h.text(`SELECT count(*) FROM refund_task`); got != "000" {
		t.Errorf("batches, items, tasks: %s", got)
	}
	got := h.get(r) // its page is there, without the name
	if got.State != refund.Approved || got.Account.Last4 != "3000" || got.Account.Holder != "" {
		t.Errorf("%s, %+v", got.State, got.Account)
	}
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", iban); err != nil {
		t.Error(err)
	}
	if _, err := h.service.Submit(t.Context(), who("a"), h.p, refund.Submission{Currency: "EUR", QuoteDigest: o.Digest}); err != nil {
		t.Error(err)
	}
	if b := h.released(refund.Bank, "EUR"); b.Count != 1 || b.Unfit != 0 {
		t.Errorf("%+v", b)
	}
}

// unwritable gives a refund a holder whose name our bank does not take, as one that was submitted while it did.
func (h *house) unwritable(id string) refund.Refund {
	h.Helper()
	was := h.config.Debtors["EUR"]
	h.config.Debtors["EUR"] = refund.Debtor{Debtor: was.Debtor, Unicode: true}
	iban, named := iban, "林一"
	defer func(latin string) { h.config.Debtors["EUR"] = was; iban.Holder = latin }(iban.Holder)
	h.customer(id)
	h.paid(id, "P"+id, 365_00, "EUR")
	o := h.offer(id, "EUR")
	if _, err := h.service.ChooseMethod(h.Context(), who(id), h.p, "EUR", refund.Bank, ""); err != nil {
		h.Fatal(err)
	}
	iban.Holder = named
	if _, err := h.service.FillAccount(h.Context(), who(id), h.p, "EUR", iban); err != nil {
		h.Fatal(err)
	}
	r, err := h.service.Submit(h.Context(), who(id), h.p, refund.Submission{Currency: "EUR", QuoteDigest: o.Digest})
	if err != nil {
		h.Fatal(err)
	}
	return h.approved(r)
}

func TestF13_OneBadAccountIsLeftOutAndTheRestIsPaid(t *testing.T) {
	h := open(t)
	good := h.transfers(2)
	bad := h.unwritable("bad")
	h.exec(`UPDATE contact SET locale = 'zh-CN' WHERE customer_id = 'bad'`)
	h.customer("shut")
	h.paid("shut", "PS", 365_00, "EUR")
	shut := h.submit("shut", "EUR", refund.Bank)
	h.exec(`UPDATE refund SET account = 'v1.000000000000.AAAA' WHERE id = $1`, shut.ID)
	shut.Version++
	shut = h.approved(shut)

	b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR")
	if err != nil || b.Count != 2 || b.Unfit != 2 || b.Control != 2*190_05 {
		t.Fatalf("%+v, %v", b, err)
	}
	listed, items, err := h.service.OpenBatch(t.Context(), rolf, b.ID, 10)
	if err != nil || listed.Unfit != 2 || len(items) != 4 {
		t.Fatalf("%+v, %d, %v", listed, len(items), err)
	}
	why := map[string]string{}
	for _, i := range items {
		why[i.Ref] = i.Unfit + i.Dropped
	}
	if why[bad.Ref] != refund.UnfitHolder || why[shut.Ref] != refund.UnfitSealed || why[good[0].Ref] != "" {
		t.Errorf("%v", why)
	}
	got := h.get(bad)
	if got.State != refund.Questioned || !strings.Contains(got.Question, "拉丁字母") || !strings.Contains(h.mails(), "refund_question") {
		t.Errorf("%s, %q, %s", got.State, got.Question, h.mails())
	}
	if tasks := h.text(`SELECT string_agg(kind, ' ') FROM refund_task`); tasks != refund.UnfitSealed || h.text(`SELECT state FROM refund WHERE id = $1`, shut.ID) != "approved" {
		t.Errorf("tasks %q", tasks)
	}
	if b, err = h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil || b.Dropped != 0 || b.Count != 2 {
		t.Errorf("%+v, %v", b, err)
	}
	seen := map[string]bool{}
	h.holds(b.ID, seen)
	if len(seen) != 2 || seen[fmt.Sprintf("%s-1", bad.Ref)] {
		t.Errorf("%v", seen)
	}
	if _, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR"); !errors.Is(err, refund.ErrNoneFit) {
		t.Errorf("only the closed one is left: %v", err)
	}
	if n := h.text(`SELECT count(*) FROM refund_task`); n != "1" {
		t.Errorf("%s tasks for the same thing", n)
	}
	h.balanced()

	// The customer names the account again, and it is looked at afresh.
	latin := iban
	latin.Holder = "林一"
	if _, err := h.service.CorrectDetails(t.Context(), who("bad"), h.p, got.Ref, got.Version, latin); !errors.Is(err, refund.ErrDetails) {
		t.Errorf("the same name again: %v", err)
	}
	again, err := h.service.CorrectDetails(t.Context(), who("bad"), h.p, got.Ref, got.Version, iban)
	if err != nil || again.State != refund.Submitted || again.Account.Holder != "Lin Yi" {
		t.Fatalf("%+v, %v", again, err)
	}
	h.approved(again)
	if b := h.released(refund.Bank, "EUR"); b.Count != 1 || b.Unfit != 1 {
		t.Errorf("%+v", b)
	}
	h.balanced()
}

// A name is refused with the way in which our bank can write it, and never too long for it.
func TestANameIsWrittenAsOurBankTakesIt(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "EUR")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "EUR", refund.Bank, ""); err != nil {
		t.Fatal(err)
	}
	for holder, want := range map[string]string{
		"Jürgen Groß & Söhne": "Juergen Gross + Soehne", "Łukasz Żak": "Lukasz Zak", "O’Brien": "O'Brien", "林一": "", strings.Repeat("Amt ", 17) + "eGmbH": "long",
	} {
		a := iban
		a.Holder = holder
		_, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", a)
		f, ok := fault.As(err)
		if !ok || len(f.Fields) != 1 || f.Fields[0].Name != "holder" {
			t.Errorf("%s: %v", holder, err)
			continue
		}
		written, _ := f.Fields[0].Args["Written"].(string)
		if long := f.Fields[0].Key == "payout.holder.long"; written != want && !(want == "long" && long) {
			t.Errorf("%s: %q of %s", holder, written, f.Fields[0].Key)
		}
		if a.Holder = written; written != "" {
			if _, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", a); err != nil {
				t.Errorf("%s: %v", written, err)
			}
		}
	}
}

func TestANameThatOurBankDoesNotTakeIsRefusedBesideTheField(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "EUR")
	if _, err := h.service.ChooseMethod(t.Context(), who("a"), h.p, "EUR", refund.Bank, ""); err != nil {
		t.Fatal(err)
	}
	chinese := iban
	chinese.Holder = "林一"
	_, err := h.service.FillAccount(t.Context(), who("a"), h.p, "EUR", chinese)
	if f, ok := fault.As(err); !errors.Is(err, refund.ErrDetails) || !ok || len(f.Fields) != 1 || f.Fields[0].Name != "holder" {
		t.Errorf("%v", err)
	}
}

// TestEachPartOfAnAccountIsAskedAboutByItself holds that a bank's name which our bank does not take is not asked about as the holder's.
func TestEachPartOfAnAccountIsAskedAboutByItself(t *testing.T) {
	company := func(holder, branch string) account.Account {
		a, err := account.Check(account.Account{Kind: account.Company, Number: "310066661018800012", Holder: holder, BankName: branch, Bank: "301290000007"})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		holder, branch string
		unicode        bool
		want           string
	}{
		{"Acme Ltd", "Bank of China Shanghai", false, ""},
		{"云帆设计", "Bank of China Shanghai", false, refund.UnfitHolder},
		{"Acme Ltd", "中国银行上海分行", false, refund.UnfitBranch},
		{"云帆设计", "中国银行上海分行", true, ""},
	} {
		if got := refund.Unpayable(company(c.holder, c.branch), c.unicode); got != c.want {
			t.Errorf("%s at %s: %q, want %q", c.holder, c.branch, got, c.want)
		}
	}
	for _, tag := range locale.Tags() {
		texts := map[string]bool{}
		for _, why := range []string{refund.UnfitHolder, refund.UnfitBranch, refund.UnfitAccount} {
			texts[locale.For(tag).T("refund.unfit."+why)] = true
		}
		if len(texts) != 3 {
			t.Errorf("%s: two parts are asked about alike", tag)
		}
	}
}
