package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"offramp/export"
	"offramp/export/archive"
	"offramp/export/storage"
)

// settle heals everything and waits until nothing is left to do.
func (g *ground) settle(ctx context.Context) error {
	for _, n := range g.networks {
		n.Heal()
	}
	g.log.Info("healed; waiting for what is under way")
	began := time.Now()
	err := until(ctx, 10*time.Minute, func() (bool, error) {
		n, err := g.undone(ctx)
		return n == 0, err
	})
	g.log.Info("done", "after", time.Since(began).Round(time.Second))
	return err
}

// verdict gathers what does not hold.
type verdict struct {
	*ground
	broken []string
}

func (v *verdict) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	v.log.Error("broken", "what", line)
	v.broken = append(v.broken, line)
}

// judged is one export with its customer.
type judged struct {
	id, ref, customer, cause string
	number                   int64
	state                    export.State
}

func (g *ground) judge(ctx context.Context) error {
	v := &verdict{ground: g}
	exports, err := g.exports(ctx)
	if err != nil {
		return err
	}
	states := map[export.State]int{}
	kept := map[string]bool{}
	for _, e := range exports {
		states[e.state]++
		switch e.state {
		case export.Ready:
			if err := v.ready(ctx, e, kept); err != nil {
				return err
			}
		case export.Failed:
			v.say("EX-%d failed, and nothing here is for ever: %s", e.number, e.cause)
		case export.Queued, export.Running, export.Cancelled, export.Expired:
		}
	}
	if err := v.bucketHolds(ctx, kept); err != nil {
		return err
	}
	if err := v.letters(ctx); err != nil {
		return err
	}
	g.log.Info("summary", "exports", len(exports), "states", fmt.Sprint(states), "volumes", len(kept), "happened", fmt.Sprint(g.counts))
	if len(v.broken) > 0 {
		return fmt.Errorf("%d things do not hold", len(v.broken))
	}
	g.log.Info("everything holds")
	return nil
}

