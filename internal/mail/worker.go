package mail

import (
	"context"
	"errors"
	"log/slog"

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
	log := w.config.Logger.With(slog.String("template", job.Args.Template), slog.String("contact", job.Args.ContactID), slog.Int64("job_id", job.ID))
	sent, err := w.deliver(ctx, job.Args)
	var final refusal
	switch {
	case errors.As(err, &final):
		log.WarnContext(ctx, "mail refused", slog.String("reason", final.reason))
		if err := recordRefusal(ctx, w.config.DB, job.Args, final.reason); err != nil {
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
	}
	return nil
}

// deliver reports whether the mail was sent: it is not to a contact who is not active any more.
func (w *worker) deliver(ctx context.Context, a Args) (bool, error) {
	to, err := readRecipient(ctx, w.config.DB, a.CustomerID, a.ContactID)
	if err != nil && !errors.Is(err, errNoRecipient) {
		return false, err
	}
	head, err2 := w.config.Letterhead(ctx)
	if err2 != nil {
		return false, err2
	}
	if a.Template == HelpRequest && err == nil {
		to = desk(head, to, a.Data["desk"])
	}
	if err != nil || !to.Active {
		return false, nil
	}
	l, err := compose(a, to, head, w.config)
	if err != nil {
		return false, err
	}
	m, err := w.config.message(a, l, to, w.config.DB.Clock.Now())
	if err != nil {
		return false, err
	}
	return true, outcome(w.keeper.send(ctx, m))
}
