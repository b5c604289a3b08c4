package workspace

import (
	"slices"

	"offramp/migration/governance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

type templatesView struct {
	layout    ui.Page
	heading   ui.Heading
	templates []templateCard
	note      string
}

type templateCard struct {
	card  ui.Card
	about string
	facts []ui.SummaryRow
	start *ui.Action
}

func buildTemplates(v *page.Visit, list []governance.Template, running []string, manager bool, layout ui.Page) templatesView {
	l := v.Locale
	view := templatesView{layout: layout, heading: ui.Heading{Title: l.T("workspace.choose"), Lead: l.T("workspace.choose.lead")}}
	if !manager {
		view.note = l.T("workspace.choose.manager")
	}
	for i, t := range list {
		card := templateCard{
			card:  ui.Card{ID: "template-" + t.Key, Title: l.Pick(t.Name), Meta: l.N("workspace.count.items", len(t.Items))},
			about: l.Pick(t.About),
		}
		var phases, blocks []string
		for _, p := range t.Phases {
			phases = append(phases, l.Pick(p.Name))
			for _, act := range p.Gate.Blocks {
				blocks = append(blocks, l.T("workspace.act."+act))
			}
		}
		card.facts = []ui.SummaryRow{{Key: l.T("workspace.phases"), Value: enumerate(l, phases)}}
		if len(blocks) > 0 {
			card.facts = append(card.facts, ui.SummaryRow{Key: l.T("workspace.blocks"), Value: enumerate(l, blocks)})
		}
		if manager && !slices.Contains(running, t.Key) {
			kind := ui.Plain
			if i == 0 {
				kind = ui.Primary
			}
			card.start = &ui.Action{
				URL: Path, Hidden: []ui.Pair{{Name: "template", Value: t.Key}},
				Button: ui.Button{Label: l.T("workspace.start"), Hidden: l.Pick(t.Name), Kind: kind},
			}
		}
		view.templates = append(view.templates, card)
	}
	return view
}
