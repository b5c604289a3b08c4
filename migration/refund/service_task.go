package refund

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/money"
	"offramp/migration"
	"offramp/migration/refund/payout"
)

// Figures returns them. For finance and programme managers.
func (s *Service) Figures(ctx context.Context, staffID string, p *migration.Programme) (f Figures, err error) {
	var stands []stateStand
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if f.States, err = s.store.figures(ctx, tx); err != nil {
			return err
		}
		if stands, err = s.store.standing(ctx, tx, Filter{}); err != nil {
			return err
		}
		if f.Oldest, err = s.store.oldest(ctx, tx, waits); err != nil {
			return err
		}
		if f.Late, err = s.store.countLate(ctx, tx, p.Zone.String()); err != nil {
			return err
		}
		if f.Scans, err = s.store.countScanning(ctx, tx); err != nil {
			return err
		}
		f.Tasks, err = s.store.countTasks(ctx, tx)
		return err
	})
	if err != nil {
		return Figures{}, fmt.Errorf("read figures: %w", err)
	}
	f.States = placed(f.States, stands)
	f.Budget, err = budgets(p, byCurrency(stands))
	return f, err
}

// placed puts where the money stands beside how many refunds there are. A state without refunds has no money.
func placed(list []StateFigure, stands []stateStand) []StateFigure {
	for i := range list {
		for _, s := range stands {
			if s.state == list[i].State && s.Currency == list[i].Currency {
				list[i].Standing = s.Standing
			}
		}
	}
	return list
}

// budgets compares where the money stands with what was set aside, by currency.
func budgets(p *migration.Programme, list []Stand) ([]BudgetFigure, error) {
	var out []BudgetFigure
	for _, s := range list {
		out = append(out, BudgetFigure{Currency: s.Currency, Standing: s.Standing})
	}
	if p.Refund == nil {
		return out, nil
	}
	for currency, text := range p.Refund.Budget {
		minor, err := money.Parse(text, currency)
		if err != nil {
			return nil, fmt.Errorf("read budget of %s: %w", currency, err)
		}
		i := slices.IndexFunc(out, func(b BudgetFigure) bool { return b.Currency == currency })
		if i < 0 {
			i, out = len(out), append(out, BudgetFigure{Currency: currency})
		}
		out[i].Budget = minor
	}
	return sorted(out), nil
}

// OnlyCurrency is the currency of all refunds there are, or, before the first, of the programme's rules; empty where there are several.
// For finance.
func (s *Service) OnlyCurrency(ctx context.Context, staffID string, p *migration.Programme) (only string, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err := s.store.currencies(ctx, tx)
		if err != nil {
			return err
		}
		if len(list) == 0 && p.Refund != nil {
			for _, amounts := range []migration.Amounts{p.Refund.Budget, p.Refund.SecondFrom, p.Refund.Minimum} {
				for code := range amounts {
					list = append(list, code)
				}
			}
		}
		slices.Sort(list)
		if list = slices.Compact(list); len(list) == 1 {
			only = list[0]
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("find the currencies: %w", err)
	}
	return only, nil
}

// Tasks lists the open tasks, oldest first, at most limit. For finance.
func (s *Service) Tasks(ctx context.Context, staffID string, limit int) (list []Task, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.tasks(ctx, tx, limit)
		return err
	})
	return list, err
}

// FinishTask takes a task off the list with a note. ErrNotFound when it is not on it, ErrText. For finance.
func (s *Service) FinishTask(ctx context.Context, staffID, id, note string) error {
	note, err := text(note)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		kind, err := s.store.finishTask(ctx, tx, id, staffID, note)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "refund.task_done", Object: "task " + id, Detail: map[string]any{"kind": kind},
		})
	})
}

