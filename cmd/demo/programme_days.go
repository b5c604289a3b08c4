package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"offramp/deploy/local"
	"offramp/migration"
)

// Those of whom nothing is heard after the announcement, each for another reason.
type absent struct {
	ref, email, what string
	code             int
}

// nine is shortly after the hour at which notices are due where the company is.
func (l *life) nine(day migration.Day) time.Time {
	return day.Start(l.programme.Zone).Add(time.Duration(l.programme.Notices.Hour)*time.Hour + 2*time.Minute)
}

// ring has support speak with everybody who is to be rung, but for those whom keep names.
func (l *life) ring(ctx context.Context, keep int) (rung int, err error) {
	support, err := l.staff(ctx, "support", 0)
	if err != nil {
		return 0, err
	}
	for {
		page, err := support.Get(ctx, "/console/calls")
		if err != nil {
			return rung, err
		}
		calls := callPattern.FindAllStringSubmatch(page.Body, -1)
		open := l.number(ctx, `SELECT count(*) FROM notice_call WHERE state = 'open'`)
		if open <= keep {
			return rung, nil
		}
		for _, c := range calls[:min(len(calls), open-keep)] {
			form := url.Values{"outcome": {"reached"}, "note": {"They know, and will export this month."}}
			if err := post(ctx, support, "/console/calls/"+c[1]+"/end", form); err != nil {
				return rung, err
			}
			rung++
		}
		if len(calls) == 0 {
			return rung, fmt.Errorf("%d calls are open, and the page shows none", open)
		}
	}
}

// talks has support ring all key customers but one, so that the announcement has to wait.
func (l *life) talks(ctx context.Context, announced migration.Day) error {
	for _, at := range l.dueBetween(l.now, announced.Start(l.programme.Zone)) {
		if err := l.at(ctx, at.Add(2*time.Minute), true); err != nil {
			return err
		}
		if err := l.settled(ctx); err != nil {
			return err
		}
	}
	open := l.number(ctx, `SELECT count(*) FROM notice_call WHERE state = 'open'`)
	l.tell("%d key customers are to be spoken with before the announcement", open)
	if open < 2 {
		l.wrong("%d talks, want some", open)
	}
	rung, err := l.ring(ctx, 1)
	l.tell("support has spoken with %d of them; one is out of the office", rung)
	return err
}

// announce shows that the announcement waits for the last talk, then goes to everybody at once, and what comes back.
func (l *life) announce(ctx context.Context, announced migration.Day) error {
	if err := l.at(ctx, l.nine(announced), true); err != nil {
		return err
	}
	const still = `SELECT count(*) FROM notice_message WHERE notice = 'announcement'`
	if err := l.await(ctx, "a pass of the planner", `SELECT EXISTS (SELECT FROM notice_call WHERE state = 'open')`); err != nil {
		return err
	}
	if n := l.number(ctx, still); n != 0 {
		l.wrong("%d customers were told before the last talk", n)
	}
	l.tell("the announcement is due, and waits for the last talk")
	for _, a := range l.absentees(ctx) {
		if a.code != 0 {
			l.stack.Mail.Bounce(a.email, a.code)
		}
		l.tell("from now on, %s (%s): %s", a.email, a.ref, a.what)
	}
	if _, err := l.ring(ctx, 0); err != nil {
		return err
	}
	l.tell("the last talk was had")
	for _, at := range l.dueBetween(announced.Start(time.UTC).AddDate(0, 0, -1), announced.Start(time.UTC).AddDate(0, 0, 2)) {
		if at = at.Add(2 * time.Minute); at.After(l.now) {
			if err := l.at(ctx, at, true); err != nil {
				return err
			}
		}
		if err := l.settled(ctx); err != nil {
			return err
		}
	}
	l.tell("the announcement has gone to %d customers, %d mails are in the mailbox", l.number(ctx, still), len(l.stack.Mail.Messages("")))
	for _, a := range l.absentees(ctx) {
		if a.code == 0 {
			continue
		}
		want := map[int]string{550: "refused", local.BounceLater: "bounced", local.BounceHang: "unknown"}[a.code]
		const came = `SELECT EXISTS (SELECT FROM notice_delivery d JOIN contact k ON k.id = d.contact_id WHERE k.email = $1 AND d.state = $2)`
		if err := l.await(ctx, "the fate "+want+" of the mail to "+a.email, came, a.email, want); err != nil {
			return err
		}
		l.tell("the mail to %s is %s", a.email, want)
	}
	return nil
}

