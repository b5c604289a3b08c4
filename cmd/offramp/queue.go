package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/jobs"
)

type queueCmd struct {
	Status queueStatusCmd `cmd:"" default:"1" help:"Show how many jobs wait and run in each queue, and which queues are paused."`
	Pause  queuePauseCmd  `cmd:"" help:"Begin no further exports. What runs goes on to its end, so that pausing drains."`
	Resume queueResumeCmd `cmd:"" help:"Begin exports again."`
}

type queueStatusCmd struct{}

// Run prints the queues.
func (queueStatusCmd) Run(c *console) error {
	p, err := c.open("queue")
	if err != nil {
		return err
	}
	defer p.close()
	o, err := jobs.Look(c.ctx, p.db)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tWAITING\tRUNNING\tLATER\tOLDEST\tSTATE")
	for _, q := range o.Queues {
		oldest, state := "-", "working"
		if q.Oldest != nil {
			oldest = time.Since(*q.Oldest).Round(time.Second).String()
		}
		if q.PausedAt != nil {
			state = "paused since " + q.PausedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\n", q.Name, q.Waiting, q.Running, q.Later, oldest, state)
	}
	fmt.Fprintf(w, "\nworkers alive: %d\n", len(o.Workers))
	return w.Flush()
}

// queueChoice is which queues an operator means, and who that is.
type queueChoice struct {
	Queue []string `placeholder:"NAME" help:"Queue: export (small ones) or export_large; may be repeated. Default: both."`
	By    string   `placeholder:"NAME" help:"Who does it, for the audit log; default the operating system's user."`
}

type turning func(ctx context.Context, d *db.DB, queue *jobs.Client, operator string, names []string) error

func (q queueChoice) turn(c *console, do turning, done string) error {
	p, err := c.open("queue")
	if err != nil {
		return err
	}
	defer p.close()
	client, err := jobs.NewInserter(p.db)
	if err != nil {
		return err
	}
	names := q.Queue
	if len(names) == 0 {
		names = export.QueueNames
	}
	if err := do(c.ctx, p.db, client, operator(q.By).ID, names); err != nil {
		return err
	}
	for _, name := range names {
		c.printf("%s: %s\n", name, done)
	}
	return nil
}

type queuePauseCmd struct{ queueChoice }

// Help shows an example.
func (queuePauseCmd) Help() string {
	return `Customers can still ask for exports; theirs wait, and their pages say that exports are paused. "offramp queue status" shows when
nothing runs any more.

Example:
  offramp queue pause --queue export_large`
}

// Run pauses.
func (q queuePauseCmd) Run(c *console) error { return q.turn(c, export.Pause, "paused") }

type queueResumeCmd struct{ queueChoice }

// Run resumes.
func (q queueResumeCmd) Run(c *console) error { return q.turn(c, export.Resume, "working") }
