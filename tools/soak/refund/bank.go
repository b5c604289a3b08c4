package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/money"
	"offramp/migration/refund"
)

// transfer is one payment that the bank was told to make.
type transfer struct {
	id, currency string
	amount       int64
	times        int  // how often it was told
	told         bool // that it was booked
	since        int  // reports since then
	recalled     bool // it will come back, however long ago it was booked
	kept         bool // it will not come back any more
	back         bool // it came back
}

// bank makes the transfers of the files that it is given, each time that it is given one, and tells what became of them.
type bank struct {
	mu        sync.Mutex
	transfers map[string]*transfer
	files     int
}

func newBank() *bank { return &bank{transfers: map[string]*transfer{}} }

// instruction is what of a credit transfer the bank acts upon.
type instruction struct {
	ID     string `xml:"PmtId>EndToEndId"`
	Amount struct {
		Currency string `xml:"Ccy,attr"`
		Text     string `xml:",chardata"`
	} `xml:"Amt>InstdAmt"`
}

// take makes the transfers of a file.
func (b *bank) take(ref, file string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files++
	d := xml.NewDecoder(strings.NewReader(file))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("file of %s: %w", ref, err)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "CdtTrfTxInf" {
			continue
		}
		var i instruction
		if err := d.DecodeElement(&i, &element); err != nil {
			return fmt.Errorf("file of %s: %w", ref, err)
		}
		amount, err := money.Parse(strings.TrimSpace(i.Amount.Text), i.Amount.Currency)
		if err != nil || i.ID == "" {
			return fmt.Errorf("file of %s: transfer %q of %q: %w", ref, i.ID, i.Amount.Text, err)
		}
		if t := b.transfers[i.ID]; t != nil {
			t.times++
			continue
		}
		b.transfers[i.ID] = &transfer{id: i.ID, currency: i.Amount.Currency, amount: amount, times: 1}
	}
}

// report tells what was booked and what came back since the last time, as a table.
func (g *ground) report() (table string, lines int) {
	g.bank.mu.Lock()
	defer g.bank.mu.Unlock()
	var out strings.Builder
	out.WriteString("end_to_end_id,state,amount,currency,date,reason,bank_ref\n")
	for _, t := range g.bank.transfers {
		dice := 100
		if g.bad.Load() {
			dice = g.n(100)
		}
		state, reason := "booked", ""
		switch {
		case t.back || t.kept && !t.recalled:
			continue
		case t.told && t.recalled:
			state, reason, t.back = "returned", "AC04", true
		case t.told && dice >= 4:
			t.since++
			t.kept = t.since > 8 || !g.bad.Load()
			continue
		case t.told || dice < 12: // 12 in 100 never arrive, many come back some time after they were booked
			state, reason, t.back = "returned", "AC04", true
		}
		id := t.id
		if g.bad.Load() && g.n(8) == 0 { // somebody at a bank has typed it
			id = "LOST " + id
		}
		t.told = true
		lines++
		fmt.Fprintf(&out, "%s,%s,%s,%s,2026-12-03,%s,B%d\n", id, state, money.Format(t.amount, t.currency), t.currency, reason, time.Now().UnixNano())
	}
	return out.String(), lines
}

// collect imports the bank's reports, each twice at once: one of them is refused.
func (g *ground) collect(ctx context.Context) error {
	for ctx.Err() == nil {
		rest(ctx, 700*time.Millisecond)
		if err := g.loseLate(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("lose late: %w", err)
		}
		if err := g.importReport(context.WithoutCancel(ctx)); err != nil { // what the bank has told is not lost
			return fmt.Errorf("collect: %w", err)
		}
	}
	return nil
}

func (g *ground) importReport(ctx context.Context) error {
	table, lines := g.report()
	if lines == 0 {
		return nil
	}
	errs := make([]error, 2)
	var group sync.WaitGroup
	for n := range errs {
		group.Go(func() { _, errs[n] = g.service.ImportResults(ctx, "clara", "results.csv", strings.NewReader(table)) })
	}
	group.Wait()
	if errs[0] == nil && errs[1] == nil {
		g.say("the same results were imported twice")
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, refund.ErrImported) {
			return err
		}
	}
	if errs[0] != nil && errs[1] != nil {
		g.say("both imports were refused: %v", errs[0])
	}
	return g.match(ctx)
}

// match finds whom the lines are about that name nobody, as finance does by the bank's own reference, twice at once.
func (g *ground) match(ctx context.Context) error {
	rows, err := g.super.Query(ctx, `SELECT id, end_to_end FROM bank_result WHERE queue = 'unmatched' AND settled_by = ''`)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ ID, EndToEnd string }])
	if err != nil {
		return err
	}
	for _, l := range lines {
		id := strings.TrimPrefix(l.EndToEnd, "LOST ")
		errs := make([]error, 2)
		var group sync.WaitGroup
		for n := range errs {
			group.Go(func() {
				_, errs[n] = g.service.MatchResult(ctx, "clara", l.ID, id[:strings.LastIndexByte(id, '-')], "by the bank's reference")
			})
		}
		group.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			g.say("the line of %s was matched twice, or never: %v", id, errors.Join(errs...))
		}
		g.count("matched by hand")
	}
	return nil
}

// loseLate makes parts come back that have arrived, of refunds that are decided upon once more: where news is most easily lost.
func (g *ground) loseLate(ctx context.Context) error {
	if !g.bad.Load() {
		return nil
	}
	rows, err := g.super.Query(ctx, `SELECT a.channel, a.provider_refund, a.key FROM payout_attempt a JOIN refund r ON r.id = a.refund_id WHERE a.state = 'succeeded'
		AND r.state IN ('submitted', 'questioned', 'objected', 'reviewed', 'second', 'approved', 'batched', 'declined', 'returned')`)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Channel, ID, Key string }])
	if err != nil {
		return err
	}
	for _, a := range list {
		switch {
		case g.n(4) > 0:
		case a.Channel != "bank":
			if g.provider.Settle(a.ID, "failed", "lost_or_stolen_card") == nil {
				g.count("lost late by the provider")
			}
		default:
			g.bank.mu.Lock()
			if t := g.bank.transfers[a.Key]; t != nil && !t.back {
				t.recalled = true
				g.count("recalled late from the bank")
			}
			g.bank.mu.Unlock()
		}
	}
	return nil
}
