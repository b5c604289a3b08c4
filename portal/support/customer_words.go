package support

import (
	"fmt"
	"slices"
	"strings"

	"offramp/export"
	"offramp/migration"
	"offramp/portal/console"
	"offramp/portal/customer"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exports lists a customer's exports with what is wrong, and another try where one can help.
func exports(v *page.Visit, s screen) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "exports", Caption: l.T("console.table", "Title", l.T("export.title")), Plain: true, Empty: l.T("console.exports.none"), Columns: []ui.Column{
		{Label: l.T("export.reference")},
		{Label: l.T("export.contents")},
		{Label: l.T("export.state"), Wide: true},
		{Label: l.T("console.cause"), Wide: true},
		{Label: l.T("console.action"), Hidden: true, Wide: true},
	}}
	for _, e := range s.exports {
		tone, text := console.ExportBadge(l, e, v.Now)
		size := ""
		if e.ReadyAt != nil {
			size = l.Size(e.ObjectSize)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Body: ui.Lines(ui.Text(e.Reference()), l.T("console.requested", "When", v.When(e.RequestedAt)))},
			{Body: ui.Lines(ui.Text(contents(v, e.Selection)), size)},
			{Body: ui.Lines(ui.Tag("", tone, text), progress(v, e)...)},
			why(v, e),
			exportAction(v, e),
		}})
	}
	return t
}

// exportAction is what support can do about an export: another try, or an end.
func exportAction(v *page.Visit, e export.Export) ui.Cell {
	act := ui.Action{URL: "/console/support/exports/" + e.ID}
	switch {
	case e.State == export.Failed:
		act.URL, act.Button = act.URL+"/retry", ui.Button{Label: v.Locale.T("export.retry")}
	case e.Live():
		act.URL, act.Button = act.URL+"/cancel", ui.Button{Label: v.Locale.T("export.cancel"), Kind: ui.Danger}
	default:
		return ui.Cell{}
	}
	return ui.Cell{Body: ui.PostAction(act)}
}

// contents says what an export holds, by the datasets' names where some were chosen.
func contents(v *page.Visit, s export.Selection) string {
	if len(s.Datasets) == 0 {
		return customer.Scope(v.Locale, s)
	}
	names := make([]string, len(s.Datasets))
	for i, key := range s.Datasets {
		names[i] = datasetName(v, key)
	}
	return strings.Join(names, " · ")
}

// datasetName is what the programme calls a dataset; its key where the programme no longer has it.
func datasetName(v *page.Visit, key string) string {
	if v.Programme != nil {
		if d, ok := v.Programme.Dataset(key); ok && v.Locale.Pick(d.Name) != "" {
			return v.Locale.Pick(d.Name)
		}
	}
	return key
}

// progress says how far a live export is, until when a ready one can be had, and when a downloaded one was fetched.
func progress(v *page.Visit, e export.Export) (lines []string) {
	l := v.Locale
	switch i := slices.Index(export.Stages[:], e.Stage); {
	case e.State == export.Running && i >= 0:
		text := l.T("plan.export.stage", "Name", l.T("plan.export.stage."+string(e.Stage)), "Stage", i+1, "Stages", len(export.Stages))
		if e.Progress != nil {
			text += fmt.Sprintf(" · %d%%", e.Progress.Percent)
		}
		lines = append(lines, text)
	case e.State == export.Queued:
		lines = append(lines, l.T("console.waiting", "Time", since(v, e.RequestedAt)))
	case e.Downloadable(v.Now):
		lines = append(lines, l.T("console.export.until", "When", v.When(*e.ExpiresAt)))
	}
	if e.DownloadedAt != nil {
		lines = append(lines, l.T("console.downloaded", "When", v.When(*e.DownloadedAt)))
	}
	return lines
}

// why says what went wrong and who mends it, with the code and how often it was tried below. What the worker wrote itself stands among
// the details.
func why(v *page.Visit, e export.Export) ui.Cell {
	l, r := v.Locale, e.Reason()
	var notes []string
	if e.Failures > 0 && r.Kind != "" {
		notes = append(notes, l.N("console.cause.tries", e.Failures))
	}
	if e.Deaths > 0 {
		notes = append(notes, l.N("console.deaths", e.Deaths))
	}
	if r.Code != "" {
		notes = append(notes, r.Code)
	}
	switch {
	case r.Kind != "":
		text := l.T("console.reason." + r.Kind)
		if r.Dataset != "" {
			text = l.T("console.reason.of", "Dataset", datasetName(v, r.Dataset), "Reason", text)
		}
		return ui.Cell{Body: ui.Lines(ui.Text(text), strings.Join(notes, " · "))}
	case len(notes) > 0:
		return ui.Cell{Text: strings.Join(notes, " · ")}
	}
	return ui.Cell{}
}

// event words one entry of a customer's history.
func event(v *page.Visit, e migration.Event, names map[string]string) ui.Event {
	l := v.Locale
	shown := ui.Event{At: e.At, What: string(e.Kind), By: who(v, e.Actor, names)}
	if id := "console.event." + string(e.Kind); l.Has(id) {
		shown.What = l.T(id)
	}
	var detail []string
	if e.Number > 0 {
		detail = append(detail, fmt.Sprintf("EX-%d", e.Number))
	}
	if e.Kind == migration.DatesChanged {
		for key, was := range e.Was {
			name := key
			if m, ok := v.Programme.Milestone(key); ok {
				name = page.MilestoneName(l, m)
			}
			detail = append(detail, l.T("console.moved", "What", name, "Was", v.DayOf(was), "Now", v.DayOf(e.Days[key])))
		}
		slices.Sort(detail)
	}
	shown.Detail = strings.Join(detail, " · ")
	return shown
}

// who names the person behind an act; an id that nobody has any more stands for itself.
func who(v *page.Visit, id string, names map[string]string) string {
	switch {
	case names[id] != "":
		return names[id]
	case id == "system" || id == "":
		return v.Locale.T("console.system")
	}
	return id
}
