package customer

import (
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
	repair   *ui.Action // builds only what failed
}

// failedSet is what could not be exported of one dataset.
type failedSet struct {
	title string
	items []string
	rest  string // how many more there are; empty for none
}

// receipt words the account of every row and every file.
func (w exportWords) receipt(r export.Receipt) *receiptView {
	l := w.l
	view := &receiptView{w: w, verdict: ui.Banner{Tone: "ok", Title: l.T("export.receipt.complete"), Text: l.T("export.receipt.complete.text")}}
	if !r.Complete {
		view.verdict = ui.Banner{Tone: "warn", Title: l.T("export.receipt.incomplete"), Text: l.T("export.receipt.incomplete.text")}
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
			view.failures = append(view.failures, w.failures(name, c))
		}
	}
	for _, c := range r.Datasets {
		add(w.dataset(c.Dataset), c)
	}
	for _, c := range r.Attachments {
		add(l.T("export.attachments", "Dataset", w.dataset(c.Dataset)), c)
	}
	view.table.Total = w.counts(l.T("export.total"), sum)
	view.imports = w.imports(r.Imports)
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

func (w exportWords) failures(name string, c archive.Count) failedSet {
	set := failedSet{title: name}
	for _, f := range c.Failures[:min(len(c.Failures), failuresShown)] {
		set.items = append(set.items, w.failure(f))
	}
	if rest := c.Failed - int64(len(set.items)); rest > 0 {
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
	reason := l.T("export.reason")
	if id := "export.failure." + f.Reason; l.Has(id) {
		reason = l.T(id)
	}
	return l.T("export.failure", "Item", item, "Reason", reason)
}
