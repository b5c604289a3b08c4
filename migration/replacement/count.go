package replacement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/secret"
	"offramp/migration"
)

// Reader reads the product's data for counts. Its errors may say what is wrong in plain words by a method Plain.
type Reader interface {
	// CountAll reads a query about all customers: the customer's reference and a count in each row.
	CountAll(ctx context.Context, q migration.Query, yield func(ref string, uses int64) error) error
	// CountOne reads a query about one customer, with the reference for :customer_id: one row with a count. none: no row.
	CountOne(ctx context.Context, q migration.Query, ref string) (int64, error)
}

// CounterConfig is what counting stands on.
type CounterConfig struct {
	DB         *db.DB
	Programmes *migration.Programmes
	Reader     Reader
	Logger     *slog.Logger
	Slow       time.Duration // a count that takes longer is named as slow; default 1 min
	Limit      time.Duration // a count that takes longer is given up; default 10 min
}

// Counter counts what customers use.
type Counter struct {
	CounterConfig
	store store
}

// NewCounter counts with c. It is what the jobs run; the benchmark calls it directly.
func NewCounter(c CounterConfig) *Counter {
	if c.Slow == 0 {
		c.Slow = time.Minute
	}
	if c.Limit == 0 {
		c.Limit = 10 * time.Minute
	}
	return &Counter{CounterConfig: c}
}

const (
	defaultRefresh = 24 * time.Hour
	retryAfter     = 30 * time.Minute // a count that failed is tried again
	countChunk     = 5_000            // rows of one statement
)

// due lists the features that ought to be counted now, in the programme's order.
func (c *Counter) due(ctx context.Context, p *migration.Programme) (keys []string, err error) {
	refresh := defaultRefresh
	if p.Choice.Refresh > 0 {
		refresh = time.Duration(p.Choice.Refresh) * time.Hour
	}
	err = c.DB.InTx(ctx, db.SystemScope("look for features to count"), func(tx *db.Tx) error {
		before, err := c.store.asked(ctx, tx)
		for _, f := range p.Features {
			a, tried := before[f.Key]
			age := tx.Now.Sub(a.triedAt)
			if f.Counted() && (!tried || a.digest != digest(f) || age >= refresh || a.failed && age >= retryAfter) {
				keys = append(keys, f.Key)
			}
		}
		return err
	})
	return keys, err
}

// digest names a feature's question, so that a changed one is asked anew.
func digest(f migration.Feature) string {
	raw, _ := json.Marshal([]string{f.Source, f.SQL, f.Attribute}) // strings always encode
	return secret.Hash(string(raw))
}

// CountAll counts one feature for all customers, in one transaction: either all of it is new or nothing is. A question that
// fails or takes too long is noted for staff, keeps what was known, and is no error.
func (c *Counter) CountAll(ctx context.Context, p *migration.Programme, key string) error {
	f, ok := p.Feature(key)
	if !ok || !f.Counted() {
		return nil
	}
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	err := c.DB.InTx(bounded, db.SystemScope("count "+key), func(tx *db.Tx) error {
		if err := c.store.forget(bounded, tx, key, digest(f)); err != nil {
			return err
		}
		if err := c.fill(bounded, tx, f); err != nil {
			return err
		}
		took := time.Since(began)
		return c.store.finish(bounded, tx, key, digest(f), tx.Now, took, took > c.Slow)
	})
	took := time.Since(began)
	if err == nil {
		counts.WithLabelValues(key, map[bool]string{false: "done", true: "slow"}[took > c.Slow]).Inc()
		return nil
	}
	if ctx.Err() != nil { // we are stopping: nothing is wrong with the question
		return err
	}
	if bounded.Err() != nil {
		err = problem(fmt.Sprintf("did not answer within %s", c.Limit))
	}
	counts.WithLabelValues(key, "failed").Inc()
	c.Logger.WarnContext(ctx, "a feature could not be counted", slog.String("feature", key), slog.Any("error", err))
	return c.DB.InTx(ctx, db.SystemScope("count "+key), func(tx *db.Tx) error {
		if err := c.store.forget(ctx, tx, key, digest(f)); err != nil {
			return err
		}
		return c.store.fail(ctx, tx, key, digest(f), plain(err), tx.Now, took, took > c.Slow)
	})
}

