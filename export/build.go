package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"offramp/export/archive"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/migration"
)

// Programmes tells which programme is in force.
type Programmes interface {
	// Active returns the programme that has been approved last.
	Active(ctx context.Context) (*migration.Programme, error)
}

// Config is what building exports takes. All but the last four are required.
type Config struct {
	DB         *db.DB
	Journey    *migration.Service
	Queue      *jobs.Client // for mails and for jobs that got lost; an inserter will do
	Bucket     *storage.Bucket
	Sources    *Sources
	Programmes Programmes
	Logger     *slog.Logger

	Retries int             // tries until an export has failed; default 5
	Backoff []time.Duration // waits between them, the last for all later ones; default 5 s, 15 s, 1 min, 5 min
	LinkTTL time.Duration   // as in Options: an expired archive is removed when the last link to it has run out
	Beat    time.Duration   // between two looks at the fence; default 1 s
}

func (c Config) withDefaults() Config {
	if c.Retries <= 0 {
		c.Retries = 5
	}
	if len(c.Backoff) == 0 {
		c.Backoff = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}
	}
	if c.LinkTTL <= 0 {
		c.LinkTTL = Options{}.withDefaults().LinkTTL
	}
	if c.Beat <= 0 {
		c.Beat = time.Second
	}
	return c
}

const (
	keyPrefix = "exports/"
	// maxDeaths is after how many attempts that ended without a word an export is given up: it may be what kills workers.
	maxDeaths = 20
	// tidyLimit bounds what an attempt does after its end.
	tidyLimit = 15 * time.Second
)

// builder builds exports. Safe for concurrent use.
type builder struct {
	Config
	store store
	at    func(point string) // told at each point where a death would be of interest; tests kill there
}

func newBuilder(c Config) *builder {
	return &builder{Config: c.withDefaults(), store: store{db: c.DB}, at: func(string) {}}
}

// attempt is one try of one export.
type attempt struct {
	Export
	key   string // of its object
	meter *meter
	began time.Time // by the machine's clock
}

// run makes one attempt, whatever state the export is in. Its error means that the same should be tried again later, unless
// it is errGivenUp.
func (b *builder) run(ctx context.Context, args Args) error {
	a, err := b.claim(ctx, args)
	if errors.Is(err, ErrMoved) || errors.Is(err, ErrNotFound) {
		return nil // cancelled, or built already
	}
	if err != nil {
		return fmt.Errorf("claim export %s: %w", args.ExportID, err)
	}
	b.at("claimed")
	b.discardOthers(ctx, a)
	inner, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() { defer close(beating); b.beat(inner, a, cancel) }()
	err = b.build(inner, a)
	if err != nil && errors.Is(context.Cause(inner), errFenced) {
		err = errFenced
	}
	cancel(nil)
	<-beating
	if err != nil {
		return b.settle(ctx, a, err)
	}
	finished.WithLabelValues(string(Ready)).Inc()
	seconds.Observe(time.Since(a.began).Seconds())
	b.Logger.InfoContext(ctx, "export ready", slog.String("export", a.Reference()), slog.Int("attempt", a.Attempt), slog.Duration("took", time.Since(a.began)))
	return nil
}

// claim begins an attempt and records the name of its object before a byte leaves.
func (b *builder) claim(ctx context.Context, args Args) (a *attempt, err error) {
	err = b.DB.InTx(ctx, db.CustomerScope(args.CustomerID), func(tx *db.Tx) error {
		was, err := b.store.lock(ctx, tx, args.ExportID)
		if err != nil {
			return err
		}
		next, err := was.Start(tx.Now)
		if err != nil {
			return err
		}
		a = &attempt{Export: next, key: storage.NewKey(keyPrefix), meter: newMeter(), began: time.Now()}
		if err := b.store.save(ctx, tx, was, next); err != nil {
			return err
		}
		if was.State == Running && was.Attempt-was.Failures >= maxDeaths {
			a = nil
			return b.fail(ctx, tx, next, Trouble{Delayed: "export.delayed", Cause: fmt.Sprintf("%d attempts ended without a word; it may be what kills the workers", maxDeaths)})
		}
		return b.store.registerObject(ctx, tx, object{Key: a.key, ExportID: next.ID, CustomerID: next.CustomerID, Attempt: next.Attempt})
	})
	if err == nil && a == nil {
		err = ErrMoved
	}
	return a, err
}

