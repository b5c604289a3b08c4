package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"offramp/export"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/internal/secret"
)

// Config is what copying into customers' buckets takes. All but the last seven are required.
type Config struct {
	DB         *db.DB
	Queue      *jobs.Client // for mails; an inserter will do
	Bucket     *storage.Bucket
	Box        *secret.Box
	Secret     []byte         // the installation's: derives external ids
	Dialer     storage.Dialer // the one way out: outbound.Dialer's
	Programmes export.Programmes
	Logger     *slog.Logger

	Account    storage.Config  // AccessKey and SecretKey that take on customers' roles; empty: AWS's own chain
	RoleServer string          // address of AWS's service for roles; empty: the region's own
	Retries    int             // tries until a delivery has failed; default 8
	Backoff    []time.Duration // waits between them; default 10 s, 1 min, 5 min, 15 min, 1 h
	Heartbeat  time.Duration   // between two checks of the fence; default 1 s
	Stall      time.Duration   // how long the customer's bucket may be silent; default 30 s

	At func(point string) // told at each point where a death would be of interest: tests kill there
}

func (c Config) withDefaults() Config {
	if c.Retries <= 0 {
		c.Retries = 8
	}
	if len(c.Backoff) == 0 {
		c.Backoff = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = time.Second
	}
	if c.Stall <= 0 {
		c.Stall = 30 * time.Second
	}
	if c.At == nil {
		c.At = func(string) {}
	}
	return c
}

// settleLimit bounds what an attempt does after its end.
const settleLimit = 15 * time.Second

// checkName is the object that proves the customer's rights. It is removed again where the customer lets us delete,
// which is a right that the copy itself does not need; where not, the customer is told that it stays.
const checkName = "offramp-check.txt"

// deliverer copies exports into customers' buckets. Safe for concurrent use.
type deliverer struct {
	Config
	rows store
}

func newDeliverer(c Config) *deliverer {
	return &deliverer{Config: c.withDefaults(), rows: store{db: c.DB}}
}

// attempt is one attempt at one delivery.
type attempt struct {
	Delivery
	export export.Export
	names  map[int]string // of the files, by number of the volume
	bucket *storage.Bucket
	moved  atomic.Int64 // bytes that lie in the customer's bucket or are on the way
	step   string       // what is tried: "write" or "read"
	left   bool         // the check's object could not be removed again
}

// badTarget is trouble with the customer's bucket, as opposed to ours.
type badTarget struct{ obstacle }

func (b badTarget) Error() string { return b.cause }

// run makes one attempt. Its error means that the same should be tried again later, unless it is errGivenUp.
func (c *deliverer) run(ctx context.Context, args Args) error {
	p, err := c.claim(ctx, args)
	if errors.Is(err, export.ErrMoved) || errors.Is(err, ErrNotFound) {
		return nil // cancelled, or done already
	}
	if err != nil {
		return fmt.Errorf("claim delivery %s: %w", args.DeliveryID, err)
	}
	inner, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() { defer close(beating); c.heartbeat(inner, p, cancel) }()
	err = c.deliver(inner, p)
	if err != nil && errors.Is(context.Cause(inner), errFenced) {
		err = errFenced
	}
	cancel(nil)
	<-beating
	if err != nil {
		return c.settle(ctx, p, err)
	}
	c.Logger.InfoContext(ctx, "export delivered", slog.String("export", p.export.Reference()), slog.String("delivery", p.ID))
	return nil
}

// claim begins an attempt.
func (c *deliverer) claim(ctx context.Context, args Args) (*attempt, error) {
	p := &attempt{names: map[int]string{}, step: "write"}
	scope := db.CustomerScope(args.CustomerID)
	err := c.DB.InTx(ctx, scope, func(tx *db.Tx) error {
		was, err := c.rows.lock(ctx, tx, args.DeliveryID)
		if err != nil {
			return err
		}
		if p.Delivery, err = was.start(tx.Now); err != nil {
			return err
		}
		return c.rows.save(ctx, tx, was, p.Delivery)
	})
	if err != nil {
		return nil, err
	}
	if p.export, err = export.Find(ctx, c.DB, scope, p.ExportID); err != nil {
		return nil, err
	}
	return p, nil
}

// deliver checks the bucket, copies what does not lie there yet, and tells that all is done.
func (c *deliverer) deliver(ctx context.Context, p *attempt) error {
	if err := c.open(ctx, p); err != nil {
		return err
	}
	if err := c.check(ctx, p); err != nil {
		return err
	}
	c.At("checked")
	done, err := c.begin(ctx, p)
	if err != nil {
		return err
	}
	for _, v := range p.export.Volumes {
		if slices.Contains(done, v.Number) {
			p.moved.Add(v.Size)
		}
	}
	for _, v := range p.export.Volumes {
		if slices.Contains(done, v.Number) {
			continue
		}
		c.At(fmt.Sprintf("volume %d", v.Number))
		if err := c.copy(ctx, p, v); err != nil {
			return err
		}
	}
	return c.finish(ctx, p)
}