// absentees are the customers of whom nothing will be heard: the last four that are not key customers.
func (l *life) absentees(ctx context.Context) (list []absent) {
	const sql = `
		SELECT c.ref, k.email FROM customer c
		  JOIN LATERAL (SELECT email FROM contact k WHERE k.customer_id = c.id AND k.role = 'owner' AND k.state = 'active' ORDER BY id LIMIT 1) k ON TRUE
		 WHERE c.tier <> 'core' AND (SELECT count(*) FROM contact k WHERE k.customer_id = c.id AND k.role = 'owner') = 1
		 ORDER BY c.ref DESC LIMIT 4`
	rows, err := l.pool.Query(ctx, sql)
	if err != nil {
		l.wrong("%v", err)
		return nil
	}
	defer rows.Close()
	fates := []absent{
		{what: "the mailbox refuses their mail", code: 550},
		{what: "their mail is taken, and comes back later", code: local.BounceLater},
		{what: "their server says nothing after the message", code: local.BounceHang},
		{what: "they read nothing"},
	}
	for rows.Next() && len(list) < len(fates) {
		a := fates[len(list)]
		if err := rows.Scan(&a.ref, &a.email); err != nil {
			l.wrong("%v", err)
		}
		list = append(list, a)
	}
	if err := rows.Err(); err != nil || len(list) < len(fates) {
		l.wrong("%d customers without an echo, want %d: %v", len(list), len(fates), err)
	}
	return list
}

// signIns has the owner of every customer but the absent ones sign in and take note of the dates.
func (l *life) signIns(ctx context.Context) error {
	if err := l.at(ctx, l.now.Add(24*time.Hour), true); err != nil {
		return err
	}
	var out []string
	for _, a := range l.absentees(ctx) {
		out = append(out, a.ref)
	}
	seen := map[string]bool{}
	for _, a := range l.accounts {
		if a.Role != "customer_owner" || seen[a.Customer] || slices.Contains(out, a.Customer) {
			continue
		}
		seen[a.Customer] = true
		v, err := l.enter(ctx, a)
		if err != nil {
			return err
		}
		if err := post(ctx, v, "/plan/dates", nil); err != nil {
			return err
		}
	}
	l.tell("%d customers have signed in and taken note of their dates", len(seen))
	return nil
}

// silence waits until those of whom nothing was heard are handed to a person, who rings them.
func (l *life) silence(ctx context.Context, announced migration.Day) error {
	if err := l.at(ctx, l.nine(announced.AddDays(l.programme.Notices.WaitDays+2)), true); err != nil {
		return err
	}
	const called = `SELECT count(DISTINCT customer_id) = 4 FROM notice_call k JOIN customer c ON c.id = k.customer_id WHERE k.state = 'open' AND c.ref = ANY($1)`
	var refs []string
	for _, a := range l.absentees(ctx) {
		refs = append(refs, a.ref)
	}
	if err := l.await(ctx, "a call for each silent customer", called, refs); err != nil {
		return err
	}
	open := l.number(ctx, `SELECT count(*) FROM notice_call WHERE state = 'open'`)
	if open != len(refs) {
		l.wrong("%d calls are open, want one for each of %d silent customers", open, len(refs))
	}
	rung, err := l.ring(ctx, 0)
	l.tell("%d silent customers were found, and rung", rung)
	return err
}