// beat writes how far the attempt is, and ends it when it was overtaken or cancelled. A database that is away for a while
// ends nothing: what counts is the fence at the end.
func (b *builder) beat(ctx context.Context, a *attempt, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(b.Beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			err := b.advance(ctx, a, a.meter.progress(now))
			if errors.Is(err, errFenced) {
				cancel(errFenced)
				b.at("overtaken")
				return
			}
			if err != nil && ctx.Err() == nil {
				b.Logger.WarnContext(ctx, "write progress", slog.String("export", a.Reference()), slog.Any("error", err))
			}
		}
	}
}

func (b *builder) advance(ctx context.Context, a *attempt, p migration.Progress) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		p.ExportID, p.At, p.Delayed = a.ID, tx.Now, a.Delayed
		if err := b.store.advance(ctx, tx, a.ID, a.Attempt, p); err != nil {
			return err
		}
		return b.Journey.SetProgress(ctx, tx, a.CustomerID, p)
	})
}

// build reads, writes, proves and seals.
func (b *builder) build(ctx context.Context, a *attempt) error {
	p, err := b.Programmes.Active(ctx)
	if err != nil {
		return err
	}
	customer, err := b.Journey.Customer(ctx, db.CustomerScope(a.CustomerID), a.CustomerID)
	if err != nil {
		return err
	}
	pl, err := makePlan(ctx, b.Sources, p, a.Selection, customer.Ref)
	defer pl.Close() //nolint:staticcheck // a plan that failed half-way holds snapshots, too
	if err != nil {
		return err
	}
	b.at("planned")
	header := archive.Header{
		Export: a.Reference(), Customer: customer.Ref, CustomerName: customer.Name, Programme: p.Key, Locale: a.Locale,
		AsOf: b.portalTime(pl.asOf), Created: b.DB.Clock.Now(), Volume: 1, Volumes: 1,
	}
	header.Product, _ = p.Product.Name.In(a.Locale, p.Fallback())
	sealed := Sealed{Key: a.key, AsOf: header.AsOf}
	if err := b.write(ctx, a, p, pl, header, &sealed); err != nil {
		return err
	}
	b.at("uploaded")
	if err := b.prove(ctx, a, sealed); err != nil {
		return err
	}
	b.at("proven")
	return b.seal(ctx, a, sealed, keep(p))
}

// portalTime turns an instant of the world, of which a source's is one, into the portal's time, which may be shifted.
func (b *builder) portalTime(t time.Time) time.Time {
	ahead := b.DB.Clock.Now().Sub(time.Now()) //nolint:staticcheck // how far the portal runs ahead, not a wait
	return t.Add(ahead).UTC().Truncate(time.Microsecond)
}

func keep(p *migration.Programme) time.Duration {
	if p.Export.KeepDays <= 0 {
		return 7 * day
	}
	return time.Duration(p.Export.KeepDays) * day
}

// write streams the archive into the bucket.
func (b *builder) write(ctx context.Context, a *attempt, p *migration.Programme, pl *plan, h archive.Header, sealed *Sealed) error {
	options := archive.Options{Spreadsheet: a.Selection.Spreadsheet}
	passes := 0
	for _, f := range a.Selection.Formats {
		options.CSV, options.JSONLines = options.CSV || f == CSV, options.JSONLines || f == JSONL
		passes++
	}
	if a.Selection.Spreadsheet {
		passes++
	}
	a.meter.expect(pl, passes)
	sealed.Rows, sealed.Bytes = a.meter.totals()
	up := b.Bucket.Create(ctx, a.key, sealed.Bytes, "application/zip")
	defer up.Abort()
	w, err := archive.NewWriter(up, h, options)
	if err != nil {
		return err
	}
	if err := b.read(ctx, a, p, pl, w); err != nil {
		return err
	}
	result, err := w.Close()
	if err != nil {
		return err
	}
	pl.Close() // the source need not wait for the bucket
	b.at("closed")
	proof, err := up.Commit()
	if err != nil {
		return err
	}
	if proof.Size != result.Size {
		return &storage.Error{Kind: storage.Unavailable, Op: "commit", Key: a.key, Cause: fmt.Errorf("sent %d bytes of %d", proof.Size, result.Size)}
	}
	sealed.Size, sealed.SHA256, sealed.Receipt = proof.Size, proof.SHA256, result.Receipt
	return nil
}

