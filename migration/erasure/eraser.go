package erasure

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Programmes is what erasing needs of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// Config is what erasing stands on.
type Config struct {
	DB         *db.DB
	Programmes Programmes
	Store      Store
	Ledgers    []Ledger                             // an order is kept in each before the first delete; the first one is asked after a restore
	Sign       func(payload []byte) (string, error) // a JWS of CertificateType
	BackupDays int                                  // how long the installation's backups are kept; 0: nobody said so
	Enqueue    func(context.Context, *db.Tx, []Order) error
	Logger     *slog.Logger
	Fault      func(at string) error // in tests: dies here
}

// Eraser carries orders out. Safe for concurrent use.
type Eraser struct {
	Config
	store store
}

// New returns what carries orders out.
func New(c Config) *Eraser { return &Eraser{Config: c} }

const (
	scopeName = "erasure"
	page      = 500              // customers, or keys, at a time
	retry     = 15 * time.Minute // between tries of what something keeps
)

// shelves are the tables whose rows name objects in our bucket. They are read before their rows go.
var shelves = map[string]string{
	"export_object":   `SELECT key FROM export_object WHERE customer_id = $1 AND key > $2 ORDER BY key LIMIT 500`,
	"refund_document": `SELECT object_key FROM refund_document WHERE customer_id = $1 AND object_key > $2 ORDER BY object_key LIMIT 500`,
}

func (e *Eraser) at(place string) error {
	if e.Fault == nil {
		return nil
	}
	return e.Fault(place)
}

func (e *Eraser) tx(ctx context.Context, fn func(tx *db.Tx) error) error {
	return e.DB.InTx(ctx, db.SystemScope(scopeName), fn)
}

// Plan turns a run that two people gave into orders, a page of customers at a time. It goes on where it was.
func (e *Eraser) Plan(ctx context.Context, runID string) error {
	p, err := e.Programmes.Active(ctx)
	if err != nil {
		return err
	}
	for more := true; more; {
		err := e.tx(ctx, func(tx *db.Tx) error {
			run, err := e.store.run(ctx, tx, runID, true)
			if err != nil {
				return err
			}
			if run.State != RunAgreed {
				more = false
				return nil
			}
			more, err = e.planPage(ctx, tx, p, run)
			return err
		})
		if err != nil {
			return fmt.Errorf("plan erasures: %w", err)
		}
		if err := e.at("planned a page"); err != nil {
			return err
		}
	}
	return nil
}

func (e *Eraser) planPage(ctx context.Context, tx *db.Tx, p *migration.Programme, run Run) (more bool, err error) {
	var list []candidate
	if run.CustomerID != "" {
		c, err := e.store.candidate(ctx, tx, run.CustomerID)
		if err != nil {
			return false, err
		}
		list = []candidate{c}
	} else if list, err = e.store.candidates(ctx, tx, run.Cursor, page); err != nil {
		return false, err
	}
	var orders []Order
	cursor := run.Cursor
	for _, c := range list {
		cursor = c.ID
		against, err := e.store.against(ctx, tx, p, c, run.RequestID != "")
		if err != nil {
			return false, err
		}
		if len(against) > 0 {
			continue
		}
		entry := Entry{
			Order: rand.Text(), Customer: c.ID, Programme: p.Version, Scope: run.scope(), AskedBy: run.AskedBy, AgreedBy: run.AgreedBy,
			OrderedAt: tx.Now.UTC().Truncate(time.Microsecond),
		}
		fresh, err := e.store.insert(ctx, tx, entry, run.ID)
		if err != nil {
			return false, err
		}
		if !fresh {
			continue
		}
		orders = append(orders, Order{ID: entry.Order, CustomerID: c.ID})
		if err := audit.Record(ctx, tx, audit.Entry{
			Actor: "system", ActorKind: audit.System, Act: "erasure.order", Object: "erasure " + entry.Order, CustomerID: c.ID,
			Detail: map[string]any{"run": run.ID, "scope": entry.Scope},
		}); err != nil {
			return false, err
		}
	}
	more = run.CustomerID == "" && len(list) == page
	if err := e.store.planned(ctx, tx, run.ID, cursor, len(orders), !more); err != nil {
		return false, err
	}
	return more, e.Enqueue(ctx, tx, orders)
}