// open reaches for the customer's bucket with their secret, or in their role.
func (c *deliverer) open(ctx context.Context, p *attempt) error {
	config := p.Target.config(c.Dialer)
	config.Stall = c.Stall
	if p.Target.Role != "" {
		config.AccessKey, config.SecretKey = c.Account.AccessKey, c.Account.SecretKey
		config.Role, config.ExternalID, config.RoleServer = p.Target.Role, externalID(c.Secret, p.CustomerID), c.RoleServer
	} else {
		key, err := c.Box.Open(p.sealed, p.ID)
		if err != nil {
			return badTarget{obstacle{field: "secret_key", problem: "delivery.problem.forgotten", cause: err.Error(), final: true}}
		}
		config.SecretKey = key
	}
	bucket, err := storage.Open(ctx, config)
	p.bucket = bucket
	return c.theirs(ctx, p, err)
}

// theirs marks an error of the customer's bucket.
func (c *deliverer) theirs(ctx context.Context, p *attempt, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return badTarget{diagnose(err, p.step)}
}

// check proves that the bucket takes, keeps and gives back an object of ours: the rights that the copy needs, and no
// more.
func (c *deliverer) check(ctx context.Context, p *attempt) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	key := p.Target.Prefix + checkName
	defer c.tidy(ctx, p, key)
	sent, err := p.bucket.Put(ctx, key, []byte("Offramp checks that it may write here, "+p.RequestedAt.Format(time.RFC3339)+"\n"), "text/plain; charset=utf-8")
	if err != nil {
		return c.theirs(ctx, p, err)
	}
	p.step = "read"
	back, err := p.bucket.ReadBack(ctx, key)
	if err == nil && (back.Size != sent.Size || back.SHA256 != sent.SHA256) {
		return badTarget{obstacle{field: "endpoint", problem: "delivery.problem.not_s3", cause: "the check's object came back altered", final: true}}
	}
	if err != nil {
		return c.theirs(ctx, p, err)
	}
	p.step = "write"
	return nil
}

// tidy removes the check's object, if we may. Nothing depends on it.
func (c *deliverer) tidy(ctx context.Context, p *attempt, key string) {
	err := p.bucket.Delete(ctx, key)
	if p.left = err != nil; p.left {
		c.Logger.InfoContext(ctx, "the check's object stays", slog.String("delivery", p.ID), slog.Any("error", err))
	}
}

// begin notes that the bucket is as it should be, and reads which volumes lie there already.
func (c *deliverer) begin(ctx context.Context, p *attempt) (done []int, err error) {
	programme, err := c.Programmes.Active(ctx)
	if err != nil {
		return nil, err
	}
	err = c.DB.InTx(ctx, db.CustomerScope(p.CustomerID), func(tx *db.Tx) error {
		was, err := c.rows.lock(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if was.Attempt != p.Attempt || !was.Live() {
			return errFenced
		}
		next, err := was.copying(tx.Now)
		if err != nil {
			return err
		}
		ref, err := export.CustomerRef(ctx, tx, p.CustomerID)
		if err != nil {
			return err
		}
		for _, v := range p.export.Volumes {
			p.names[v.Number] = p.Target.Prefix + objectName(export.FileName(programme.Key, ref, p.export, v.Number, len(p.export.Volumes)))
		}
		if done, err = c.rows.proven(ctx, tx, p.ID); err != nil {
			return err
		}
		return c.rows.save(ctx, tx, was, next)
	})
	return done, err
}

// objectName keeps a file's name one name in a bucket, whatever the customer's number holds.
func objectName(name string) string {
	out := []rune(name)
	for i, r := range out {
		if r == '/' || r == '\\' || r < ' ' || r == 0x7f {
			out[i] = '_'
		}
	}
	return string(out)
}

// copy streams one volume from our bucket to theirs and proves it by reading it back.
func (c *deliverer) copy(ctx context.Context, p *attempt, v export.Volume) error {
	from, err := c.Bucket.Open(ctx, v.Key, 0)
	if err != nil {
		return fmt.Errorf("read volume %d: %w", v.Number, err)
	}
	defer func() { _ = from.Close() }()
	name, before := p.names[v.Number], p.moved.Load()
	p.step = "write"
	to := p.bucket.Create(ctx, name, v.Size, "application/zip")
	defer to.Abort()
	counted := &tally{w: to, n: &p.moved}
	if _, err := io.CopyBuffer(counted, onlyReader{from}, make([]byte, 256<<10)); err != nil {
		if counted.failed != nil {
			return c.theirs(ctx, p, counted.failed)
		}
		return fmt.Errorf("read volume %d: %w", v.Number, err)
	}
	sent, err := to.Commit()
	if err != nil {
		return c.theirs(ctx, p, err)
	}
	if sent.Size != v.Size || sent.SHA256 != v.SHA256 { // what we have is not what we proved once
		return fmt.Errorf("volume %d of %s is altered: %d bytes with SHA-256 %s, recorded are %d with %s", v.Number, p.export.Reference(), sent.Size, sent.SHA256, v.Size, v.SHA256)
	}
	c.At(fmt.Sprintf("sent %d", v.Number))
	p.step = "read"
	back, err := p.bucket.ReadBack(ctx, name)
	if err != nil {
		return c.theirs(ctx, p, err)
	}
	if back.Size != v.Size || back.SHA256 != v.SHA256 {
		return badTarget{obstacle{field: "", problem: "delivery.problem.altered", cause: fmt.Sprintf("%s holds %d bytes with SHA-256 %s", name, back.Size, back.SHA256)}}
	}
	p.moved.Store(before + v.Size)
	return c.rows.prove(ctx, p.Delivery, v, name)
}

// onlyReader hides what else a reader can do, so that the given buffer is used.
type onlyReader struct{ io.Reader }

// tally counts what was written, and remembers that it was the writer that failed.
type tally struct {
	w      io.Writer
	n      *atomic.Int64
	failed error
}

// Write implements io.Writer.
func (t *tally) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.n.Add(int64(n))
	t.failed = err
	return n, err
}