// read puts every dataset and then every attachment into the archive.
func (b *builder) read(ctx context.Context, a *attempt, p *migration.Programme, pl *plan, w *archive.Writer) error {
	a.meter.enter(StageReading)
	for _, pt := range pl.parts {
		b.at("reading " + pt.dataset.Key)
		title, _ := pt.dataset.Name.In(a.Locale, p.Fallback())
		d := archive.Dataset{Name: pt.dataset.Key, Title: title, Columns: pt.columns, Source: pt.rows}
		if err := w.AddDataset(ctx, d, pt.readRows(a.meter)); err != nil {
			return err
		}
	}
	for _, pt := range pl.parts {
		if pt.objects == nil {
			continue
		}
		a.meter.enter(StageFiles)
		b.at("files " + pt.dataset.Key)
		if err := w.AddAttachments(ctx, pt.dataset.Key, pt.files, pt.listFiles(a.meter), pt.objects); err != nil {
			return err
		}
	}
	return nil
}

// prove reads the whole object back by a request of its own and holds it against what was sent.
func (b *builder) prove(ctx context.Context, a *attempt, sealed Sealed) error {
	a.meter.enter(StageChecking)
	back, err := b.Bucket.ReadBack(ctx, a.key)
	if err != nil {
		return err
	}
	if sent := (storage.Proof{Size: sealed.Size, SHA256: sealed.SHA256}); back != sent {
		return &storage.Error{Kind: storage.Unavailable, Op: "read back", Key: a.key, Cause: fmt.Errorf(
			"the bucket has %d bytes with SHA-256 %s, sent were %d with %s", back.Size, back.SHA256, sent.Size, sent.SHA256)}
	}
	return nil
}

// seal makes the export ready, if this is still its attempt, with everything that follows from it.
func (b *builder) seal(ctx context.Context, a *attempt, sealed Sealed, keep time.Duration) error {
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if was.Attempt != a.Attempt || was.State != Running {
			return errFenced
		}
		next, err := was.Seal(tx.Now, sealed, keep)
		if err != nil {
			return err
		}
		if err := b.store.save(ctx, tx, was, next); err != nil {
			return err
		}
		if err := b.store.sealObject(ctx, tx, a.key); err != nil {
			return err
		}
		b.at("sealing")
		return b.tell(ctx, tx, next, migration.ExportReady, "export_ready", next.ID, audit.Entry{Act: "export.ready", Detail: map[string]any{
			"size": next.ObjectSize, "sha256": next.SHA256, "rows": next.RowsDone, "attempt": next.Attempt,
		}})
	})
	if err != nil {
		return fmt.Errorf("seal %s: %w", a.Reference(), err)
	}
	b.at("sealed")
	packed.Add(float64(sealed.Size))
	return nil
}

// tell writes the journey's event, the mail to who asked, and the audit entry.
func (b *builder) tell(ctx context.Context, tx *db.Tx, e Export, kind migration.EventKind, template, key string, entry audit.Entry) error {
	if _, err := b.Journey.Tell(ctx, tx, e.CustomerID, event(kind, e, audit.System)); err != nil {
		return err
	}
	if template != "" {
		if _, err := b.Queue.InsertTx(ctx, tx, letter(e, template, key), nil); err != nil {
			return err
		}
	}
	entry.Actor, entry.ActorKind, entry.Object, entry.CustomerID = "worker", audit.System, subject(e), e.CustomerID
	return audit.Record(ctx, tx, entry)
}

// letter is a mail to the contact who asked for the export.
func letter(e Export, template, key string) mail.Args {
	data := map[string]string{"export_id": e.ID, "reference": e.Reference(), "size": fmt.Sprint(e.ObjectSize)}
	if e.ExpiresAt != nil {
		data["until"] = e.ExpiresAt.Format(time.RFC3339)
	}
	return mail.Args{Template: template, CustomerID: e.CustomerID, ContactID: e.RequestedBy, Key: key, Data: data}
}
