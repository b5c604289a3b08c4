package customer

import (
	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/ui"
)

// lastDays is how many days before the last one to export it is announced on every page about exports.
const lastDays = 7

// deadlineNews is what a customer must hear about the last day to export: that it moved because we were late, and that it is
// near. Nothing, mostly.
func deadlineNews(d dated, plan migration.Plan) (news []ui.Banner) {
	date, ok := migration.Find(d.dates, migration.ExportDeadline)
	if !ok || date.Past {
		return nil
	}
	if late := lateNews(d, date); late != nil {
		news = append(news, *late)
	}
	if last := lastDaysNews(d, date, plan); last != nil {
		news = append(news, *last)
	}
	return news
}

// lateNews says that we were late and what that means; nil when we were not.
func lateNews(d dated, date migration.Date) *ui.Banner {
	if !date.Extended() || date.Reason != migration.LateExport {
		return nil
	}
	day, was := d.OurDay(date.Minute), d.OurDay(date.Was.End(d.p.Zone))
	return &ui.Banner{Tone: "info", Title: d.l.T("plan.late.title", "Date", day), Text: d.l.T("plan.late.text", "Date", day, "Was", was)}
}

// lastDaysNews says that the last day is near, and what is left to do; nil while it is not, or when nothing is.
func lastDaysNews(d dated, date migration.Date, plan migration.Plan) *ui.Banner {
	status := plan.Journey.Status[migration.StepExport]
	if date.DaysLeft > lastDays || status == migration.Completed || status == migration.NotNeeded {
		return nil
	}
	l := d.l
	b := ui.Banner{Tone: "warn", Title: l.T("plan.last.title", "Left", d.left(date), "Date", d.OurDay(date.Minute))}
	latest := plan.Journey.Detail.Export
	open := func() *ui.Link {
		return &ui.Link{Label: l.T("plan.last.open"), URL: exportURL(export.Export{ID: latest.ID})}
	}
	switch {
	case latest == nil:
		b.Text, b.Link = l.T("plan.last.start"), startLink(l)
	case latest.State == "requested":
		b.Text, b.Link = l.T("plan.last.wait"), open()
	case latest.State == "ready":
		b.Text, b.Link = l.T("plan.last.download"), open()
	default:
		b.Text, b.Link = l.T("plan.last.again"), startLink(l)
	}
	return &b
}

func startLink(l *locale.Locale) *ui.Link {
	return &ui.Link{Label: l.T("plan.last.go"), URL: "/exports/new"}
}
