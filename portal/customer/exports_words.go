package customer

import (
	"strings"
	"time"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exportWords words exports for one reader.
type exportWords struct {
	dated
	v *page.Visit
}

func newExportWords(v *page.Visit, plan migration.Plan) exportWords {
	return exportWords{dated: newDated(v, plan.Extensions), v: v}
}

// mayExport reports whether the reader may start, cancel and download exports.
func mayExport(v *page.Visit) bool { return export.May(v.Who(), v.Programme) }

// tones of the states of an export.
var tones = map[export.State]ui.Tone{
	export.Queued: ui.ToneNotStarted, export.Running: ui.ToneInProgress, export.Ready: ui.ToneActionNeeded,
	export.Failed: ui.ToneProblem, export.Cancelled: ui.ToneNotNeeded, export.Expired: ui.ToneNotNeeded,
}

// ExportTag shows the state of an export in a word; staff read the same.
func ExportTag(l *locale.Locale, e export.Export, now time.Time) (tone ui.Tone, text string) {
	state := e.State
	if state == export.Ready && !e.Downloadable(now) {
		state = export.Expired
	}
	if e.CheckedAt != nil && (state == export.Ready || state == export.Expired) {
		return ui.ToneCompleted, l.T("export.state.checked")
	}
	return tones[state], l.T("export.state." + string(state))
}

// scope says in a few words what an export holds.
func (w exportWords) scope(s export.Selection) string {
	if s.All() {
		return w.l.T("export.scope.all")
	}
	return w.l.N("export.scope.some", len(s.Datasets))
}

// contents names everything that an export holds.
func (w exportWords) contents(s export.Selection) string {
	if s.All() {
		return w.l.T("export.scope.all")
	}
	names := make([]string, 0, len(s.Datasets))
	for _, key := range s.Datasets {
		names = append(names, w.dataset(key))
	}
	return strings.Join(names, " · ")
}

// dataset is the programme's name for a dataset; its key where the programme no longer has it.
func (w exportWords) dataset(key string) string {
	if d, ok := w.p.Dataset(key); ok && w.l.Pick(d.Name) != "" {
		return w.l.Pick(d.Name)
	}
	return key
}

func (w exportWords) formats(s export.Selection) string {
	names := make([]string, 0, len(s.Formats)+1)
	for _, f := range s.Formats {
		names = append(names, w.l.T("export.format."+f))
	}
	if s.Spreadsheet {
		names = append(names, w.l.T("export.format.spreadsheet"))
	}
	return strings.Join(names, " · ")
}

// size is what there is to download; nothing before it is ready.
func (w exportWords) size(e export.Export) string {
	if e.ReadyAt == nil {
		return ""
	}
	return w.l.Size(e.ObjectSize)
}

// until is the last moment of a download, in the programme's zone and the reader's own.
func (w exportWords) until(at time.Time) string {
	text := w.l.T("export.moment", "When", w.l.DateClock(at, w.p.Zone), "Zone", w.l.ZoneName(w.p.Zone, at))
	if when, zone := w.ownTime(at); when != "" {
		text += " " + w.l.T("plan.own_zone", "When", when, "Zone", zone)
	}
	return text
}

// limit says until which day exports can be made; empty where the programme sets none.
func (w exportWords) limit() string { return w.day(migration.ExportDeadline) }

// door says whether the reader can start an export now and, if not, why.
func (w exportWords) door(plan migration.Plan) (open bool, why *ui.Banner) {
	l, latest := w.l, plan.Journey.Detail.Export
	switch {
	case plan.Journey.Status[migration.StepExport] == migration.NotNeeded:
		return false, &ui.Banner{Tone: "info", Title: l.T("plan.export.no_data")}
	case !mayExport(w.v):
		return false, &ui.Banner{Tone: "info", Title: l.T("export.denied"), Text: l.T("export.denied.text")}
	case !w.open(migration.ExportDeadline):
		return false, &ui.Banner{Tone: "warn", Title: l.T("plan.export.closed", "Date", w.limit())}
	case latest != nil && latest.State == "requested":
		live := export.Export{ID: latest.ID, Number: latest.Number}
		return false, &ui.Banner{
			Tone: "info", Title: l.T("export.live", "Reference", live.Reference()), Text: l.T("export.live.text"),
			Link: &ui.Link{Label: l.T("plan.export.open"), URL: exportURL(live)},
		}
	}
	return true, nil
}

// fileName is how the downloaded archive is called.
func (w exportWords) fileName(e export.Export) string {
	return w.p.Key + "-" + w.v.Session.CustomerRef + "-" + e.Reference() + ".zip"
}

// exportURL is the page of an export.
func exportURL(e export.Export) string { return "/exports/" + e.ID }

// readable writes an instant in the reader's own zone and leaves other values as they are.
func (w exportWords) readable(value any) any {
	if at, ok := value.(time.Time); ok {
		return w.l.DateClock(at, w.own)
	}
	return value
}
