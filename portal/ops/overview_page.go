package ops

import (
	"time"

	"offramp/export"
	"offramp/internal/jobs"
	"offramp/internal/locale"
	"offramp/migration/writeback"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// overviewView is the page that operators arrive at.
type overviewView struct {
	layout   ui.Page
	heading  ui.Heading
	warnings []ui.Banner // no worker is alive, a queue is paused
	links    []ui.Link
	queues   ui.Table
	workers  ui.Table
	exports  ui.Table
}

func buildOverview(v *page.Visit, queue jobs.Overview, exports export.Overview, sinks []writeback.Summary, layout ui.Page) overviewView {
	l := v.Locale
	return overviewView{
		layout: layout, heading: ui.Heading{Title: l.T("ops.title"), Lead: l.T("ops.lead")},
		warnings: append(warnings(l, queue), sinkWarnings(l, sinks)...),
		links:    []ui.Link{{Label: l.T("ops.sinks"), URL: SinksPath}, {Label: l.T("ops.jobs"), URL: QueuePath}},
		queues:   queueTable(l, queue), workers: workerTable(l, queue), exports: exportTable(l, exports, v.Now),
	}
}

// warnings say what keeps work from being done.
func warnings(l *locale.Locale, o jobs.Overview) (list []ui.Banner) {
	if len(o.Workers) == 0 {
		list = append(list, ui.Banner{Tone: "bad", Title: l.T("ops.no_worker"), Text: l.T("ops.no_worker.text")})
	}
	for _, q := range o.Queues {
		if q.PausedAt != nil {
			list = append(list, ui.Banner{Tone: "warn", Title: l.T("ops.paused", "Queue", q.Name), Text: l.T("ops.paused.text")})
		}
	}
	return list
}

func queueTable(l *locale.Locale, o jobs.Overview) ui.Table {
	t := ui.Table{ID: "queues", Caption: l.T("ops.queues.table"), Plain: true, Empty: l.T("ops.queues.none"), Columns: []ui.Column{
		{Label: l.T("ops.queue")},
		{Label: l.T("ops.state")},
		{Label: l.T("ops.waiting"), Numeric: true},
		{Label: l.T("ops.running"), Numeric: true},
		{Label: l.T("ops.later"), Numeric: true},
		{Label: l.T("ops.oldest"), Numeric: true},
	}}
	for _, q := range o.Queues {
		state, oldest := ui.Cell{Body: ui.Tag("", console.Done, l.T("ops.queue.open"))}, ""
		if q.PausedAt != nil {
			state = ui.Cell{Body: ui.Tag("", console.Ours, l.T("ops.queue.paused"))}
		}
		if q.Oldest != nil {
			oldest = l.Duration(time.Since(*q.Oldest)) // the queue runs by the database's own clock, not the portal's
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: q.Name}, state, {Text: l.Number(q.Waiting)}, {Text: l.Number(q.Running)}, {Text: l.Number(q.Later)}, {Text: oldest},
		}})
	}
	return t
}

func workerTable(l *locale.Locale, o jobs.Overview) ui.Table {
	t := ui.Table{ID: "workers", Caption: l.T("ops.workers.table"), Plain: true, Empty: l.T("ops.no_worker"), Columns: []ui.Column{
		{Label: l.T("ops.worker")}, {Label: l.T("ops.alive"), Numeric: true}, {Label: l.T("ops.running"), Numeric: true},
	}}
	for _, w := range o.Workers {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: w.ID}, {Text: l.Duration(time.Since(w.Since))}, {Text: l.Number(w.Running)}}})
	}
	return t
}

func exportTable(l *locale.Locale, o export.Overview, now time.Time) ui.Table {
	t := ui.Table{ID: "exports", Caption: l.T("ops.exports.table"), Plain: true, Columns: []ui.Column{
		{Label: l.T("ops.state")}, {Label: l.T("ops.count"), Numeric: true}, {Label: l.T("ops.oldest"), Numeric: true},
	}}
	for _, s := range []export.State{export.Queued, export.Running, export.Ready, export.Failed, export.Cancelled, export.Expired} {
		oldest := ""
		if at, ok := o.Oldest[s]; ok {
			oldest = l.Duration(now.Sub(at))
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: l.T("export.state." + string(s))}, {Text: l.Number(o.Counts[s])}, {Text: oldest}}})
	}
	return t
}
