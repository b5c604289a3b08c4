package refund

import (
	"context"
	"crypto/rand"

	"offramp/internal/bank"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
)

// Why a refund is left out when a batch is made.
const (
	UnfitHolder  = "holder"  // our bank does not take the holder's name: the customer is asked for another account
	UnfitBranch  = "branch"  // it does not take the name of the bank and branch: the customer is asked, too
	UnfitAccount = "account" // the account does not pass our checks any more: the customer is asked, too
	UnfitSealed  = "sealed"  // its details cannot be opened: a task of finance
	UnfitNothing = "nothing" // nothing is left to pay: a task of finance
	LeftOut      = "chosen"  // whoever made the batch chose others: it stays approved and waits for another batch
)

// fit parts what can be paid from what cannot, whose accounts are checked before anything is written.
func (s *Service) fit(b Batch, all []batched, accounts opened) (items, unfit []batched) {
	debtor, _ := s.debtor(b.Currency)
	for _, item := range all {
		if item.amount <= 0 {
			item.unfit = UnfitNothing
		} else if b.Method == Bank {
			if item.to = accounts[item.sealed]; item.to.Kind == "" {
				item.unfit = UnfitSealed
			} else {
				item.unfit = unpayable(item.to, debtor)
			}
		}
		if item.unfit == "" {
			items = append(items, item)
		} else {
			unfit = append(unfit, item)
		}
	}
	return items, unfit
}

// unpayable says why no bank file of a debtor can pay an account; empty: it can.
func unpayable(to account.Account, debtor Debtor) string {
	if checked, err := account.Check(to); err != nil || checked != to {
		return UnfitAccount
	}
	if !bankfile.Takes(to.Holder, debtor.Unicode) {
		return UnfitHolder
	}
	if to.BankName != "" && !bankfile.Takes(to.BankName, debtor.Unicode) {
		return UnfitBranch
	}
	return ""
}

// leaveOut does what the refunds that do not fit need: where the customer can mend it, they go back with a question in the
// customer's language; the others stay approved and are a task.
func (s *Service) leaveOut(ctx context.Context, tx *db.Tx, unfit []batched) error {
	for _, item := range unfit {
		if item.unfit == UnfitSealed || item.unfit == UnfitNothing {
			if err := s.store.openTask(ctx, tx, rand.Text(), item.unfit, item.ID, item.unfit+" "+item.content, ""); err != nil {
				return err
			}
			continue
		}
		tag, err := s.store.localeOf(ctx, tx, item.Refund)
		if err != nil {
			return err
		}
		next, err := item.ask(locale.For(tag).T("refund.unfit." + item.unfit))
		if err != nil {
			return err
		}
		a := act{kind: "questioned", actor: system, text: next.Question, tell: migration.RefundQuestioned, mail: mail.RefundQuestion, record: "refund.send_back"}
		if _, err := s.follow(ctx, tx, item.Refund, next, a); err != nil {
			return err
		}
	}
	return nil
}

// takes refuses a name that our bank would not take, while whoever typed it can still mend it; where it can be written with the
// letters that the bank takes, the field names how. ErrDetails.
func (s *Service) takes(currency string, a account.Account) error {
	d, ok := s.debtor(currency)
	if !ok {
		return nil
	}
	bad := ErrDetails
	if !bankfile.Takes(a.Holder, d.Unicode) {
		key, args := "refund.account.latin", map[string]any(nil)
		if written, ok := bank.Latin(a.Holder, a.Country()); ok && bankfile.Takes(written, d.Unicode) {
			key, args = "refund.account.written", map[string]any{"Written": written}
		}
		bad = bad.Field("holder", key, args)
	}
	if a.BankName != "" && !bankfile.Takes(a.BankName, d.Unicode) {
		bad = bad.Field("branch", "refund.account.latin_branch", nil)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}
