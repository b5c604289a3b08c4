package customer

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"offramp/export"
	"offramp/export/outline"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exportWords words exports for one reader.
type exportWords struct {
	dated
	v       *page.Visit
	earlier []export.Export // those that a selection may refer to
	offered outline.Outline // has the labels of filters' values
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
func (w exportWords) scope(s export.Selection) string { return Scope(w.l, s) }

// Scope says in a few words what an export holds; staff read the same.
func Scope(l *locale.Locale, s export.Selection) string {
	switch {
	case s.All():
		return l.T("export.scope.all")
	case s.Repair != "":
		return l.T("export.scope.repair")
	case s.Since != "":
		return l.T("export.scope.changes")
	case len(s.Datasets) > 0:
		return l.N("export.scope.some", len(s.Datasets))
	}
	return l.T("export.scope.part")
}

// contents names everything that an export holds.
func (w exportWords) contents(s export.Selection) string {
	switch {
	case s.All():
		return w.l.T("export.scope.all")
	case s.Repair != "":
		return w.l.T("export.repair.of", "Reference", w.reference(s.Repair))
	case len(s.Datasets) == 0:
		return w.l.T("export.scope.datasets")
	}
	names := make([]string, 0, len(s.Datasets))
	for _, key := range s.Datasets {
		names = append(names, w.dataset(key))
	}
	return strings.Join(names, " · ")
}

// holds reports whether a dataset is part of a selection.
func (w exportWords) holds(s export.Selection, dataset string) bool {
	return len(s.Datasets) == 0 || slices.Contains(s.Datasets, dataset)
}

// find returns an earlier export that a selection names.
func (w exportWords) find(id string) (export.Export, bool) {
	i := slices.IndexFunc(w.earlier, func(e export.Export) bool { return e.ID == id })
	if i < 0 {
		return export.Export{}, false
	}
	return w.earlier[i], true
}

// reference is what people call an earlier export.
func (w exportWords) reference(id string) string {
	if e, ok := w.find(id); ok {
		return e.Reference()
	}
	return w.l.T("export.earlier")
}

// sinceText says after what changes are exported; empty when all is.
func (w exportWords) sinceText(s export.Selection) string {
	if s.Since == "" {
		return ""
	}
	if e, ok := w.find(s.Since); ok && e.AsOf != nil {
		return w.l.T("export.since", "Reference", e.Reference(), "Date", w.When(*e.AsOf))
	}
	return w.l.T("export.scope.changes")
}

// period says which days an export covers; empty for all.
func (w exportWords) period(s export.Selection) string {
	day := func(d migration.Day) string { return w.OurDay(d.End(w.p.Zone)) }
	switch {
	case s.From.IsZero() && s.Until.IsZero():
		return ""
	case s.Until.IsZero():
		return w.l.T("export.period.from", "From", day(s.From))
	case s.From.IsZero():
		return w.l.T("export.period.until", "Until", day(s.Until))
	}
	return w.l.T("export.period.both", "From", day(s.From), "Until", day(s.Until))
}

// list writes names one after the other.
func (w exportWords) list(names []string) (text string) {
	for i, name := range names {
		if i == 0 {
			text = name
			continue
		}
		text = w.l.T("export.list.and", "First", text, "Then", name)
	}
	return text
}

// filter is the programme's name for a filter.
func (w exportWords) filter(f migration.Filter) string {
	if name := w.l.Pick(f.Name); name != "" {
		return name
	}
	return f.Key
}

// replacement is the programme's name for a product to move to.
func (w exportWords) replacement(key string) string {
	if r, ok := w.p.Replacement(key); ok && w.l.Pick(r.Name) != "" {
		return w.l.Pick(r.Name)
	}
	return key
}

// importURL is the page about what a replacement takes from an export.
func importURL(key string) string { return "/replacements/" + url.PathEscape(key) + "/import" }

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
	if s.Browse {
		names = append(names, w.l.T("export.format.browse"))
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
	text := w.l.T("export.moment", "When", w.OurWhen(at), "Zone", w.l.ZoneName(w.p.Zone, at))
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

// exportURL is the page of an export.
func exportURL(e export.Export) string { return "/exports/" + e.ID }

// readable writes an instant in the reader's own zone and leaves other values as they are.
func (w exportWords) readable(value any) any {
	if at, ok := value.(time.Time); ok {
		return w.When(at)
	}
	return value
}
