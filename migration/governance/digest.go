package governance

import (
	"context"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/governance/post"
	"offramp/migration/governance/risk"
)

const (
	digestHour = 8 // where the programme is; from then on, on working days
	dueSoon    = 3 // days
)

// digest tells each owner in one email a day what is new for them, what is due within three days, and what is overdue. Nobody is told
// twice on a day, and nobody gets one with nothing in it.
func (s *Service) digest(ctx context.Context, tx *db.Tx, p *migration.Programme) error {
	now := tx.Now.In(p.Zone)
	if day := now.Weekday(); now.Hour() < digestHour || day == time.Saturday || day == time.Sunday {
		return nil
	}
	today := migration.DayOf(now)
	owners, err := s.store.owners(ctx, tx, today, today.AddDays(dueSoon))
	if err != nil || len(owners) == 0 {
		return err
	}
	items, err := s.store.owned(ctx, tx, p)
	if err != nil {
		return err
	}
	risks, err := risk.Due(ctx, tx, today.AddDays(dueSoon))
	if err != nil {
		return err
	}
	for _, o := range owners {
		d := o.digest(items[o.ID], risks[o.ID], p, today)
		if d == "" {
			continue
		}
		path := "/console/workspace/" + o.Template + "/items?whose=" + o.ID
		if o.Template == "" { // risks alone
			path = "/console/risks?whose=" + o.ID
		}
		count := float64(len(items[o.ID]) + len(risks[o.ID]))
		m := post.Mail{To: o.ID, Kind: "digest", About: today.String(), Path: path, Detail: map[string]any{"Body": d, "Count": count}}
		if err := post.Ask(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// owner is somebody with open items, or risks to review, who was not told today.
type owner struct {
	ID, Locale, Template string    // Template: of a plan in which they own something; empty: risks alone
	Since                time.Time // of the last digest; what was assigned later is new
}

// owned is an open item with its owner.
type owned struct {
	Item
	Since time.Time // when its owner got it; zero: at the start
}

// digest writes what an owner has to know, as CommonMark in their language; empty: nothing.
func (o owner) digest(list []owned, risks []risk.Risk, p *migration.Programme, today migration.Day) string {
	tag := o.Locale
	if tag == "" {
		tag = p.Fallback()
	}
	l := locale.For(tag)
	var late, soon, fresh []string
	for _, i := range list {
		line := l.T("workspace.digest.item", "Item", mail.Escape(l.Pick(i.Name)), "Date", l.Date(i.Day.End(p.Zone), p.Zone))
		switch left := today.DaysUntil(i.Day); {
		case left < 0:
			late = append(late, line)
		case left <= dueSoon:
			soon = append(soon, line)
		case i.Since.After(o.Since):
			fresh = append(fresh, line)
		}
	}
	var reviews []string
	for _, r := range risks {
		key := "risk.digest.soon"
		if r.Late(today) {
			key = "risk.digest.late"
		}
		reviews = append(reviews, l.T(key, "Risk", mail.Escape(r.Title), "Date", l.Date(r.Review.End(p.Zone), p.Zone)))
	}
	var b strings.Builder
	for _, part := range []struct {
		title string
		lines []string
	}{{l.T("workspace.digest.late"), late}, {l.N("workspace.digest.soon", dueSoon), soon}, {l.T("workspace.digest.new"), fresh}, {l.T("risk.digest"), reviews}} {
		if len(part.lines) > 0 {
			b.WriteString("**" + part.title + "**\n\n- " + strings.Join(part.lines, "\n- ") + "\n\n")
		}
	}
	return strings.TrimSpace(b.String())
}
