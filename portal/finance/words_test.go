package finance

import (
	"testing"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankresult"
	"offramp/portal/console"
)

// TestEverythingThatIsStoredHasWords holds what refunds store under names against the catalogues.
func TestEverythingThatIsStoredHasWords(t *testing.T) {
	var ids []string
	for _, s := range refund.States {
		ids = append(ids, "finance.state."+string(s), "settle.state."+string(s), "settle.text."+string(s))
		if console.RefundTurn(s) == "" {
			t.Errorf("%s has no tone", s)
		}
	}
	for _, m := range refund.Methods {
		ids = append(ids, "refund.method."+string(m), "settle.method."+string(m), "settle.submit."+string(m))
	}
	for _, r := range refund.Reasons {
		ids = append(ids, "refund.reason."+string(r))
	}
	for _, kind := range []string{refund.TaskMoneyBack, refund.TaskSecond, refund.TaskNotReleased, refund.TaskLate, refund.TaskUnknown, refund.TaskLedger, refund.UnfitSealed, refund.UnfitNothing} {
		ids = append(ids, "finance.task."+kind, "finance.task."+kind+".text")
	}
	for _, why := range []string{refund.UnfitHolder, refund.UnfitBranch, refund.LeftOut, refund.UnfitAccount, refund.UnfitSealed, refund.UnfitNothing} {
		ids = append(ids, "finance.unfit."+why)
	}
	for _, f := range []payout.Failure{payout.AlreadyRefunded, payout.OverRefund, payout.Disputed, payout.NoFunds, payout.Cancelled, payout.Invalid, payout.Auth, payout.Busy} {
		ids = append(ids, "finance.task."+string(f), "finance.task."+string(f)+".text", "refund.failure."+string(f)) // also the kind of a task
	}
	for _, w := range []bankresult.Why{bankresult.Pending, bankresult.Income, bankresult.Outlay, bankresult.Bounced, bankresult.Blank} {
		ids = append(ids, "finance.bank.passed."+string(w))
	}
	for _, kind := range []string{
		"submitted", "reviewed", "questioned", "answered", "approved", "approved_once", "batched", "unbatched", "released", "unknown", "paid", "credited", "waived",
		"returned", "declined", "objected", "closed", "withdrawn", "corrected", "tried_again", "came_back", "arrived",
		"document_attached", "document_filed", "document_removed", "document_unfiled", "document_refused", "document_refused_filed", "document_read",
	} {
		ids = append(ids, "finance.happened."+kind)
	}
	for _, kind := range []migration.EventKind{
		migration.RefundDue, migration.RefundNotDue, migration.RefundSubmitted, migration.RefundReviewed, migration.RefundQuestioned, migration.RefundAnswered,
		migration.RefundApproved, migration.RefundReleased, migration.RefundUnknown, migration.RefundPaid, migration.RefundCredited, migration.RefundWaived,
		migration.RefundReturned, migration.RefundDeclined, migration.RefundObjected, migration.RefundClosed, migration.RefundWithdrawn,
	} {
		ids = append(ids, "console.event."+string(kind)) // in the history that support reads
	}
	for _, tag := range locale.Tags() {
		for _, id := range ids {
			if !locale.For(tag).Has(id) {
				t.Errorf("%s lacks %s", tag, id)
			}
		}
	}
}