func (g *ground) exports(ctx context.Context) (list []judged, err error) {
	rows, err := g.super.Query(ctx, `SELECT e.id, c.ref, e.customer_id, e.cause, e.number, e.state FROM export e JOIN customer c ON c.id = e.customer_id ORDER BY e.number`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e judged
		if err := rows.Scan(&e.id, &e.ref, &e.customer, &e.cause, &e.number, &e.state); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// sealed is one volume as the portal's database has it.
type sealed struct {
	number      int
	state, key  string
	size        int64
	sha256      string
	lastAttempt bool
}

func (g *ground) volumes(ctx context.Context, id string) (list []sealed, err error) {
	const sql = `SELECT v.number, v.state, v.object_key, v.size, v.sha256, v.attempt = e.attempt FROM export_volume v JOIN export e ON e.id = v.export_id
		WHERE v.export_id = $1 ORDER BY v.number`
	rows, err := g.super.Query(ctx, sql, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s sealed
		if err := rows.Scan(&s.number, &s.state, &s.key, &s.size, &s.sha256, &s.lastAttempt); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// ready proves one ready export from its volumes alone.
func (v *verdict) ready(ctx context.Context, e judged, kept map[string]bool) error {
	volumes, err := v.volumes(ctx, e.id)
	if err != nil {
		return err
	}
	if len(volumes) == 0 {
		v.say("EX-%d is ready without a volume", e.number)
	}
	var receipts []archive.Receipt
	for i, s := range volumes {
		if s.number != i+1 || s.state != "sealed" || !s.lastAttempt {
			v.say("EX-%d has volume %d in state %s at place %d", e.number, s.number, s.state, i+1)
			continue
		}
		kept[s.key] = true
		report, err := v.volume(ctx, e, s)
		if err != nil {
			return err
		}
		receipts = append(receipts, report.Receipt)
		if !report.Receipt.AsOf.Equal(receipts[0].AsOf) {
			v.say("EX-%d shows two instants: %s and %s", e.number, receipts[0].AsOf, report.Receipt.AsOf)
		}
	}
	whole, err := archive.Combine(receipts)
	if err != nil {
		v.say("EX-%d: its receipts do not combine: %v", e.number, err)
		return nil
	}
	return v.counts(ctx, e, whole)
}

// volume fetches one and verifies it. A file on disk stands in for the customer's.
func (v *verdict) volume(ctx context.Context, e judged, s sealed) (report archive.Report, err error) {
	file, err := os.CreateTemp(v.dir, "volume-*.zip")
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	o, err := v.bucket.Open(ctx, s.key, 0)
	if err != nil {
		v.say("EX-%d volume %d is not in the bucket: %v", e.number, s.number, err)
		return report, nil
	}
	n, err := io.Copy(file, struct{ io.Reader }{o})
	if err := errors.Join(err, o.Close()); err != nil {
		return report, err
	}
	if report, err = archive.Verify(ctx, file, n, archive.Expected{Size: s.size, SHA256: s.sha256}); err != nil {
		return report, err
	}
	for _, p := range report.Problems {
		v.say("EX-%d volume %d: %s", e.number, s.number, p)
	}
	if report.Manifest.Customer != e.ref {
		v.say("EX-%d of %s holds an archive of %s", e.number, e.ref, report.Manifest.Customer)
	}
	return report, v.foreign(ctx, e, file, n)
}

// foreign looks for other customers' addresses, which no archive of this customer has a reason to hold.
func (v *verdict) foreign(ctx context.Context, e judged, file io.ReaderAt, size int64) error {
	found, err := addresses(ctx, file, size)
	if err != nil {
		return err
	}
	var own []string
	rows, err := v.retired.Query(ctx, `SELECT email FROM member WHERE customer_id = $1`, e.ref)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var email string
		if err := rows.Scan(&email); err != nil {
			return err
		}
		own = append(own, email)
	}
	for address := range found { // in a Parquet file the byte before a text may be a letter, too
		if !slices.ContainsFunc(own, func(mine string) bool { return strings.HasSuffix(address, mine) }) {
			v.say("EX-%d of %s holds the address %s", e.number, e.ref, address)
			return nil
		}
	}
	return rows.Err()
}

// counts holds the receipt against the product's own rows, which nothing changes here.
func (v *verdict) counts(ctx context.Context, e judged, r archive.Receipt) error {
	tables := map[string]string{"projects": "project", "tasks": "task", "comments": "comment", "members": "member", "attachments": "attachment", "invoices": "invoice"}
	for _, c := range r.Datasets {
		var n int64
		if err := v.retired.QueryRow(ctx, `SELECT count(*) FROM `+tables[c.Dataset]+` WHERE customer_id = $1`, e.ref).Scan(&n); err != nil {
			return err
		}
		if c.Source != n || c.Exported != n {
			v.say("EX-%d: %s has %d rows, the receipt says %d, exported %d", e.number, c.Dataset, n, c.Source, c.Exported)
		}
	}
	for _, c := range r.Attachments {
		if c.Failed > 0 {
			v.say("EX-%d lacks %d attachments: %v", e.number, c.Failed, c.Failures[:1])
		}
	}
	return nil
}

// bucketHolds waits until the sweep has removed what nothing needs, and names what is left or missing.
func (v *verdict) bucketHolds(ctx context.Context, kept map[string]bool) error {
	var over []string
	err := until(ctx, 3*time.Minute, func() (bool, error) {
		over = over[:0]
		err := v.bucket.ListOlder(ctx, "exports/", -time.Hour, func(l storage.Leftover) error {
			if !kept[l.Key] || l.UploadID != "" {
				over = append(over, strings.TrimSpace(l.Key+" "+l.UploadID))
			}
			return nil
		})
		return len(over) == 0, err
	})
	if err != nil && len(over) > 0 {
		slices.Sort(over)
		v.say("the bucket holds %d objects that nothing needs, such as %s", len(over), over[0])
		return nil
	}
	return err
}

// letters counts the mails: one for each ready export.
func (v *verdict) letters(ctx context.Context) error {
	rows, err := v.super.Query(ctx, `SELECT k.email, count(*) FROM export e JOIN contact k ON k.id = e.requested_by AND k.customer_id = e.customer_id
		WHERE e.state = 'ready' GROUP BY k.email`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var to string
		var want, got int
		if err := rows.Scan(&to, &want); err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, m := range v.stack.Mail.Messages(to) {
			seen[m.Subject] = true
			got++
		}
		if len(seen) == 0 {
			v.say("%s was never written to, with %d exports ready", to, want)
		}
		if got > 2*want+2 {
			v.say("%s got %d mails for %d exports", to, got, want)
		}
	}
	return rows.Err()
}