// TryAgain plans a new attempt at the parts of a refund that failed for a reason that is ours to mend, such as no funds at the
// provider. ErrNotFound, ErrMoved when there is none. For finance releasers.
func (s *Service) TryAgain(ctx context.Context, staffID, ref string, version int) (r Refund, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if r, err = s.store.lock(ctx, tx, ref); err != nil {
			return err
		}
		if r.Version != version || r.State != Released {
			return ErrMoved
		}
		list, err := s.store.attemptsOf(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		var planned []PayArgs
		for _, a := range mendable(list) {
			n, err := s.store.planAgain(ctx, tx, a)
			if err != nil {
				return err
			}
			planned = append(planned, n)
		}
		if len(planned) == 0 {
			return ErrMoved
		}
		if _, err := s.Jobs.InsertTx(ctx, tx, HandOutArgs{RefundID: r.ID}, nil); err != nil {
			return err
		}
		was := r
		r, err = s.follow(ctx, tx, was, r, act{kind: "tried_again", actor: staffID, staff: true, record: "refund.try_again"})
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("try refund %s again: %w", ref, err)
	}
	return s.masked(ctx, r)
}

// mendable are the latest attempts at their payments that failed for a reason of ours.
func mendable(list []attempt) (out []attempt) {
	latest := map[string]attempt{}
	for _, a := range list {
		latest[a.paymentRef] = a
	}
	for _, a := range list {
		if latest[a.paymentRef].number == a.number && a.state == string(payout.Failed) && !customers(a.outcome.Failure) && a.channel != bankChannel {
			out = append(out, a)
		}
	}
	return out
}

// draftsFor is how long a request that is being filled in is kept.
const draftsFor = 14 * 24 * time.Hour

// Daily closes refusals whose period for objecting is over, removes old drafts, and checks the ledger.
func (s *Service) Daily(ctx context.Context) error {
	if err := s.closeOver(ctx); err != nil {
		return err
	}
	err := s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		_, err := s.store.dropOldDrafts(ctx, tx, tx.Now.Add(-draftsFor))
		return err
	})
	if err != nil {
		return err
	}
	faults, err := s.CheckBalance(ctx)
	if err != nil {
		return err
	}
	return s.alert(ctx, faults)
}

// closeOver closes declined refunds that nobody objected to in time.
func (s *Service) closeOver(ctx context.Context) error {
	for {
		n := 0
		err := s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
			list, err := s.store.objectionsOver(ctx, tx, reconcileAtOnce)
			if n = len(list); err != nil || n == 0 {
				return err
			}
			items := make([]batched, n)
			for i, r := range list {
				items[i].Refund = r
			}
			if err := s.store.moveAll(ctx, tx, items, Closed, "", ""); err != nil {
				return err
			}
			return s.tellMany(ctx, tx, follow(items, Closed, act{kind: "closed", actor: system, tell: migration.RefundClosed, record: "refund.close"}))
		})
		if err != nil {
			return fmt.Errorf("close refusals: %w", err)
		}
		if n < reconcileAtOnce {
			return nil
		}
	}
}

// alert tells of what is wrong with the ledger: the log, the metric, a task, and the audit log.
func (s *Service) alert(ctx context.Context, faults []BalanceFault) error {
	if err := s.measure(ctx, len(faults)); err != nil || len(faults) == 0 {
		return err
	}
	first := faults[0]
	s.Log.ErrorContext(ctx, "the ledger does not come out", slog.Int("faults", len(faults)), slog.String("first", first.Kind+" "+first.Object))
	return s.DB.InTx(ctx, payScope, func(tx *db.Tx) error {
		for _, f := range faults[:min(len(faults), 100)] {
			detail := strings.Join([]string{f.Kind, f.Object, money.Format(f.Off, f.Currency), f.Currency}, " ")
			if err := s.store.openTask(ctx, tx, rand.Text(), TaskLedger, "", detail, detail); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: system, ActorKind: audit.System, Act: "ledger.alert", Object: "ledger", Detail: map[string]any{"faults": len(faults), "first": first},
		})
	})
}
