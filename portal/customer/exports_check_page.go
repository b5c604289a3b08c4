package customer

import (
	"offramp/export"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// checkView asks whether a downloaded copy is complete.
type checkView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	w       exportWords
	first   *ui.Banner // something has to come before
	done    *ui.Banner // it has been checked already
	receipt *receiptView
	howTo   howTo
	browser *checkBrowserView // checks the files where they are; nil: there are none
	asked   []helpCard        // requests for help with this export
	confirm *ui.Action
	damaged *ui.Banner // in place of confirm, once the check in the browser has found damage
	missing *ui.Link
}

// buildCheck words the check of an export that was ready once.
func buildCheck(v *page.Visit, plan migration.Plan, e export.Export, asked []assistance.Request, layout ui.Page) checkView {
	l, w := v.Locale, newExportWords(v, plan)
	view := checkView{layout: layout, back: exportURL(e), w: w, howTo: *w.howTo(e)}
	view.howTo.here = nil // it is on this page
	view.layout.Narrow = true
	view.heading = ui.Heading{Eyebrow: e.Reference(), Title: l.T("export.check"), Lead: l.T("export.check.lead")}
	view.layout.Title = view.heading.Title
	if e.Receipt != nil {
		view.receipt = w.receipt(*e.Receipt)
	}
	switch {
	case e.CheckedAt != nil:
		view.done = &ui.Banner{Tone: "ok", Title: l.T("export.check.done", "Date", w.When(*e.CheckedAt)), Link: &ui.Link{Label: l.T("nav.plan"), URL: "/plan"}}
	case !mayExport(v):
		view.first = &ui.Banner{Tone: "info", Title: l.T("export.denied"), Text: l.T("export.denied.text")}
	case e.DownloadedAt == nil:
		view.first = &ui.Banner{Tone: "info", Title: l.T("export.not_downloaded"), Text: l.T("export.not_downloaded.text"), Link: &ui.Link{Label: l.T("export.check.back"), URL: exportURL(e)}}
	default:
		view.confirm = &ui.Action{URL: exportURL(e) + "/check", Button: ui.Button{Label: l.T("export.check.complete"), Kind: ui.Primary}}
		view.damaged = &ui.Banner{
			Tone: "bad", Title: l.T("export.check.damaged"), Text: l.T("export.check.damaged.text"),
			Link: &ui.Link{Label: l.T("export.check.back"), URL: exportURL(e)},
		}
	}
	if mayExport(v) {
		browser := newCheckBrowser(l, exportURL(e))
		view.browser = &browser
	}
	for _, r := range asked {
		view.asked = append(view.asked, w.helpCard(r))
	}
	view.missing = &ui.Link{Label: l.T("export.check.missing"), URL: helpURL(e)}
	return view
}
