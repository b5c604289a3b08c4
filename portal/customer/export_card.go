package customer

import (
	"fmt"
	"slices"
	"time"

	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exportCard is the plan page's view of the latest export.
type exportCard struct {
	page    *page.Visit
	title   string
	status  migration.Status
	text    string
	action  *ui.Link
	running bool
	stage   string
	bar     ui.Progress
	leave   string // what happens when the reader goes away
}

// stages of a running export, in order.
var stages = []string{"counting", "reading", "files", "checking"}

// pollEvery is how often a page asks how far an export is.
const pollEvery = 4 * time.Second

const progressID = "export-progress"

// buildExport words the state of the latest export.
func buildExport(v *page.Visit, plan migration.Plan, d dated) exportCard {
	l, j := v.Locale, plan.Journey
	card := exportCard{page: v, title: l.T("plan.export.title"), status: j.Status[migration.StepExport]}
	e := j.Detail.Export
	switch {
	case card.status == migration.NotNeeded:
		card.text = l.T("plan.export.no_data")
	case e == nil:
		card.offer(d, l.T("plan.export.none"))
	case e.State == "cancelled":
		card.offer(d, l.T("plan.export.cancelled", "Date", d.day(migration.ExportDeadline)))
	case e.State == "requested":
		card.run(j, d)
	case e.State == "ready" && e.Until != nil:
		card.text = l.T("plan.export.ready", "Size", l.Size(e.Bytes), "Until", v.When(*e.Until))
		card.lead(e, "plan.export.ready.go")
	case e.State == "checked":
		card.text = l.T("plan.export.checked")
		card.lead(e, "plan.export.open")
	case e.State == "failed":
		card.text = l.T("plan.export.failed", "Reference", fmt.Sprintf("EX-%d", e.Number))
		card.lead(e, "plan.export.open")
	case !d.open(migration.ExportDeadline):
		card.text = l.T("plan.export.closed", "Date", d.day(migration.ExportDeadline))
	default:
		card.text = l.T("plan.export.expired", "Date", d.day(migration.ExportDeadline))
		card.lead(e, "plan.export.open")
	}
	return card
}

// offer invites to start an export, where the reader may and there is still time.
func (card *exportCard) offer(d dated, text string) {
	v := card.page
	switch {
	case !d.open(migration.ExportDeadline):
		card.text = v.Locale.T("plan.export.closed", "Date", d.day(migration.ExportDeadline))
	case !v.Owner() && !v.Programme.Export.Members:
		card.text = v.Locale.T("plan.export.owner_only")
	default:
		card.text = text
		card.action = &ui.Link{Label: v.Locale.T("plan.export.start"), URL: "/exports/new"}
	}
}

func (card *exportCard) lead(e *migration.ExportDetail, label string) {
	card.action = &ui.Link{Label: card.page.Locale.T(label), URL: "/exports/" + e.ID}
}

// run shows how far a live export is.
func (card *exportCard) run(j migration.Journey, d dated) {
	l, e := card.page.Locale, j.Detail.Export
	card.running = true
	started := l.T("plan.export.started", "When", card.page.When(e.RequestedAt))
	card.bar = ui.Progress{ID: progressID, Label: l.T("plan.export.queued"), Meta: []string{started}}
	if p := j.Progress; p != nil && p.ExportID == e.ID {
		card.progress(p, started)
	}
	card.bar.Live = ui.Poll("/plan/export?seen="+card.stage, pollEvery)
	card.leave = l.T("plan.export.leave", "Days", card.page.Programme.Export.KeepDays, "Date", d.day(migration.ExportDeadline))
	card.action = &ui.Link{Label: l.T("plan.export.open"), URL: "/exports/" + e.ID}
}

func (card *exportCard) progress(p *migration.Progress, started string) {
	l := card.page.Locale
	if i := slices.Index(stages, p.Stage); i >= 0 {
		card.stage = p.Stage
		card.bar.Label = l.T("plan.export.stage", "Name", l.T("plan.export.stage."+p.Stage), "Stage", i+1, "Stages", len(stages))
	}
	card.bar.Percent, card.bar.Meta = p.Percent, nil
	if p.RowsTotal > 0 {
		card.bar.Meta = append(card.bar.Meta, l.T("export.amount.rows", "Done", l.Number(p.RowsDone), "Total", l.Number(p.RowsTotal)))
	}
	if p.Left > 0 {
		card.bar.Meta = append(card.bar.Meta, l.ETA(p.Left))
	}
	card.bar.Meta = append(card.bar.Meta, started)
	if p.Delayed != "" && l.Has(p.Delayed) {
		card.bar.Meta = append(card.bar.Meta, l.T(p.Delayed))
	}
}