// Run carries one order as far as it goes. Called again it goes on; of a complete one it does nothing.
func (e *Eraser) Run(ctx context.Context, id string) error {
	var o Order
	read := func() error {
		return e.tx(ctx, func(tx *db.Tx) (err error) {
			o, err = e.store.order(ctx, tx, id)
			return err
		})
	}
	if err := read(); err != nil || o.State == Complete {
		return err
	}
	if o.State == Ordered {
		if kept, err := e.keep(ctx, o); err != nil || !kept {
			return err
		}
	}
	if err := e.tx(ctx, func(tx *db.Tx) error { return e.store.mark(ctx, tx, id, Kept, Running) }); err != nil {
		return err
	}
	left, until, err := e.purge(ctx, o)
	if err != nil {
		return e.later(ctx, o, "erasure.problem_store", 0, time.Time{}, err)
	}
	problem, err := e.rows(ctx, o, left)
	if err != nil {
		return e.later(ctx, o, "erasure.problem_rows", left, until, err)
	}
	if left > 0 {
		return e.later(ctx, o, "erasure.problem_left", left, until, nil)
	}
	if problem != "" {
		return e.later(ctx, o, problem, 0, time.Time{}, nil)
	}
	if err := read(); err != nil {
		return err
	}
	return e.finish(ctx, o)
}

// keep puts the entry where a restore of the database does not reach, everywhere it is to be, and says so only then.
func (e *Eraser) keep(ctx context.Context, o Order) (kept bool, err error) {
	if err := e.at("before keeping"); err != nil {
		return false, err
	}
	for _, l := range e.Ledgers {
		if err := l.Keep(ctx, name(o.Seq), []byte(o.Entry)); err != nil {
			return false, e.later(ctx, o, "erasure.problem_ledger", 0, time.Time{}, fmt.Errorf("keep the order outside: %w", err))
		}
		if err := e.at("kept"); err != nil {
			return false, err
		}
	}
	err = e.tx(ctx, func(tx *db.Tx) error { return e.store.mark(ctx, tx, o.ID, Ordered, Kept) })
	return err == nil, err
}

// purge removes a customer's objects. Their rows stay until the rows' turn comes.
func (e *Eraser) purge(ctx context.Context, o Order) (left int64, until time.Time, err error) {
	for _, sql := range shelves {
		after := ""
		for {
			var keys []string
			err := e.tx(ctx, func(tx *db.Tx) (err error) {
				if err := e.store.held(ctx, tx, o); err != nil {
					return err
				}
				keys, err = e.store.keys(ctx, tx, sql, o.CustomerID, after)
				return err
			})
			if err != nil || len(keys) == 0 {
				if err != nil {
					return left, until, err
				}
				break
			}
			for _, key := range keys {
				after = key
				p, err := e.Store.Purge(ctx, key)
				if err != nil {
					return left, until, fmt.Errorf("purge an object: %w", err)
				}
				left += int64(p.Left)
				if p.Until.After(until) {
					until = p.Until
				}
				if p.Versions+p.Markers+p.Uploads > p.Left {
					r := Report{Objects: 1, Versions: int64(p.Versions), Markers: int64(p.Markers), Uploads: int64(p.Uploads)}
					if err := e.tx(ctx, func(tx *db.Tx) error { return e.store.objects(ctx, tx, o.ID, r) }); err != nil {
						return left, until, err
					}
				}
				if err := e.at("purged an object"); err != nil {
					return left, until, err
				}
			}
		}
	}
	return left, until, nil
}

