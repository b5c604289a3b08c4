package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// Queue is where mails wait.
const Queue = "mail"

// attempts at River's growing intervals reach over some eleven hours.
const attempts = 12

// InsertOpts makes the same mail be enqueued once.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, MaxAttempts: attempts, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// Register adds the worker that sends mails. Its connections to the server are closed when ctx ends, or soon after their last
// mail.
func Register(ctx context.Context, workers *river.Workers, c Config) error {
	if err := c.complete(); err != nil {
		return err
	}
	k, err := newKeeper(ctx, c)
	if err != nil {
		return err
	}
	return river.AddWorkerSafely(workers, &worker{config: c, keeper: k})
}

type worker struct {
	river.WorkerDefaults[Args]
	config Config
	keeper *keeper
}

// Work sends one mail: done, or not wanted any more, or refused for good (cancelled), or an error to try again.
func (w *worker) Work(ctx context.Context, job *river.Job[Args]) error {
	if err := w.spread(ctx, job.Args); err != nil {
		return err
	}
	log := w.config.Logger.With(slog.String("template", job.Args.Template), slog.String("contact", job.Args.ContactID), slog.Int64("job_id", job.ID))
	to, sent, err := w.deliver(ctx, job.Args)
	var final refusal
	switch {
	case errors.As(err, &final):
		log.WarnContext(ctx, "mail refused", slog.String("reason", final.reason))
		if err := recordRefusal(ctx, w.config.DB, job.Args, to, final); err != nil {
			return err
		}
		return river.JobCancel(final)
	case errors.Is(err, errUnknownTemplate), errors.Is(err, errBadData):
		return river.JobCancel(err)
	case err != nil:
		return err
	case !sent:
		log.InfoContext(ctx, "mail not wanted: the contact is not active")
	default:
		log.InfoContext(ctx, "mail sent")
		if to.Problem != "" {
			return clearProblem(ctx, w.config.DB, job.Args.CustomerID, to.ContactID)
		}
	}
	return nil
}

// spread enqueues the same mail for the other people of the customer who want mails like it. Each is a job of its own, once, however
// often this one is tried.
func (w *worker) spread(ctx context.Context, a Args) error {
	topic := a.topic()
	if topic == "" || a.Copy {
		return nil
	}
	list, err := others(ctx, w.config.DB, a.CustomerID, a.ContactID, topic)
	if err != nil || len(list) == 0 {
		return err
	}
	client, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return fmt.Errorf("enqueue mails to others: %w", err)
	}
	for _, id := range list {
		a.ContactID, a.Copy = id, true
		if _, err := client.Insert(ctx, a, nil); err != nil {
			return fmt.Errorf("enqueue mail to %s: %w", id, err)
		}
	}
	return nil
}

// deliver reports whether the mail was sent: it is not to a contact who is not active any more.
func (w *worker) deliver(ctx context.Context, a Args) (to recipient, sent bool, err error) {
	to, err = readRecipient(ctx, w.config.DB, a.CustomerID, a.ContactID)
	unknown := errors.Is(err, errNoRecipient)
	if err != nil && !unknown {
		return to, false, err
	}
	head, err := w.config.Letterhead(ctx)
	if err != nil {
		return to, false, err
	}
	switch {
	case unknown:
		return to, false, nil
	case a.Template == HelpRequest, a.Template == HelpLate:
		to = desk(head, to, a.Data["desk"])
	case a.Template == ConfirmAddress: // it goes to the address that is to be confirmed, and says nothing about the contact's own
		to.Email, to.Active, to.ContactID, to.Problem = a.Data["to"], to.Live, "", ""
	}
	if !to.Active {
		return to, false, nil
	}
	l, err := compose(a, to, head, w.config)
	if err != nil {
		return to, false, err
	}
	m, err := w.config.message(a, l, to, w.config.DB.Clock.Now())
	if err != nil {
		return to, false, err
	}
	return to, true, outcome(w.keeper.send(ctx, m, NeedsUTF8(to.Email)))
}
