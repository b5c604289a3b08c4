package export

import (
	"context"
	"log/slog"
	"time"

	"offramp/export/source"
	"offramp/internal/db"
)

// shared is what all volumes of an attempt have in common, as the export's row keeps it.
type shared struct {
	Version int       `json:"version"` // of the programme
	Volumes int       `json:"volumes"`
	AsOf    time.Time `json:"as_of"`   // by the portal's clock
	Created time.Time `json:"created"` // likewise
	Sources []origin  `json:"sources"`
	Choice  choice    `json:"choice"`
	Rows    int64     `json:"rows"`  // of one pass
	Bytes   int64     `json:"bytes"` // raw, of all passes, estimated
}

// origin is a source that an attempt reads.
type origin struct {
	Key    string    `json:"key"`
	AsOf   time.Time `json:"as_of"`          // by the source's clock
	At     time.Time `json:"at"`             // the same by the portal's
	Steady bool      `json:"steady"`         // all of it shows that instant
	Free   bool      `json:"free,omitempty"` // needs no joining
	Lane   bool      `json:"lane,omitempty"` // its snapshot cannot be joined: one job reads it
}

// snapshotLease is a snapshot that some job keeps open.
type snapshotLease struct{ source, snapshot string }

// prepare opens the sources, checks and weighs what was chosen, and spreads it over volumes, of which w becomes the
// first. It reports false where the export is too large for this job and was left to others.
func (b *builder) prepare(ctx context.Context, a *attempt, w *work) (more bool, err error) {
	if a.programme, err = b.Programmes.Active(ctx); err != nil {
		return false, err
	}
	if a.shared.Choice, err = b.choose(ctx, a); err != nil {
		return false, err
	}
	if a.imports, err = profileOf(a.programme, a.Selection.Replacement); err != nil {
		return false, err
	}
	a.view = newView(b.Sources, a.programme, &a.shared.Choice, a.customer.ref)
	a.view.lenient = b.lenient(a, w)
	weighed, err := b.weigh(ctx, a)
	if err != nil {
		return false, err
	}
	total := source.Weight{}
	for _, p := range weighed {
		total.Rows, total.Bytes, total.FileBytes = total.Rows+p.weight.Rows, total.Bytes+p.weight.Bytes, total.FileBytes+p.weight.FileBytes
	}
	if total.Bytes+total.FileBytes > b.Large && !a.large {
		return false, b.handOver(ctx, a, w)
	}
	volumes, err := b.cut(ctx, a, weighed, total)
	if err != nil {
		return false, err
	}
	a.leads = true
	b.share(a, len(volumes), total)
	w.pieces = volumes[0].Pieces
	w.ledger.expect(w.pieces, a.Selection.passes())
	if a.several() {
		if err := b.publish(ctx, a, volumes); err != nil {
			return false, err
		}
	}
	b.at("planned")
	return true, nil
}

// share sets what all volumes of the attempt have in common.
func (b *builder) share(a *attempt, volumes int, total source.Weight) {
	a.mu.Lock() // heartbeat may be reading it
	defer a.mu.Unlock()
	a.shared.Version, a.shared.Volumes = a.programme.Version, volumes
	a.shared.AsOf, a.shared.Created = b.portalTime(a.view.asOf()), b.DB.Clock.Now()
	a.shared.Rows, a.shared.Bytes = total.Rows, total.Bytes*a.Selection.passes()+total.FileBytes
	for _, key := range a.view.order {
		info := a.view.snapshots[key].Info()
		a.shared.Sources = append(a.shared.Sources, origin{Key: key, AsOf: info.AsOf, At: b.portalTime(info.AsOf), Steady: info.Steady, Free: info.Free, Lane: lane(info)})
	}
}

// lane reports whether a snapshot can be read by nobody but who opened it.
func lane(i source.Info) bool { return !i.Free && i.ID == "" }

