package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	"offramp/auth"
	"offramp/cmd/offramp/erasing"
	"offramp/export"
	"offramp/export/connect"
	"offramp/export/delivery"
	"offramp/export/outline"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/config"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/internal/outbound"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/erasure"
	"offramp/migration/feedback"
	"offramp/migration/figures"
	"offramp/migration/find"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/post"
	"offramp/migration/governance/rollup"
	"offramp/migration/refund"
	"offramp/migration/replacement"
)

type workCmd struct{}

// Help shows an example.
func (workCmd) Help() string {
	return `Builds exports, sends mails, delivers status changes and sweeps. Run as many as you like, on any machine that reaches the
database; the jobs of one that dies come back within seconds. SIGTERM lets running jobs end within OFFRAMP_WORK_DRAIN and
hands back the rest.

Example:
  OFFRAMP_WORK_ID=worker-1 offramp work`
}

// Run works until it is told to stop.
func (workCmd) Run(c *console) error {
	p, err := c.open("work")
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.replayed(c.ctx); err != nil {
		return err
	}
	shedProgram()
	limitHeapGrowth()
	sources := p.sources()
	defer sources.Close()
	client, err := p.worker(c.ctx, sources)
	if err != nil {
		return err
	}
	sender, err := p.outbound()
	if err != nil {
		return err
	}
	if err := inner(c.ctx, p.config.Web.Metrics, prometheus.DefaultGatherer, p.alive(client), p.ready()); err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(c.ctx)); err != nil {
		return fmt.Errorf("start working: %w", err)
	}
	p.log.Info("working", "worker", client.ID())
	deliver := p.sinks(client.ID(), sender)
	tell, err := p.notices(c.ctx)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	group.Go(func() { deliver.Run(c.ctx) })
	group.Go(func() { tell.Run(c.ctx) })
	if err := p.takeReports(c.ctx, &group); err != nil {
		return err
	}
	group.Go(func() {
		p.tick(c.ctx, work{
			plans: governance.NewService(p.db, p.programmes, tell.Service, p.log), approvals: approval.New(p.db, p.programmes, p.log),
			rollups: rollup.New(p.db, p.programmes, p.log),
			figures: figures.New(p.db, p.programmes, p.log),
			mails:   post.New(p.db, tell.Post, p.config.Web.URL, p.log),
			feedback: func(ctx context.Context) error {
				return feedback.New(p.db, p.programmes).Send(ctx, tell.Post, p.log, p.config.Web.URL)
			},
		})
	})
	<-c.ctx.Done()
	p.log.Info("stopping", "worker", client.ID())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 2*p.config.Work.Drain)
	defer cancel()
	err = client.Stop(ctx)
	group.Wait()
	return err
}

// worker is the queue's client with everything that jobs need.
func (p *parts) worker(ctx context.Context, sources *connect.Sources) (*jobs.Client, error) {
	bucket, err := p.bucket(ctx)
	if err != nil {
		return nil, err
	}
	inserter, err := jobs.NewInserter(p.db)
	if err != nil {
		return nil, err
	}
	passwords, err := p.vaultFor(ctx, export.PasswordPurpose)
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	export.Register(workers, export.Config{
		DB: p.db, Journey: p.journeys, Queue: inserter, Bucket: bucket, Sources: sources, Programmes: p.programmes,
		Logger: p.log, Retries: p.config.Work.Retries, LinkTTL: p.config.Work.LinkTTL,
		Large: p.config.Work.LargeFrom << 20, Unit: p.config.Work.Unit << 20, MaxRows: p.config.Work.MaxRows, Rate: p.config.Work.LargeRate << 20,
		Passwords: passwords,
	})
	outline.Register(workers, outline.Config{DB: p.db, Sources: sources, Programmes: p.programmes})
	if err := p.deliveries(workers, bucket, inserter); err != nil {
		return nil, err
	}
	if err := p.payouts(workers, bucket, inserter); err != nil {
		return nil, err
	}
	auth.Register(workers, p.db)
	if err := p.erasures(workers, bucket, inserter); err != nil {
		return nil, err
	}
	keeper, err := p.keeper(bucket)
	if err != nil {
		return nil, err
	}
	audit.Register(workers, keeper)
	choices, err := p.choices(inserter)
	if err != nil {
		return nil, err
	}
	replacement.Register(workers, replacement.WorkerConfig{Service: choices, CounterConfig: replacement.CounterConfig{
		DB: p.db, Programmes: p.programmes, Reader: connect.Counts{Sources: sources}, Logger: p.log,
	}})
	find.Register(workers, find.New(p.db))
	assistance.Register(workers, assistance.NewService(p.db, inserter), p.programmes)
	letters := p.mailer()
	letters.OpenCode = choices.OpenCode
	if err := mail.Register(ctx, workers, letters); err != nil {
		return nil, err
	}
	return jobs.New(p.db, jobs.Config{
		ID: p.workerName(), Workers: workers, Logger: p.log, Drain: p.config.Work.Drain,
		Periodic: slices.Concat(
			export.Periodic(), auth.Periodic(), audit.Periodic(), assistance.Periodic(), find.Periodic(), replacement.Periodic(), refund.Periodic(),
			erasure.Periodic(),
		),
		Queues: map[string]int{
			export.Queue: p.config.Work.Exports, delivery.Queue: p.config.Delivery.Copies, export.QueueLarge: p.config.Work.Large,
			mail.Queue: p.config.Work.Mails, refund.PayoutQueue: payouts, erasure.Queue: 1, river.QueueDefault: 2,
		},
	})
}

