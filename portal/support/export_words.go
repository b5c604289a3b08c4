package support

import (
	"fmt"

	"offramp/export"
	"offramp/export/archive"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// failuresShown is how many of a dataset's failures are named.
const failuresShown = 10

// exportInside is what an export looks like inside: its files, and what could not be exported.
type exportInside struct {
	title     string
	facts     []ui.SummaryRow
	volumes   ui.Table
	technical string // the worker's own words about what went wrong
	failures  []string
	missing   int64 // items, of which failures names the first
}

// insides words those exports about which there is something to say.
func insides(v *page.Visit, list []export.Export) (all []exportInside) {
	for _, e := range list {
		if x := inside(v, e); len(x.volumes.Rows) > 0 || len(x.failures) > 0 || x.technical != "" {
			all = append(all, x)
		}
	}
	return all
}

func inside(v *page.Visit, e export.Export) exportInside {
	l := v.Locale
	x := exportInside{title: l.T("console.inside", "Reference", e.Reference()), facts: []ui.SummaryRow{
		{Key: l.T("console.attempts"), Value: l.Number(int64(e.Attempt))},
	}}
	x.technical = e.Cause
	if e.AsOf != nil {
		x.facts = append(x.facts, ui.SummaryRow{Key: l.T("export.as_of"), Value: v.When(*e.AsOf)})
	}
	x.volumes = ui.Table{ID: "volumes-" + e.Reference(), Caption: l.T("console.volumes", "Reference", e.Reference()), Plain: true, Columns: []ui.Column{
		{Label: l.T("export.volume")},
		{Label: l.T("export.state")},
		{Label: l.T("console.tries"), Numeric: true},
		{Label: l.T("export.sets.rows"), Numeric: true},
		{Label: l.T("export.sets.files"), Numeric: true},
		{Label: l.T("export.size"), Numeric: true},
		{Label: l.T("export.checksum"), Wide: true},
	}}
	for _, part := range e.Volumes {
		x.volumes.Rows = append(x.volumes.Rows, volume(v, part))
	}
	if e.Receipt != nil {
		for _, c := range e.Receipt.Datasets {
			x.fail(v, datasetName(v, c.Dataset), c)
		}
		for _, c := range e.Receipt.Attachments {
			x.fail(v, l.T("export.attachments", "Dataset", datasetName(v, c.Dataset)), c)
		}
	}
	return x
}

func volume(v *page.Visit, part export.Volume) ui.Row {
	l, size := v.Locale, ""
	if part.State == export.VolumeSealed {
		size = l.Size(part.Size)
	}
	return ui.Row{Cells: []ui.Cell{
		{Text: l.T("export.volume.number", "Number", part.Number)},
		{Body: ui.Tag("", console.VolumeTurn(part.State), l.T("console.volume."+string(part.State)))},
		{Text: l.Number(int64(part.Tries))},
		{Text: l.Number(part.Rows)},
		{Text: l.Number(part.Files)},
		{Text: size},
		{Text: part.SHA256},
	}}
}

// fail names what of a dataset could not be exported.
func (x *exportInside) fail(v *page.Visit, name string, c archive.Count) {
	x.missing += c.Failed
	for i, f := range c.Failures {
		if i == failuresShown {
			x.failures = append(x.failures, v.Locale.T("console.failures.more", "Dataset", name, "Count", v.Locale.Number(c.Failed-failuresShown)))
			return
		}
		reason := f.Reason
		if id := "export.failure." + f.Reason; v.Locale.Has(id) {
			reason = v.Locale.T(id)
		}
		x.failures = append(x.failures, fmt.Sprintf("%s · %s %s · %s", name, f.Item, f.Column, reason))
	}
}