// weighed is a part of the view with what it weighs.
type weighed struct {
	part   *part
	weight source.Weight
}

func (b *builder) weigh(ctx context.Context, a *attempt) (list []weighed, err error) {
	datasets, err := a.view.datasets()
	if err != nil {
		return nil, err
	}
	if !a.large {
		if err := a.view.gather(ctx, datasets); err != nil {
			return nil, err
		}
	}
	for _, d := range datasets {
		if a.shared.Choice.leaves(d.Key) {
			continue
		}
		pt, err := a.view.part(ctx, d)
		if err != nil {
			return nil, err
		}
		weight, err := pt.weigh(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, weighed{pt, weight})
	}
	return list, nil
}

// cut splits what is too large for one volume and spreads the rest.
func (b *builder) cut(ctx context.Context, a *attempt, list []weighed, total source.Weight) ([]plannedVolume, error) {
	l := layout{target: int64(float64(a.Selection.volumeSize()*b.Unit) * fillShare), passes: a.Selection.passes()}
	one := l.compressed(total) <= l.target || !a.large
	var portions []portion
	for _, x := range list {
		p := portion{dataset: x.part.dataset.Key, lane: !one && lane(x.part.snap.Info()), shares: []source.Share{{Weight: x.weight}}}
		if !one && l.compressed(x.weight) > l.target/grains {
			perRow := int64(0)
			if x.weight.Rows > 0 {
				perRow = l.compressed(source.Weight{Bytes: x.weight.Bytes}) / x.weight.Rows
			}
			shares, err := x.part.snap.Split(ctx, x.part.query, perRow, max(l.target/grains, 1))
			if err != nil {
				return nil, err
			}
			if len(shares) > 0 {
				p.shares = weighedShares(shares, x.weight)
			}
		}
		portions = append(portions, p)
	}
	volumes, err := l.spread(portions)
	if err != nil {
		return nil, err
	}
	if len(volumes) == 0 {
		volumes = []plannedVolume{{}}
	}
	return volumes, nil
}

// weighedShares gives shares their part of a dataset's bytes, by rows: what they say themselves is of packed bytes.
func weighedShares(shares []source.Share, whole source.Weight) []source.Share {
	rows := int64(0)
	for _, s := range shares {
		rows += s.Rows
	}
	for i := range shares {
		if rows > 0 {
			shares[i].Bytes = int64(float64(whole.Bytes) * float64(shares[i].Rows) / float64(rows))
		}
	}
	return shares
}

// publish stores the volumes and whose snapshots can be joined, and calls for help.
func (b *builder) publish(ctx context.Context, a *attempt, volumes []plannedVolume) error {
	helpers := -1 // this job takes one itself
	for _, v := range volumes {
		if !v.Lane {
			helpers++
		}
	}
	helpers = min(max(helpers, 0), maxHelpers)
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		if err := b.store.publish(ctx, tx, a, volumes); err != nil {
			return err
		}
		if err := b.store.lease(ctx, tx, a, a.view); err != nil {
			return err
		}
		return b.callHelpers(ctx, tx, a, helpers)
	})
	if err != nil {
		return err
	}
	b.Logger.InfoContext(ctx, "export planned", slog.String("export", a.Reference()), slog.Int("volumes", len(volumes)), slog.Int("helpers", helpers))
	return nil
}

// handOver leaves an export to the workers of large ones. Nothing of it was written yet.
func (b *builder) handOver(ctx context.Context, a *attempt, w *work) error {
	a.view.Close()
	a.turn(nil)
	return b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if was.State != Running || was.Attempt != a.Attempt {
			return errFenced
		}
		next, err := was.HandOver()
		if err != nil {
			return err
		}
		if next.JobID, err = b.insertLarge(ctx, tx, a); err != nil {
			return err
		}
		if err := b.store.markDeleted(ctx, tx, w.key); err != nil {
			return err
		}
		b.at("handing over")
		return b.store.save(ctx, tx, was, next)
	})
}
