package customer

import (
	"slices"
	"strings"

	"github.com/a-h/templ"

	"offramp/export"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exportView is the page of one export.
type exportView struct {
	layout  ui.Page
	heading ui.Heading
	state   stateCard
	news    []ui.Banner // about the last day to export
	facts   []ui.SummaryRow
	receipt *receiptView     // of an export that was ready once
	howTo   *howTo           // of one that can be downloaded
	remove  *ui.Link         // deletes it before its time
	watch   templ.Attributes // of one that waits to be downloaded: looks whether it was
	help    ui.Help
}

// stateCard says where an export stands and offers what there is to do.
type stateCard struct {
	w       exportWords
	title   string
	tone    ui.Tone
	tag     string
	text    []string
	bar     *ui.Progress // while it is live
	stage   string
	update  string   // address of this page, for readers without script
	sets    ui.Table // how far each dataset is, while it runs
	volumes ui.Table // the files, when there are several
	rows    []ui.SummaryRow
	links   []ui.Link
	main    int // which of the links is the one thing to do; -1: none
	retry   *ui.Action
	rest    *ui.Action // asks for everything but the dataset that cannot be read
	again   *ui.Action // builds the same anew
	cancel  *ui.Action
	ask     *ui.Link // for help
	denied  string   // why there is nothing to do for this reader
}

// howTo explains what to do with the file.
type howTo struct {
	command string
	sha256  string
	here    *ui.Link // the check in the browser; nil on its own page
}

// buildExportPage words one export; earlier are those that its selection refers to.
func buildExportPage(v *page.Visit, plan migration.Plan, e export.Export, earlier []export.Export, layout ui.Page, code string) exportView {
	l, w := v.Locale, newExportWords(v, plan)
	w.earlier = earlier
	view := exportView{
		layout: layout, state: w.state(e), help: help(v, code),
		heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.one", "Reference", e.Reference())},
	}
	view.layout.Title = view.heading.Title
	view.layout.HTMX = e.Live()
	fact := func(key, value string) {
		if value != "" {
			view.facts = append(view.facts, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	fact("export.reference", e.Reference())
	fact("export.requested", w.When(e.RequestedAt))
	view.facts = append(view.facts, w.chosen(e.Selection)...)
	if e.AsOf != nil {
		fact("export.as_of", w.When(*e.AsOf))
	}
	if e.DownloadedAt != nil {
		fact("export.downloaded", w.When(*e.DownloadedAt))
	}
	if e.CheckedAt != nil {
		fact("export.checked", w.When(*e.CheckedAt))
	}
	if e.Receipt != nil {
		view.receipt = w.receipt(*e.Receipt)
		view.receipt.files, view.receipt.repair = w.receiptFiles(e), w.repair(plan, e)
	}
	if e.Downloadable(v.Now) && !e.Lost(v.Now) {
		view.howTo = w.howTo(e)
	}
	if e.Downloadable(v.Now) && mayExport(v) {
		view.remove = &ui.Link{Label: l.T("export.delete.go"), URL: exportURL(e) + "/delete"}
	}
	if w.awaited(e) {
		view.layout.HTMX, view.watch = true, ui.Watch(exportURL(e)+"/progress?seen="+seenReady)
	}
	if !e.Live() {
		view.news = deadlineNews(w.dated, plan)
	}
	return view
}

// seenReady is what a page says that shows an export which nobody has downloaded yet.
const seenReady = "ready"

// awaited reports whether the page moves on when the reader has downloaded the export.
func (w exportWords) awaited(e export.Export) bool {
	return e.Downloadable(w.now) && e.DownloadedAt == nil && e.LostAt == nil && mayExport(w.v)
}

// state words where an export stands.
func (w exportWords) state(e export.Export) stateCard {
	card := stateCard{w: w, update: exportURL(e), main: -1}
	card.tone, card.tag = ExportTag(w.l, e, w.now)
	switch {
	case e.Live():
		card.live(e)
	case e.Lost(w.now):
		card.lost(e)
	case e.Downloadable(w.now):
		card.ready(e)
	case e.State == export.Failed:
		card.failed(e)
	case e.State == export.Cancelled:
		card.title = w.l.T("export.cancelled")
		card.text = append(card.text, w.l.T("export.cancelled_text"))
		card.afresh()
	case e.DeletedAt != nil:
		card.title = w.l.T("export.deleted")
		card.text = append(card.text, w.l.T("export.deleted_text", "Date", w.When(*e.DeletedAt)))
		card.renew(e)
	default: // expired, or about to be marked so
		card.title = w.l.T("export.expired")
		card.text = append(card.text, w.l.T("export.expired_text", "Days", w.p.Export.KeepDays))
		card.afresh()
	}
	if !mayExport(w.v) {
		card.links, card.retry, card.rest, card.again, card.cancel, card.main, card.volumes = nil, nil, nil, nil, nil, -1, w.volumes(e, false)
		card.denied = w.l.T("export.denied")
	}
	return card
}

// live shows how far an export is that is waiting or being built.
func (card *stateCard) live(e export.Export) {
	l, w := card.w.l, card.w
	started := l.T("plan.export.started", "When", w.When(e.RequestedAt))
	if e.StartedAt != nil && e.State == export.Running {
		started = l.T("export.started", "When", w.When(*e.StartedAt))
	}
	bar := ui.Progress{ID: progressID, Label: l.T("export.queued"), Meta: []string{started}}
	card.title = l.T("export.building")
	if e.State == export.Queued {
		card.title = l.T("export.queued")
	}
	if i := slices.Index(export.Stages[:], e.Stage); i >= 0 && e.State == export.Running {
		card.stage = string(e.Stage)
		bar.Label = l.T("export.stage", "Name", l.T("plan.export.stage."+string(e.Stage)), "Stage", i+1, "Stages", len(export.Stages))
	}
	if p := e.Progress; p != nil && e.State == export.Running {
		bar.Percent, bar.Meta = p.Percent, append(card.amounts(p), started)
	}
	bar.Meta = append(bar.Meta, card.place(e)...)
	card.sets = w.sets(e)
	if e.Delayed != "" {
		card.stage += "-delayed"
		bar.Meta = append(bar.Meta, l.T("export.late", "Reason", card.reason(e)))
	}
	bar.Live = ui.Poll(exportURL(e)+"/progress?seen="+card.stage, pollEvery)
	card.bar = &bar
	card.text = append(card.text, l.T("plan.export.leave", "Days", w.p.Export.KeepDays, "Date", w.limit()))
	card.cancel = &ui.Action{URL: exportURL(e) + "/cancel", Button: ui.Button{Label: l.T("export.cancel"), Kind: ui.Danger}}
}

func (card *stateCard) amounts(p *migration.Progress) (meta []string) {
	l := card.w.l
	if p.RowsTotal > 0 {
		meta = append(meta, l.T("export.amount.rows", "Done", l.Number(p.RowsDone), "Total", l.Number(p.RowsTotal)))
	}
	if p.Left > 0 {
		meta = append(meta, l.ETA(p.Left))
	}
	return meta
}

// place says how many are before it, or how many of its files are done.
func (card *stateCard) place(e export.Export) []string {
	l, sealed := card.w.l, 0
	for _, v := range e.Volumes {
		if v.State == export.VolumeSealed {
			sealed++
		}
	}
	switch {
	case e.State == export.Running && several(e):
		return []string{l.N("export.volumes.done", len(e.Volumes), "Done", sealed)}
	case e.State != export.Queued:
		return nil
	case e.Ahead == 0:
		return []string{l.T("export.next")}
	case e.Ahead >= export.MaxAhead:
		return []string{l.T("export.ahead.many", "Number", l.Number(export.MaxAhead))}
	}
	return []string{l.N("export.ahead", int(e.Ahead))}
}

// reason is why an export takes longer or has failed, as customers read it.
func (card *stateCard) reason(e export.Export) string {
	if e.Delayed != "" && card.w.l.Has(e.Delayed) {
		return card.w.l.T(e.Delayed)
	}
	return card.w.l.T("export.reason")
}

// ready offers the download first and the check after it.
func (card *stateCard) ready(e export.Export) {
	l, w := card.w.l, card.w
	card.title, card.main = l.T("export.ready"), 0
	card.rows = []ui.SummaryRow{{Key: l.T("export.size.download"), Value: l.Size(e.ObjectSize)}, {Key: l.T("export.until"), Value: w.until(*e.ExpiresAt)}}
	more := ui.Link{Label: l.T("export.deliver"), URL: deliverURL(e)}
	if card.links = []ui.Link{more}; several(e) {
		card.volumes = w.volumes(e, true)
		card.text = append(card.text, l.T("export.volumes.text"))
	} else {
		card.rows = append(card.rows, ui.SummaryRow{Key: l.T("export.checksum"), Body: ui.Copyable(l, e.SHA256, l.T("export.checksum"))})
		download := ui.Link{Label: l.T("export.download", "Size", l.Size(e.ObjectSize), "Format", "ZIP"), URL: exportURL(e) + "/download", Icon: ui.IconDownload}
		card.links = []ui.Link{download, more}
	}
	if e.Selection.Locked {
		card.text = append(card.text, l.T("export.locked.open"))
	}
	if e.Receipt != nil && !e.Receipt.Complete {
		card.text = append(card.text, l.T("export.sentences", "First", w.incomplete(*e.Receipt).Title, "Second", l.T("export.incomplete")))
	}
	switch {
	case e.CheckedAt != nil:
		card.text = append(card.text, l.T("export.check.done", "Date", w.When(*e.CheckedAt)))
	case e.DownloadedAt != nil:
		card.text = append(card.text, l.T("export.check.next"))
		card.links = append(card.links, ui.Link{Label: l.T("export.check.go"), URL: exportURL(e) + "/check"})
		card.main = len(card.links) - 1
	default:
		card.text = append(card.text, l.T("export.ready_text"))
	}
}

// failed says what happened, whether we try again, and what the customer can do.
func (card *stateCard) failed(e export.Export) {
	l := card.w.l
	card.title = l.T("export.failed")
	why, again := "export.why.other", l.T("export.failed.again.once")
	if l.Has("export.why." + strings.TrimPrefix(e.Delayed, "export.delayed_")) {
		why = "export.why." + strings.TrimPrefix(e.Delayed, "export.delayed_")
	}
	if e.Failures > 1 {
		again = l.N("export.failed.again.tried", e.Failures)
	}
	what, you := l.T(why, "Product", l.Pick(card.w.p.Product.Name)), l.T("export.failed.you.text", "Reference", e.Reference())
	if f, ok := formWithout(e.Selection, e.DelayedBy, card.w.p); ok {
		name := card.w.dataset(e.DelayedBy)
		what, you = l.T("export.failed.dataset", "What", what, "Dataset", name), l.T("export.failed.you.rest", "Dataset", name, "Reference", e.Reference())
		card.rest = &ui.Action{URL: "/exports/new", Hidden: f.pairs(card.w.p), Button: ui.Button{Label: l.T("export.rest", "Dataset", name)}}
	}
	card.rows = []ui.SummaryRow{
		{Key: l.T("export.failed.what"), Value: what},
		{Key: l.T("export.failed.again"), Value: again},
		{Key: l.T("export.failed.you"), Value: you},
	}
	if e.Delayed == "export.delayed_password" {
		card.rows[1], card.rows[2] = ui.SummaryRow{Key: l.T("export.failed.you"), Value: l.T("export.failed.you.password")}, ui.SummaryRow{}
		card.rows, card.rest = card.rows[:2], nil
		card.afresh()
		return
	}
	// It was asked for in time, so that no deadline stands against another try.
	card.ask = &ui.Link{Label: l.T("help.ask"), URL: helpURL(e)}
	card.retry = &ui.Action{URL: exportURL(e) + "/retry", Button: ui.Button{Label: l.T("export.retry"), Kind: ui.Primary}}
}

// lost says that the archive is not where it was put, and offers to build it anew.
func (card *stateCard) lost(e export.Export) {
	card.title = card.w.l.T("export.lost")
	card.tone, card.tag = ui.ToneProblem, card.w.l.T("export.lost.tag")
	card.text = append(card.text, card.w.l.T("export.lost.text"))
	card.renew(e)
	card.ask = &ui.Link{Label: card.w.l.T("help.ask"), URL: helpURL(e)}
}

// renew offers to build the same export anew, while there is time.
func (card *stateCard) renew(e export.Export) {
	l, date := card.w.l, card.w.limit()
	switch {
	case !card.w.open(migration.ExportDeadline):
		card.text = append(card.text, l.T("plan.export.closed", "Date", date))
		return
	case date != "":
		card.text = append(card.text, l.T("export.again_text", "Date", date))
	}
	card.again = &ui.Action{URL: exportURL(e) + "/again", Button: ui.Button{Label: l.T("export.lost.again"), Kind: ui.Primary}}
}

// afresh offers a new export while there is time.
func (card *stateCard) afresh() {
	l, date := card.w.l, card.w.limit()
	switch {
	case !card.w.open(migration.ExportDeadline):
		card.text = append(card.text, l.T("plan.export.closed", "Date", date))
		return
	case date != "":
		card.text = append(card.text, l.T("export.again_text", "Date", date))
	}
	card.main = 0
	card.links = []ui.Link{{Label: l.T("export.renew"), URL: "/exports/new"}}
}