// heartbeat records the progress of the copy, and cancels it when its attempt was overtaken or the delivery cancelled.
func (c *deliverer) heartbeat(ctx context.Context, p *attempt, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(c.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := c.rows.advance(ctx, p.Delivery, p.moved.Load())
			if errors.Is(err, errFenced) {
				cancel(errFenced)
				return
			}
			if err != nil && ctx.Err() == nil {
				c.Logger.WarnContext(ctx, "write progress", slog.String("delivery", p.ID), slog.Any("error", err))
			}
		}
	}
}

// finish closes the delivery, forgets the secret and writes to who asked.
func (c *deliverer) finish(ctx context.Context, p *attempt) error {
	if err := c.rows.advance(ctx, p.Delivery, p.export.ObjectSize); err != nil {
		return err
	}
	said := obstacle{}
	if p.left {
		said.problem = "delivery.check_left"
	}
	return c.conclude(ctx, p, Done, said)
}

// conclude ends the delivery with its mail and its audit entry.
func (c *deliverer) conclude(ctx context.Context, p *attempt, state State, o obstacle) error {
	return c.DB.InTx(ctx, db.CustomerScope(p.CustomerID), func(tx *db.Tx) error {
		was, err := c.rows.lock(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if was.Attempt != p.Attempt || !was.Live() {
			return errFenced
		}
		next, err := was.end(state, tx.Now, o)
		if err != nil {
			return err
		}
		if err := c.rows.save(ctx, tx, was, next); err != nil {
			return err
		}
		template, act := mail.ExportDelivered, "export.delivered"
		if state == Failed {
			template, act = mail.ExportNotDelivered, "export.not_delivered"
		}
		data := map[string]string{
			"export_id": p.ExportID, "reference": p.export.Reference(), "bucket": p.Target.Bucket,
			"size": fmt.Sprint(p.export.ObjectSize), "files": fmt.Sprint(len(p.export.Volumes)), "problem": o.problem,
		}
		args := mail.Args{Template: template, CustomerID: p.CustomerID, ContactID: p.RequestedBy, Key: p.ID, Data: data}
		if _, err := c.Queue.InsertTx(ctx, tx, args, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "worker", ActorKind: audit.System, Act: act, Object: subject(p.export), CustomerID: p.CustomerID,
			Detail: map[string]any{"delivery": p.ID, "bucket": p.Target.Bucket, "problem": o.problem, "attempt": p.Attempt},
		})
	})
}

// settle decides what becomes of a delivery after trouble. Its error is what the queue is told.
func (c *deliverer) settle(ctx context.Context, p *attempt, err error) error {
	stopped := ctx.Err() != nil
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	log := c.Logger.With(slog.String("export", p.export.Reference()), slog.String("delivery", p.ID), slog.Int("attempt", p.Attempt))
	switch {
	case errors.Is(err, errFenced):
		log.InfoContext(after, "delivery cancelled or overtaken")
		return nil
	case stopped: // nothing is wrong with it; another attempt follows
		return context.Cause(ctx)
	}
	o := obstacle{problem: "delivery.problem.ours", cause: err.Error()}
	var theirs badTarget
	if errors.As(err, &theirs) {
		o = theirs.obstacle
	}
	log.WarnContext(after, "delivery attempt failed", slog.String("problem", o.problem), slog.String("error", o.cause))
	if o.final || p.Failures+1 >= c.Retries {
		if err := c.conclude(after, p, Failed, o); err != nil && !errors.Is(err, errFenced) {
			return fmt.Errorf("settle delivery %s: %w", p.ID, err)
		}
		return errors.Join(errGivenUp, err)
	}
	txErr := c.DB.InTx(after, db.CustomerScope(p.CustomerID), func(tx *db.Tx) error {
		was, err := c.rows.lock(after, tx, p.ID)
		if err != nil || was.Attempt != p.Attempt || !was.Live() {
			return err
		}
		next, err := was.delay(o)
		if err != nil {
			return err
		}
		return c.rows.save(after, tx, was, next)
	})
	return errors.Join(err, txErr)
}