// rows goes through the register. Where objects are left, the rows that name them stay, and so do those that these refer to.
func (e *Eraser) rows(ctx context.Context, o Order, left int64) (problem string, err error) {
	var rules []Count
	if err := e.tx(ctx, func(tx *db.Tx) (err error) { rules, err = e.store.rules(ctx, tx); return err }); err != nil {
		return "", err
	}
	for _, r := range rules {
		if left > 0 && shelves[r.Name] != "" {
			continue
		}
		err := e.tx(ctx, func(tx *db.Tx) error {
			return e.store.step(ctx, tx, o, r.Name)
		})
		var pg *pgconn.PgError
		switch {
		case db.IsCheck(err, "erasure_held"):
			return "erasure.not_hold", nil
		case errors.As(err, &pg) && pg.Code == "23503": // something that could not go refers to it
			problem = "erasure.problem_rows"
			e.Logger.WarnContext(ctx, "rows stay, since others refer to them", slog.String("order", o.ID), slog.String("table", r.Name))
		case err != nil:
			return "", err
		}
		if err := e.at("erased " + r.Name); err != nil {
			return "", err
		}
	}
	return problem, nil
}

// finish counts again, and certifies when there is nothing.
func (e *Eraser) finish(ctx context.Context, o Order) error {
	p, err := e.Programmes.Active(ctx)
	if err != nil {
		return err
	}
	var open bool
	err = e.tx(ctx, func(tx *db.Tx) error {
		counts, err := e.store.counts(ctx, tx, o.CustomerID)
		if err != nil {
			return err
		}
		stay := []Count{}
		for _, c := range counts {
			switch {
			case c.Action != "keep" && c.N > 0:
				open = true
			case c.Action == "keep":
				stay = append(stay, c)
			}
		}
		if open {
			return nil
		}
		blank, err := e.store.blanked(ctx, tx, o.CustomerID)
		if err != nil {
			return err
		}
		payload, err := certify(o, p, append(stay, blank...), tx.Now, e.BackupDays)
		if err != nil {
			return err
		}
		certificate, err := e.Sign(payload)
		if err != nil {
			return fmt.Errorf("sign the certificate: %w", err)
		}
		years := 0
		for _, c := range append(stay, blank...) {
			years = max(years, c.Years)
		}
		if err := e.store.complete(ctx, tx, o.ID, certificate, tx.Now.AddDate(years, 0, 0)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "system", ActorKind: audit.System, Act: "erasure.complete", Object: "erasure " + o.ID, CustomerID: o.CustomerID,
			Detail: map[string]any{"seq": o.Seq, "certificate": digest(certificate)},
		})
	})
	if err == nil && open {
		return e.later(ctx, o, "erasure.problem_again", 0, time.Time{}, nil)
	}
	return err
}

// later writes down what keeps an order, and when it is tried again. cause is what an operator reads; it is no reason for the queue to
// try again by itself.
func (e *Eraser) later(ctx context.Context, o Order, problem string, left int64, until time.Time, cause error) error {
	if cause != nil && (ctx.Err() != nil || errors.Is(cause, errDied)) {
		return cause
	}
	if db.IsCheck(cause, "erasure_held") || errors.Is(cause, errHeld) {
		problem, cause = "erasure.not_hold", nil
	}
	if cause != nil {
		e.Logger.ErrorContext(ctx, "an erasure goes on later", slog.String("order", o.ID), slog.String("problem", problem), slog.Any("error", cause))
	} else {
		e.Logger.WarnContext(ctx, "an erasure goes on later", slog.String("order", o.ID), slog.String("problem", problem), slog.Int64("left", left))
	}
	return e.tx(ctx, func(tx *db.Tx) error {
		next := tx.Now.Add(retry)
		if until.After(next) {
			next = until
		}
		return e.store.postpone(ctx, tx, o, problem, left, until, next)
	})
}

var (
	errHeld = errors.New("a hold stands")
	errDied = errors.New("died") // in tests
)

// Sweep enqueues what waits: orders whose time has come, and runs that were agreed. What stayed for the law goes when its time is over.
func (e *Eraser) Sweep(ctx context.Context, plan func(context.Context, *db.Tx, []string) error) error {
	err := e.tx(ctx, func(tx *db.Tx) error {
		due, err := e.store.orders(ctx, tx, `state <> 'complete' AND next_at <= $1 ORDER BY next_at, seq LIMIT 1000`, tx.Now)
		if err != nil {
			return err
		}
		runs, err := e.store.agreed(ctx, tx)
		if err != nil {
			return err
		}
		if err := plan(ctx, tx, runs); err != nil {
			return err
		}
		return e.Enqueue(ctx, tx, due)
	})
	if err != nil {
		return fmt.Errorf("sweep erasures: %w", err)
	}
	return e.expire(ctx)
}

