package manager

import (
	"offramp/migration"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// versionView is the page of one version.
type versionView struct {
	layout  ui.Page
	heading ui.Heading
	state   ui.Card
	rows    []ui.SummaryRow
	link    ui.Link
	change  change
}

func buildVersion(v *page.Visit, p migration.Proposal, names map[string]string, layout ui.Page) versionView {
	l, w, version := v.Locale, words{v, names}, p.Version
	return versionView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("console.programme"), Title: l.T("console.version", "Number", version.Number)},
		state: ui.Card{ID: "version", Title: l.T("console.version.about"), Aside: ui.Tag("", console.VersionTurn(version.State), l.T("console.version.state."+version.State))},
		rows:  w.facts(version), link: w.source(version), change: w.change(p),
	}
}