// choose has one customer decide, who is not reminded of that any more.
func (l *life) choose(ctx context.Context) error {
	var owner account
	for _, a := range l.accounts {
		if a.Role == "customer_owner" {
			owner = a
			break
		}
	}
	v, err := l.enter(ctx, owner)
	if err != nil {
		return err
	}
	if err := post(ctx, v, "/replacements/none", url.Values{"reason": {"other"}, "text": {"We build our own."}}); err != nil {
		return err
	}
	if err := l.await(ctx, "the choice of "+owner.Customer, `SELECT j.choose = 'completed' FROM journey j JOIN customer c ON c.id = j.customer_id WHERE c.ref = $1`, owner.Customer); err != nil {
		return err
	}
	l.tell("%s has decided what comes next", owner.Customer)
	return nil
}

// until lives on, from one instant at which something is due to the next.
func (l *life) until(ctx context.Context, day migration.Day) error {
	for _, at := range l.dueBetween(l.now, l.nine(day).Add(-2*time.Minute)) {
		if at = at.Add(2 * time.Minute); !at.After(l.now) {
			continue
		}
		before := l.number(ctx, `SELECT count(*) FROM notice_message WHERE state = 'sent'`)
		if err := l.at(ctx, at, false); err != nil {
			return err
		}
		if err := l.settled(ctx); err != nil {
			return err
		}
		l.tell("%d messages were sent", l.number(ctx, `SELECT count(*) FROM notice_message WHERE state = 'sent'`)-before)
	}
	return nil
}

// declare has two managers declare that the service has ended, once nobody is left untold.
func (l *life) declare(ctx context.Context, ends migration.Day) error {
	if err := l.at(ctx, l.nine(ends).Add(time.Hour), true); err != nil {
		return err
	}
	if err := l.settled(ctx); err != nil {
		return err
	}
	if n := l.number(ctx, `SELECT count(*) FROM notice_unreached`); n != 0 {
		l.wrong("%d customers are neither reached nor waived", n)
	}
	for i, act := range []string{"/console/reach/end", "/console/reach/end/declare"} {
		manager, err := l.staff(ctx, "programme_manager", i)
		if err != nil {
			return err
		}
		if err := post(ctx, manager, act, nil); err != nil {
			return err
		}
	}
	if n := l.number(ctx, `SELECT count(*) FROM service_end WHERE declared_by <> ''`); n != 1 {
		l.wrong("the service end is declared %d times", n)
	}
	l.tell("every customer is reached; two managers have declared the end of the service")
	return nil
}

// compare holds what was sent against what was foreseen.
func (l *life) compare(ctx context.Context) error {
	rows, err := l.pool.Query(ctx, `
		SELECT c.ref || ' ' || m.notice || ' ' || m.stage, m.state, m.reason, j.choose FROM notice_message m
		  JOIN customer c ON c.id = m.customer_id JOIN journey j ON j.customer_id = c.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	states, seen := map[string]int{}, map[string]bool{}
	for rows.Next() {
		var key, state, reason, chosen string
		if err := rows.Scan(&key, &state, &reason, &chosen); err != nil {
			return err
		}
		seen[key] = true
		states[strings.TrimSpace(state+" "+reason)]++
		if _, ok := l.foreseen[key]; !ok {
			l.wrong("%s was planned, and not foreseen", key)
		}
		if strings.Contains(key, " choose-") && chosen == "completed" && state == "sent" {
			l.wrong("%s was sent to somebody who has chosen", key)
		}
		if state == "planned" {
			l.wrong("%s is still to be sent", key)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	skipped := 0
	for key, at := range l.foreseen {
		if !seen[key] {
			skipped++
			if !strings.Contains(key, " choose-") {
				l.wrong("%s, foreseen for %s, was never planned", key, at)
			}
		}
	}
	twice := l.number(ctx, `SELECT count(*) FROM (SELECT FROM notice_delivery WHERE state = 'accepted' GROUP BY message_id, contact_id, channel HAVING count(*) > 1) x`)
	if twice != 0 {
		l.wrong("%d messages went out twice", twice)
	}
	l.tell("%d messages were foreseen; of those, %d were not needed since their customer had acted", len(l.foreseen), skipped)
	for _, state := range sortedKeys(states) {
		fmt.Printf("    %-24s %d\n", state, states[state])
	}
	return nil
}

func sortedKeys(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
