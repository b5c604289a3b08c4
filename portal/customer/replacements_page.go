package customer

import (
	"strings"

	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// importView is what a replacement takes from an export.
type importView struct {
	layout  ui.Page
	heading ui.Heading
	files   ui.Table
	losses  []string
	next    ui.Link
}

// buildImport words what a replacement reads, and what it has no place for.
func buildImport(v *page.Visit, r migration.Replacement, o own, layout ui.Page) importView {
	l, w := v.Locale, newExportWords(v, migration.Plan{})
	name := w.replacement(r.Key)
	view := importView{layout: layout, heading: ui.Heading{
		Eyebrow: l.T("step.export"), Title: l.T("replacement.import", "Replacement", name), Lead: l.T("replacement.import.lead", "Replacement", name),
	}}
	view.layout.Title, view.layout.Narrow = view.heading.Title, true
	view.files = ui.Table{ID: "files", Caption: l.T("replacement.files.table"), Plain: true, Columns: []ui.Column{
		{Label: l.T("replacement.file")}, {Label: l.T("replacement.from")}, {Label: l.T("replacement.columns"), Wide: true},
	}}
	for _, f := range r.Import.Files {
		names := make([]string, 0, len(f.Columns))
		for _, c := range f.Columns {
			names = append(names, c.Name)
		}
		view.files.Rows = append(view.files.Rows, ui.Row{Cells: []ui.Cell{
			{Text: "import/" + r.Key + "/" + f.Name}, {Text: w.dataset(f.Dataset)}, {Text: strings.Join(names, ", ")},
		}})
	}
	view.losses = newReplacementWords(v).losses(replacement.LossesOf(v.Programme, r, o.Usage))
	view.next = ui.Link{Label: l.T("replacement.choose"), URL: "/exports/new"}
	return view
}