// expire deletes what stayed for the law of those whose years are over.
func (e *Eraser) expire(ctx context.Context) error {
	for {
		var over []Order
		var rules []Count
		err := e.tx(ctx, func(tx *db.Tx) (err error) {
			if over, err = e.store.orders(ctx, tx, `state = 'complete' AND gone_at IS NULL AND keep_until < clock_timestamp() AND keep_until < $1
				ORDER BY keep_until LIMIT 100`, tx.Now); err != nil {
				return err
			}
			rules, err = e.store.rules(ctx, tx)
			return err
		})
		if err != nil || len(over) == 0 {
			return err
		}
		for _, o := range over {
			for _, r := range rules {
				if r.Action == "delete" {
					continue
				}
				if err := e.tx(ctx, func(tx *db.Tx) error { return e.store.step(ctx, tx, o, r.Name) }); err != nil {
					return err
				}
			}
			if err := e.tx(ctx, func(tx *db.Tx) error { return e.store.gone(ctx, tx, o) }); err != nil {
				return err
			}
		}
	}
}

// Standing is how this database compares with the ledger outside.
type Standing struct {
	Last    int64 // of this database
	Missing int64 // orders that the ledger outside has behind it
}

// Standing asks the ledger outside. A database that lacks orders was restored from before them, and nobody may work with it until
// they were replayed.
func (e *Eraser) Standing(ctx context.Context) (s Standing, err error) {
	if err := e.tx(ctx, func(tx *db.Tx) (err error) { s.Last, err = e.store.last(ctx, tx); return err }); err != nil {
		return s, fmt.Errorf("read the ledger of erasures: %w", err)
	}
	for _, l := range e.Ledgers {
		var n int64
		if err := l.After(ctx, name(s.Last), func(string, []byte) error { n++; return nil }); err != nil {
			return s, fmt.Errorf("read the ledger of erasures outside the database: %w", err)
		}
		s.Missing = max(s.Missing, n)
	}
	return s, nil
}

// Replay erases again whom the ledger outside names and this database still has, and everybody whose erasure is not complete here. It
// runs as the schema's owner. said is called for each.
func (e *Eraser) Replay(ctx context.Context, said func(o Order)) error {
	var last int64
	if err := e.tx(ctx, func(tx *db.Tx) (err error) { last, err = e.store.last(ctx, tx); return err }); err != nil {
		return err
	}
	for _, l := range e.Ledgers {
		before := ""
		err := l.After(ctx, name(last), func(at string, body []byte) error {
			var entry Entry
			if err := json.Unmarshal(body, &entry); err != nil || name(entry.Seq) != at || entry.Order == "" || entry.Customer == "" {
				return fmt.Errorf("%s in the ledger of erasures is no entry", at)
			}
			if before != "" && entry.Previous != before {
				return fmt.Errorf("%s in the ledger of erasures does not follow the entry before: the chain is cut", at)
			}
			before = digest(string(body))
			return e.tx(ctx, func(tx *db.Tx) error { return e.store.replay(ctx, tx, entry, string(body)) })
		})
		if err != nil {
			return fmt.Errorf("replay erasures: %w", err)
		}
	}
	return e.rerun(ctx, said)
}

// rerun runs every order that is not complete here, once.
func (e *Eraser) rerun(ctx context.Context, said func(o Order)) error {
	seq := int64(0)
	for {
		var list []Order
		if err := e.tx(ctx, func(tx *db.Tx) (err error) {
			list, err = e.store.orders(ctx, tx, `state <> 'complete' AND seq > $1 ORDER BY seq LIMIT 100`, seq)
			return err
		}); err != nil || len(list) == 0 {
			return err
		}
		for _, o := range list {
			seq = o.Seq
			if err := e.Run(ctx, o.ID); err != nil {
				return err
			}
			if err := e.tx(ctx, func(tx *db.Tx) (err error) { o, err = e.store.order(ctx, tx, o.ID); return err }); err != nil {
				return err
			}
			said(o)
		}
	}
}
