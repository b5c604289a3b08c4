package customer

import (
	"slices"

	"offramp/export"
	"offramp/export/archive"
	"offramp/portal/ui"
)

// failuresShown bounds the failures that the page spells out for one dataset; the archive's receipt.json has all.
const failuresShown = 20

// receiptView is an export's proof of completeness.
type receiptView struct {
	w        exportWords
	verdict  ui.Banner
	table    ui.Table
	narrowed []string // what makes the export less than everything
	failures []failedSet
	imports  ui.Table   // files for a replacement
	files    []ui.Link  // the receipt to take along
	mend     []string   // what can be done about what is missing, and what cannot
	repair   *ui.Action // builds only what failed
}

// failedSet is what could not be exported of one dataset, or is not in the files of one format.
type failedSet struct {
	title string
	note  string // empty for none
	items []string
	rest  string // how many more there are; empty for none
}

// receipt words the account of every row and every file.
func (w exportWords) receipt(r export.Receipt) *receiptView {
	l := w.l
	view := &receiptView{w: w, verdict: ui.Banner{Tone: "ok", Title: l.T("export.receipt.complete"), Text: l.T("export.receipt.complete.text")}}
	if !r.Complete {
		view.verdict = w.incomplete(r)
	}
	view.table = ui.Table{ID: "receipt", Caption: l.T("export.receipt.table"), Plain: true, Columns: []ui.Column{
		{Label: l.T("export.dataset")},
		{Label: l.T("export.in_source"), Numeric: true},
		{Label: l.T("export.exported"), Numeric: true},
		{Label: l.T("export.failed_count"), Numeric: true, Key: true},
	}}
	var sum archive.Count
	add := func(name string, c archive.Count) {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: w.counts(name, c)})
		sum.Source, sum.Exported, sum.Failed = sum.Source+c.Source, sum.Exported+c.Exported, sum.Failed+c.Failed
		if c.Failed > 0 {
			view.failures = append(view.failures, w.failures(l.T("export.failures", "Dataset", name), c.Failures, c.Failed))
		}
		for _, x := range c.Lacking {
			set := w.failures(l.T("export.lacking", "Dataset", name, "Format", l.T("export.format."+x.Format)), x.Failures, x.Rows)
			set.note = l.T("export.lacking.note")
			view.failures = append(view.failures, set)
		}
	}
	for _, c := range r.Datasets {
		add(w.dataset(c.Dataset), c)
	}
	for _, c := range r.Attachments {
		add(l.T("export.attachments", "Dataset", w.dataset(c.Dataset)), c)
	}
	view.table.Total = w.counts(l.T("export.total"), sum)
	for _, c := range r.Imports {
		if c.Failed > 0 {
			view.failures = append(view.failures, w.failures(l.T("export.failures", "Dataset", w.replacement(c.Replacement)+": "+c.File), c.Failures, c.Failed))
		}
	}
	view.imports, view.mend = w.imports(r.Imports), w.mend(r)
	view.narrowed = archive.NarrowedWords(l, r.Narrowed, w.dataset)
	return view
}

// imports lists the files for a replacement, which hold some of the rows again.
func (w exportWords) imports(list []archive.ImportCount) ui.Table {
	l := w.l
	t := ui.Table{ID: "imports", Caption: l.T("export.imports"), Plain: true, Columns: []ui.Column{
		{Label: l.T("replacement.file")},
		{Label: l.T("export.in_source"), Numeric: true},
		{Label: l.T("export.exported"), Numeric: true},
		{Label: l.T("export.skipped"), Numeric: true},
		{Label: l.T("export.failed_count"), Numeric: true, Key: true},
	}}
	for _, c := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: w.replacement(c.Replacement) + ": " + c.File}, {Text: l.Number(c.Source)}, {Text: l.Number(c.Exported)}, {Text: l.Number(c.Skipped)}, {Text: l.Number(c.Failed)},
		}})
	}
	return t
}

func (w exportWords) counts(name string, c archive.Count) []ui.Cell {
	return []ui.Cell{{Text: name}, {Text: w.l.Number(c.Source)}, {Text: w.l.Number(c.Exported)}, {Text: w.l.Number(c.Failed)}}
}

// incomplete says what an export lacks: items, or only the rows that one format has no place for.
func (w exportWords) incomplete(r export.Receipt) ui.Banner {
	l, failed, lacking := w.l, missingItems(r), int64(0)
	var formats []string
	for _, c := range r.Datasets {
		for _, x := range c.Lacking {
			lacking += x.Rows
			if name := l.T("export.format." + x.Format); !slices.Contains(formats, name) {
				formats = append(formats, name)
			}
		}
	}
	if failed == 0 && lacking > 0 {
		return ui.Banner{
			Tone: "warn", Title: l.N("export.receipt.lacking", int(lacking), "Formats", w.list(formats)), Text: l.T("export.receipt.lacking.text"),
		}
	}
	return ui.Banner{Tone: "warn", Title: l.N("export.receipt.incomplete", int(failed)), Text: l.T("export.receipt.incomplete.text")}
}

// missingItems counts what is nowhere in an export.
func missingItems(r export.Receipt) (n int64) {
	for _, c := range slices.Concat(r.Datasets, r.Attachments) {
		n += c.Failed
	}
	for _, c := range r.Imports {
		n += c.Failed
	}
	return n
}

// mending says for each reason what can be done, in the order in which the page says it.
var mending = []struct {
	key     string
	reasons []string
}{
	{"again", []string{"changed", "unreadable"}},
	{"pages", []string{"page_failed", "rest_failed"}},
	{"archived", []string{"archived"}},
	{"access", []string{"denied", "no_key"}},
	{"missing", []string{"missing"}},
	{"damaged", []string{"not_utf8", "not_json", "not_binary", "not_converted"}},
	{"rules", []string{"rule_failed", "rule_cost"}},
	{"format", []string{"out_of_range"}},
}

// mend says what building again can and cannot do about what is missing.
func (w exportWords) mend(r export.Receipt) (lines []string) {
	reasons := map[string]bool{}
	note := func(all []archive.Failure) {
		for _, f := range all {
			reasons[f.Reason] = true
		}
	}
	for _, c := range slices.Concat(r.Datasets, r.Attachments) {
		note(c.Failures)
		for _, x := range c.Lacking {
			note(x.Failures)
		}
	}
	for _, c := range r.Imports {
		note(c.Failures)
	}
	for _, m := range mending {
		if slices.ContainsFunc(m.reasons, func(reason string) bool { return reasons[reason] }) {
			lines = append(lines, w.l.T("export.mend."+m.key))
		}
	}
	return lines
}

func (w exportWords) failures(title string, all []archive.Failure, total int64) failedSet {
	set := failedSet{title: title}
	for _, f := range all[:min(len(all), failuresShown)] {
		set.items = append(set.items, w.failure(f))
	}
	if rest := total - int64(len(set.items)); rest > 0 {
		set.rest = w.l.N("export.failures.more", int(rest))
	}
	return set
}

// failure names one row or file and why it is not there.
func (w exportWords) failure(f archive.Failure) string {
	l, item := w.l, f.Item
	switch {
	case f.Name != "":
		item = f.Name
	case f.Column != "":
		item = l.T("export.failure.cell", "Row", f.Item, "Column", f.Column)
	}
	if f.Volume > 0 {
		item = l.T("export.failure.volume", "Item", item, "Number", f.Volume)
	}
	reason := l.T("export.reason")
	if id := "export.failure." + f.Reason; l.Has(id) {
		reason = l.T(id)
	}
	return l.T("export.failure", "Item", item, "Reason", reason)
}