// workerName is the worker's among those alive.
func (p *parts) workerName() string {
	if name := p.config.Work.ID; name != "" {
		return name
	}
	host, _ := os.Hostname()
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

// eraser is what carries erasures out.
func (p *parts) eraser(bucket *storage.Bucket, queue *jobs.Client) (*erasure.Eraser, error) {
	secret, _ := p.config.Web.Secrets()
	return erasing.New(erasing.Options{
		DB: p.db, Programmes: p.programmes, Bucket: bucket, Queue: queue, Secret: secret, Ledger: p.config.Erasure.Ledger,
		BackupDays: p.config.Erasure.BackupDays, Logger: p.log,
	})
}

// erasures registers what erases.
func (p *parts) erasures(workers *river.Workers, bucket *storage.Bucket, inserter *jobs.Client) error {
	e, err := p.eraser(bucket, inserter)
	if err == nil {
		erasure.Register(workers, e, inserter)
	}
	return err
}

// replayed reports that nobody may work with this database: it was restored from before erasures. It waits for an answer.
func (p *parts) replayed(ctx context.Context) error {
	bucket, err := p.bucket(ctx)
	if err != nil {
		return err
	}
	s, err := erasing.Await(ctx, p.db, erasing.Ledgers(bucket, p.config.Erasure.Ledger), p.log)
	if err != nil || s.Missing == 0 {
		return err
	}
	return &trouble{
		what: fmt.Sprintf("this database was restored from before %d erasures: whoever was erased is in it again", s.Missing),
		mend: "run: offramp schema replay-erasures",
	}
}

// deliveries registers what copies exports into customers' own buckets.
func (p *parts) deliveries(workers *river.Workers, bucket *storage.Bucket, inserter *jobs.Client) error {
	secret, before := p.config.Web.Secrets()
	box, err := delivery.NewBox(secret, before...)
	if err != nil {
		return err
	}
	way := outbound.Options{Allow: config.Prefixes(p.config.Delivery.Allow), Ports: p.config.Delivery.Ports}
	delivery.Register(workers, delivery.Config{
		DB: p.db, Queue: inserter, Bucket: bucket, Box: box, Secret: secret, Programmes: p.programmes, Logger: p.log,
		Dialer: outbound.Dialer(way), Account: p.storage(), Retries: p.config.Work.Retries,
	})
	return nil
}

// alive answers whether the worker holds the lock that says so.
func (p *parts) alive(client *jobs.Client) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !client.Live() {
			http.Error(w, "the worker does not hold its lock", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
}

func (p *parts) ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.db.Pool.Ping(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
}

// mailer is how mail is sent, and what every mail shows.
func (p *parts) mailer() mail.Config {
	m := p.config.Mail
	return mail.Config{
		Host: m.Host, Port: m.Port, Username: m.Username, Password: m.Password, TLS: m.TLS, From: m.From,
		Bounces: m.Bounces, Seals: p.seals(),
		DB: p.db, Logger: p.log, PortalURL: strings.TrimSuffix(p.config.Web.URL, "/"), Letterhead: p.letterhead,
	}
}

func (p *parts) letterhead(ctx context.Context) (mail.Letterhead, error) {
	programme, err := p.programmes.Active(ctx)
	if err != nil {
		return mail.Letterhead{}, err
	}
	return mail.Letterhead{
		Product: programme.Product.Name, Company: programme.Product.Company, Zone: programme.Zone, Colour: programme.Brand.Colour,
		Email: programme.Help.Email, Phone: programme.Help.Phone, Hours: programme.Help.Hours,
	}, nil
}

// tickEvery is how often the workplan's items are compared with what the portal sees, and colleagues are written to.
const tickEvery = time.Minute

// work is what a worker does for colleagues.
type work struct {
	plans     *governance.Service
	approvals *approval.Service
	rollups   *rollup.Service
	figures   *figures.Service
	mails     *post.Service
	feedback  func(ctx context.Context) error // asks customers who are calm
}

// once does everything that is due. What fails keeps nothing else back.
func (w work) once(ctx context.Context, programmes *migration.Programmes) error {
	p, err := programmes.Active(ctx)
	if err != nil {
		return err
	}
	return errors.Join(w.plans.Tick(ctx), w.approvals.Tick(ctx), w.rollups.Tick(ctx), w.figures.Tick(ctx), w.mails.Send(ctx, p), w.feedback(ctx))
}

// tick keeps the workplan's items as facts say, reminds colleagues and sends what they are written, until ctx ends.
func (p *parts) tick(ctx context.Context, w work) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		if err := w.once(ctx, p.programmes); err != nil && ctx.Err() == nil && !errors.Is(err, migration.ErrNoProgramme) {
			p.log.ErrorContext(ctx, "the work of the programme was not looked through", slog.Any("error", err))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