// problem is what is wrong with a question, in plain words.
type problem string

// Error implements error.
func (p problem) Error() string { return string(p) }

// Plain gives the words.
func (p problem) Plain() string { return string(p) }

// plain is what may be stored and shown of an error: words without values.
func plain(err error) string {
	var said interface{ Plain() string }
	if errors.As(err, &said) {
		return said.Plain()
	}
	return "could not be counted; the worker's log says why"
}

// fill gathers the counts of one feature.
func (c *Counter) fill(ctx context.Context, tx *db.Tx, f migration.Feature) error {
	if err := c.store.stage(ctx, tx); err != nil {
		return err
	}
	if f.Attribute != "" {
		return c.store.addAttributes(ctx, tx, f.Attribute)
	}
	if !aboutOne(f.Query) {
		return c.add(ctx, tx, func(yield func(ref string, uses int64) error) error { return c.Reader.CountAll(ctx, f.Query, yield) })
	}
	for last := ""; ; {
		refs, err := c.store.refsAfter(ctx, tx, last, countChunk)
		if err != nil || len(refs) == 0 {
			return err
		}
		err = c.add(ctx, tx, func(yield func(ref string, uses int64) error) error {
			for _, ref := range refs {
				uses, err := c.Reader.CountOne(ctx, f.Query, ref)
				if err == nil {
					err = yield(ref, uses)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		last = refs[len(refs)-1]
	}
}

// aboutOne reports whether a question is about one customer.
func aboutOne(q migration.Query) bool {
	return strings.Contains(q.SQL, ":"+migration.CustomerParameter)
}

// errEnough ends a reading whose rows nobody takes any more.
var errEnough = errors.New("replacement: the reading was ended")

// add streams what read yields into the database while it is read.
func (c *Counter) add(ctx context.Context, tx *db.Tx, read func(yield func(ref string, uses int64) error) error) error {
	var failed error
	next, stop := iter.Pull2(func(yield func(ref string, uses int64) bool) {
		failed = read(func(ref string, uses int64) error {
			switch {
			case uses < 0:
				return problem("gave a count below zero")
			case uses > 0 && !yield(ref, uses):
				return errEnough
			}
			return nil
		})
	})
	err := c.store.addCounts(ctx, tx, pgx.CopyFromFunc(func() ([]any, error) {
		ref, uses, ok := next()
		if !ok {
			return nil, failed
		}
		return []any{ref, uses}, nil
	}))
	stop()
	if failed != nil && !errors.Is(failed, errEnough) { // why the rows ended says more than that they did
		return failed
	}
	return err
}

// CountCustomer counts every feature for one customer. What fails is left as it was known.
func (c *Counter) CountCustomer(ctx context.Context, p *migration.Programme, customerID string) error {
	var ref string
	err := c.DB.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) (err error) {
		ref, err = c.store.ref(ctx, tx, customerID)
		return err
	})
	if err != nil {
		return err
	}
	found := map[string]int64{}
	for _, f := range p.Features {
		if f.SQL == "" {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, c.Slow)
		uses, err := c.Reader.CountOne(bounded, about(f.Query), ref)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || uses < 0:
			c.Logger.WarnContext(ctx, "a feature could not be counted for one customer", slog.String("feature", f.Key), slog.Any("error", err))
		default:
			found[f.Key] = uses
		}
	}
	return c.DB.InTx(ctx, db.CustomerScope(customerID), func(tx *db.Tx) error {
		for _, f := range p.Features {
			if uses, ok := found[f.Key]; ok {
				if err := c.store.setCount(ctx, tx, customerID, f.Key, uses); err != nil {
					return err
				}
			}
		}
		return c.store.requestDone(ctx, tx, customerID)
	})
}

// about turns a question about all customers into one about one of them.
func about(q migration.Query) migration.Query {
	if !aboutOne(q) {
		q.SQL = "SELECT sum(c.count) FROM (" + strings.TrimRight(q.SQL, "; \t\r\n") + ") c WHERE c.customer_ref = :" + migration.CustomerParameter
	}
	return q
}
