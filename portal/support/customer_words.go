package support

import (
	"fmt"
	"slices"
	"strings"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/customer"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exports lists a customer's exports with what is wrong, and another try where one can help.
func exports(v *page.Visit, s screen) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "exports", Caption: l.T("console.table", "Title", l.T("export.title")), Plain: true, Empty: l.T("console.exports.none"), Columns: []ui.Column{
		{Label: l.T("export.reference")},
		{Label: l.T("export.requested")},
		{Label: l.T("export.contents")},
		{Label: l.T("export.size"), Numeric: true},
		{Label: l.T("export.state")},
		{Label: l.T("console.progress")},
		{Label: l.T("export.until")},
		{Label: l.T("console.cause"), Wide: true},
		{Label: l.T("console.action"), Hidden: true},
	}}
	for _, e := range s.exports {
		tone, text := customer.ExportTag(l, e, v.Now)
		until, size, action := "", "", ui.Cell{}
		if e.ExpiresAt != nil {
			until = l.DateTime(*e.ExpiresAt, v.Zone())
		}
		if e.ReadyAt != nil {
			size = l.Size(e.ObjectSize)
		}
		switch act := (ui.Action{URL: "/console/support/exports/" + e.ID}); {
		case e.State == export.Failed:
			act.URL, act.Button = act.URL+"/retry", ui.Button{Label: l.T("export.retry")}
			action.Body = ui.PostAction(act)
		case e.Live():
			act.URL, act.Button = act.URL+"/cancel", ui.Button{Label: l.T("export.cancel"), Kind: ui.Danger}
			action.Body = ui.PostAction(act)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: e.Reference()},
			{Text: l.DateTime(e.RequestedAt, v.Zone())},
			{Text: contents(l, e.Selection)},
			{Text: size},
			{Body: ui.Tag("", tone, text)},
			progress(v, e),
			{Text: until},
			{Text: why(v, e)},
			action,
		}})
	}
	return t
}

// contents says what an export holds, by the datasets' keys where some were chosen.
func contents(l *locale.Locale, s export.Selection) string {
	if len(s.Datasets) > 0 {
		return strings.Join(s.Datasets, " · ")
	}
	return customer.Scope(l, s)
}

// progress says how far a live export is, and when a downloaded one was fetched.
func progress(v *page.Visit, e export.Export) ui.Cell {
	l := v.Locale
	switch i := slices.Index(export.Stages[:], e.Stage); {
	case e.State == export.Running && i >= 0:
		text := l.T("plan.export.stage", "Name", l.T("plan.export.stage."+string(e.Stage)), "Stage", i+1, "Stages", len(export.Stages))
		if e.Progress != nil {
			text += fmt.Sprintf(" · %d%%", e.Progress.Percent)
		}
		return ui.Cell{Text: text}
	case e.State == export.Queued:
		return ui.Cell{Text: l.T("console.waiting", "Time", since(v, e.RequestedAt))}
	case e.DownloadedAt != nil:
		return ui.Cell{Text: l.T("console.downloaded", "When", l.DateTime(*e.DownloadedAt, v.Zone()))}
	}
	return ui.Cell{}
}

// why is what went wrong, as the worker reported it, how often, and what the customer reads about it.
func why(v *page.Visit, e export.Export) string {
	l := v.Locale
	var parts []string
	if e.Cause != "" {
		parts = append(parts, l.T("console.cause.text", "Cause", e.Cause, "Failures", e.Failures))
	}
	if e.Delayed != "" && l.Has(e.Delayed) {
		parts = append(parts, l.T("console.delayed", "Reason", l.T(e.Delayed)))
	}
	if e.Deaths > 0 {
		parts = append(parts, l.N("console.deaths", e.Deaths))
	}
	return strings.Join(parts, " · ")
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
			detail = append(detail, l.T("console.moved", "What", name, "Was", was, "Now", e.Days[key]))
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
