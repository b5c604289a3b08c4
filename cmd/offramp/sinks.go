package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/writeback"
)

type sinksCmd struct {
	List       sinksListCmd   `cmd:"" default:"1" help:"Show how each sink stands: what waits, its last answers, what was given up and why."`
	Enable     sinksEnableCmd `cmd:"" help:"Switch a sink on that was switched off. What waited is sent in order."`
	Replay     sinksReplayCmd `cmd:"" help:"Send what was given up again, under the ids it had."`
	SendMissed sinksMissedCmd `cmd:"" name:"send-missed" help:"Send everything since an instant that did not arrive, in order and under the ids it has."`
}

// sinksScope is the command line's: it tells of every customer's deliveries.
var sinksScope = db.SystemScope("sinks")

// told opens what the command needs.
func (c *console) told() (*parts, *writeback.Service, error) {
	p, err := c.open("sinks")
	if err != nil {
		return nil, nil, err
	}
	return p, p.sinks("", nil), nil
}

type sinksListCmd struct {
	Dead int `default:"20" help:"How many of what was given up to show for each sink."`
}

// Help shows an example.
func (sinksListCmd) Help() string {
	return `Health: working; failing (the last tries failed); off (switched off); unserved (no worker has its address and secret); removed (the
programme names it no more); untried.

Example:
  offramp sinks list`
}

// Run prints the sinks.
func (s sinksListCmd) Run(c *console) error {
	p, sinks, err := c.told()
	if err != nil {
		return err
	}
	defer p.close()
	list, err := sinks.Summary(c.ctx, sinksScope)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.printf("The programme has no sinks.\n")
		return nil
	}
	now := p.db.Clock.Now()
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SINK\tHEALTH\tWAITING\tOLDEST\tGIVEN UP\tDELIVERED LAST\tSERVED BY")
	for _, sum := range list {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%s\t%s\n", sum.Sink, sum.Health(), sum.Pending, lag(sum, now), sum.Parked, instant(sum.DeliveredAt), served(sum))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, sum := range list {
		if err := s.details(c, sinks, sum); err != nil {
			return err
		}
	}
	return nil
}

// details prints what is to be known of a sink that has anything to tell.
func (s sinksListCmd) details(c *console, sinks *writeback.Service, sum writeback.Summary) error {
	var dead []writeback.Delivery
	if sum.Parked > 0 && s.Dead > 0 {
		var err error
		dead, err = sinks.List(c.ctx, sinksScope, writeback.Filter{Sink: sum.Sink, State: writeback.Parked, Limit: s.Dead})
		if err != nil {
			return err
		}
	}
	c.printf("\n%s\n", sum.Sink)
	if sum.DisabledAt != nil {
		c.printf("  switched off %s: %s. Switch it on: offramp sinks enable %s\n", instant(sum.DisabledAt), sum.Reason, sum.Sink)
	}
	for _, w := range sum.Workers {
		if w.Want != writeback.Nothing {
			c.printf("  %s cannot serve it: %s\n", w.Worker, lacks(sum.Sink, w.Want))
		}
	}
	for i, a := range sum.Answers[:min(len(sum.Answers), 5)] {
		said := a.Fault
		if said == "" {
			said = fmt.Sprintf("HTTP %d, delivered", a.Status)
		}
		c.printf("  %s %s %s in %d ms (%s)\n", [...]string{"last answers:", "             "}[min(i, 1)], instant(&a.At), said, a.Took, a.EventID)
	}
	for i, d := range dead {
		c.printf("  %s %s %s, version %d: %s\n", [...]string{"given up:    ", "             "}[min(i, 1)], d.EventID, d.Subject, d.Version, d.LastError)
	}
	if more := sum.Parked - len(dead); more > 0 && len(dead) > 0 {
		c.printf("                and %d more\n", more)
	}
	return nil
}

// served names the workers that can serve a sink.
func served(sum writeback.Summary) string {
	var able []string
	for _, w := range sum.Workers {
		if w.Want == writeback.Nothing {
			able = append(able, w.Worker)
		}
	}
	if len(able) == 0 {
		return "nobody"
	}
	return strings.Join(able, ", ")
}

// lacks says what a worker has to be given.
func lacks(sink string, want writeback.Want) string {
	variable := "OFFRAMP_SINK_" + strings.ToUpper(sink)
	switch want {
	case writeback.Address:
		return "it was not given " + variable + "_URL and " + variable + "_SECRET"
	case writeback.Secret:
		return "it was not given " + variable + "_SECRET"
	case writeback.ValidSecret:
		return variable + "_SECRET is not whsec_ and base64"
	}
	return ""
}

func lag(sum writeback.Summary, now time.Time) string {
	if sum.Oldest == nil {
		return "-"
	}
	return sum.Lag(now).Round(time.Second).String()
}

func instant(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// sinkChoice is which sink an operator means, and who that is.
type sinkChoice struct {
	Sink string `arg:"" help:"The sink's name in the programme."`
	By   string `placeholder:"NAME" help:"Who does it, for the audit log; default the operating system's user."`
}

func (s sinkChoice) actor() migration.Actor { return operator(s.By) }

type sinksEnableCmd struct{ sinkChoice }

// Help shows an example.
func (sinksEnableCmd) Help() string { return "Example:\n  offramp sinks enable crm" }

// Run switches a sink on.
func (s sinksEnableCmd) Run(c *console) error {
	p, sinks, err := c.told()
	if err != nil {
		return err
	}
	defer p.close()
	if err := sinks.Enable(c.ctx, s.actor(), s.Sink); err != nil {
		return err
	}
	sum, err := sinks.Sink(c.ctx, sinksScope, s.Sink)
	if err != nil {
		return err
	}
	c.printf("%s is on. %d deliveries wait and are sent in order.\n", s.Sink, sum.Pending)
	return nil
}

type sinksReplayCmd struct {
	sinkChoice
	Event string `placeholder:"ID" help:"One event, by its id (msg_...). Default: everything that was given up for the sink."`
}

// Help shows an example.
func (sinksReplayCmd) Help() string {
	return "Example:\n  offramp sinks replay crm\n  offramp sinks replay crm --event msg_6ZSHB3JQW2VYKX5N4T7LROMCDA"
}

// Run makes parked deliveries due.
func (s sinksReplayCmd) Run(c *console) error {
	p, sinks, err := c.told()
	if err != nil {
		return err
	}
	defer p.close()
	n, err := sinks.Replay(c.ctx, s.actor(), s.Sink, s.Event)
	if err != nil {
		return err
	}
	c.printf("%s: %d deliveries are sent again.\n", s.Sink, n)
	return nil
}

type sinksMissedCmd struct {
	sinkChoice
	Since  string `required:"" placeholder:"TIME" help:"From which instant on, as 2026-11-20T08:00:00Z, or a span back from now such as 36h."`
	Until  string `placeholder:"TIME" help:"To which instant; default now."`
	Again  bool   `help:"Also what was delivered, for a receiver that has lost what it had."`
	DryRun bool   `help:"Count and send nothing."`
}

// Help shows an example.
func (sinksMissedCmd) Help() string {
	return `Sends what was given up, what waits for another try, and what was never meant for the sink because the programme did not name it
then. Each customer's events go in order of their sequence, so that a receiver may drop what is older than what it has.

Example:
  offramp sinks send-missed crm --since 2026-11-20T08:00:00Z --dry-run
  offramp sinks send-missed crm --since 36h --again`
}

// Run counts, and sends unless told not to.
func (s sinksMissedCmd) Run(c *console) error {
	p, sinks, err := c.told()
	if err != nil {
		return err
	}
	defer p.close()
	now := p.db.Clock.Now()
	m := writeback.MissedSpan{Sink: s.Sink, Until: now, Again: s.Again}
	if m.Since, err = readInstant("--since", s.Since, now); err != nil {
		return err
	}
	if s.Until != "" {
		if m.Until, err = readInstant("--until", s.Until, now); err != nil {
			return err
		}
	}
	var found writeback.Missed
	if s.DryRun {
		found, err = sinks.CountMissed(c.ctx, sinksScope, m)
	} else {
		found, err = sinks.SendMissed(c.ctx, s.actor(), m)
	}
	if err != nil {
		return err
	}
	c.printf("From %s to %s: %d given up, %d waiting, %d never meant for %s, %d delivered.\n",
		instant(&m.Since), instant(&m.Until), found.Parked, found.Waiting, found.Never, s.Sink, found.Delivered)
	said := "are sent"
	if s.DryRun {
		said = "would be sent; nothing was done"
	}
	c.printf("%d events of %d customers %s.\n", found.Total(s.Again), found.Customers, said)
	return nil
}

// readInstant reads an instant or a span back from now.
func readInstant(flag, text string, now time.Time) (time.Time, error) {
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		return now.Add(-span), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s: %q is neither an instant such as 2026-11-20T08:00:00Z nor a span such as 36h", flag, text)
	}
	if at.After(now) {
		return at, fmt.Errorf("%s: %s has not come yet", flag, text)
	}
	return at, nil
}
