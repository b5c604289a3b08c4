package approvals

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"offramp/internal/textdiff"
	"offramp/migration/governance/approval"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// paperView is the page of a paper.
type paperView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	links    []ui.Link
	body     string
	state    templ.Component
	facts    []ui.SummaryRow
	now      *roundView
	decide   *decideForm
	choose   *ui.Selection // a path to submit it on
	submit   *submitForm
	withdraw *ui.Action
	replace  *replaceForm
	talks    []talkView
	talk     talkForm
	earlier  []roundView
}

type roundView struct {
	card    ui.Card
	picture picture
	facts   []ui.SummaryRow
	table   ui.Table
}

type decideForm struct {
	url, title, early string
	hidden            []ui.Pair
	words             ui.Area
	changed           []textdiff.Part
	same              string
	approve, back     ui.Button
	canApprove        bool
}

type submitForm struct {
	url, text, papers string
	hidden            []ui.Pair
	picture           picture
	nodes             []ui.Choices
	button            ui.Button
}

type replaceForm struct {
	url      string
	from, to ui.Selection
	button   ui.Button
}

type talkView struct {
	title, by string
	rows      []ui.SummaryRow
}

type talkForm struct {
	url                    string
	whom                   ui.Input
	concern                ui.Selection
	said, agreed, unsolved ui.Area
	button                 ui.Button
}

func buildPaper(v *page.Visit, d desk, layout ui.Page) paperView {
	l, p := v.Locale, d.Paper
	view := paperView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("approval.kind." + p.Kind), Title: p.Title}, body: p.Body,
		state: ui.Tag("", tones[p.State], l.T("approval.state."+p.State)), facts: d.facts(v),
	}
	if r, ok := d.Now(); ok {
		view.links = append(view.links, ui.Link{Label: l.T("approval.record"), URL: paperURL(p.ID) + "/record"})
		one := d.round(v, r, "now", l.T("approval.now"))
		view.now = &one
		view.decide = d.decideForm(v, r)
		view.replace = d.replaceForm(v, r)
		for _, r := range d.Rounds[1:] {
			id := "round-" + strconv.Itoa(r.Number)
			view.earlier = append(view.earlier, d.round(v, r, id, l.T("approval.round", "Number", r.Number)))
		}
	}
	if d.manager {
		view.links = append(view.links, ui.Link{Label: l.T("approval.edit"), URL: paperURL(p.ID) + "/edit"})
		if p.State == approval.Open {
			view.withdraw = &ui.Action{URL: paperURL(p.ID) + "/withdraw", Button: ui.Button{Label: l.T("approval.withdraw"), Kind: ui.Quiet}}
		}
		if p.State != approval.Open && p.State != approval.Approved {
			view.choose, view.submit = d.submitForm(v)
		}
	}
	view.talks, view.talk = d.talkViews(v)
	view.errors = view.faults()
	view.layout.Errors = len(view.errors) > 0
	return view
}

// faults are the refused fields of the page's forms, for the summary.
func (view paperView) faults() (list []ui.FieldError) {
	add := func(f ui.Field) {
		if f.Error != "" {
			list = append(list, ui.FieldError{FieldID: f.ID, Label: f.Label, Text: f.Error})
		}
	}
	if view.decide != nil {
		add(view.decide.words.Field)
	}
	if view.choose != nil {
		add(view.choose.Field)
	}
	if view.submit != nil {
		for _, n := range view.submit.nodes {
			add(n.Field)
		}
	}
	if view.replace != nil {
		add(view.replace.to.Field)
	}
	for _, f := range []ui.Field{view.talk.whom.Field, view.talk.concern.Field, view.talk.said.Field, view.talk.agreed.Field, view.talk.unsolved.Field} {
		add(f)
	}
	return list
}

func (d desk) facts(v *page.Visit) []ui.SummaryRow {
	l, p := v.Locale, d.Paper
	rows := []ui.SummaryRow{{Key: l.T("approval.author"), Value: named(d.names, p.Author)}, {Key: l.T("approval.last_changed"), Value: v.When(p.ChangedAt)}}
	if p.Budget != "0.00" {
		rows = append(rows, ui.SummaryRow{Key: l.T("approval.budget"), Value: strings.TrimSuffix(p.Budget, ".00") + " " + p.Currency})
	}
	return append(rows, ui.SummaryRow{Key: l.T("approval.hash"), Body: fingerprint(p.Hash)})
}

// round shows one round: the picture, and the same as a table.
func (d desk) round(v *page.Visit, r approval.Round, id, title string) roundView {
	l := v.Locale
	view := roundView{
		card:    ui.Card{ID: id, Title: title, Aside: ui.Tag("", tones[r.State], l.T("approval.state."+r.State))},
		picture: draw(l, "picture-"+id, r.Path, r.Stops),
		facts: []ui.SummaryRow{
			{Key: l.T("approval.path"), Value: l.Pick(r.Path.Name)},
			{Key: l.T("approval.submitted"), Value: l.T("approval.submitted_by", "Who", named(d.names, r.SubmittedBy), "When", v.When(r.SubmittedAt))},
			{Key: l.T("approval.from"), Value: v.When(r.DecideFrom)},
			{Key: l.T("approval.hash"), Body: fingerprint(r.Hash)},
		},
	}
	if r.Why != "" {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("approval.state." + r.State), Value: r.Why})
	}
	view.table = ui.Table{ID: id + "-t", Caption: l.T("approval.path.of", "Path", l.Pick(r.Path.Name)), Plain: true, Columns: []ui.Column{
		{Label: l.T("approval.node")}, {Label: l.T("approval.who")}, {Label: l.T("approval.decision"), Key: true}, {Label: l.T("approval.when")}, {Label: l.T("approval.words"), Wide: true},
	}}
	for _, stop := range r.Stops {
		view.table.Rows = append(view.table.Rows, d.stop(v, stop)...)
	}
	return view
}

func (d desk) stop(v *page.Visit, stop approval.Stop) (rows []ui.Row) {
	l := v.Locale
	name := l.T("approval.step", "Number", stop.Step+1) + " · " + l.Pick(stop.Name)
	note := needs(l, stop.Node)
	if c := condition(v, stop.Node); c != "" {
		note += " · " + c
	}
	tag := func(state string) templ.Component { return ui.Tag("", tones[state], l.T("approval.state."+state)) }
	if len(stop.Seats) == 0 || stop.State == approval.Skipped {
		return []ui.Row{{Cells: []ui.Cell{{Text: name, Note: note}, {}, {Body: tag(stop.State)}, {}, {}}}}
	}
	for _, seat := range stop.Seats {
		state, when := d.seat(v, stop, seat)
		cell := ui.Cell{Text: named(d.names, seat.Who)}
		if seat.By != "" && seat.By != seat.Who {
			cell.Text = l.T("approval.for", "By", named(d.names, seat.By), "Who", cell.Text)
		}
		var stand []string
		for _, s := range seat.StandIns {
			stand = append(stand, named(d.names, s))
		}
		if len(stand) > 0 {
			cell.Note = l.T("approval.may", "Delegate", strings.Join(stand, ", "), "Who", named(d.names, seat.Who))
		}
		rows = append(rows, ui.Row{Cells: []ui.Cell{{Text: name, Note: note}, cell, {Body: tag(state)}, {Text: when}, {Text: seat.Words}}})
	}
	return rows
}

// seat is the state of one who is asked, and when they decided or have to.
func (d desk) seat(v *page.Visit, stop approval.Stop, seat approval.Seat) (state, when string) {
	l := v.Locale
	switch {
	case seat.At != nil:
		return seat.State, v.When(*seat.At)
	case seat.State == approval.Asked && stop.State == approval.Approved: // enough others have approved
		return approval.Skipped, ""
	case seat.State == approval.Asked && stop.State != approval.Open:
		return stop.State, ""
	case seat.State != approval.Asked || stop.DueAt == nil:
		return seat.State, ""
	case v.Now.After(*stop.DueAt):
		return seat.State, l.T("approval.late", "Date", v.When(*stop.DueAt))
	}
	return seat.State, l.T("approval.due") + " " + v.When(*stop.DueAt)
}

func (d desk) decideForm(v *page.Visit, r approval.Round) *decideForm {
	l := v.Locale
	i := slices.IndexFunc(r.Stops, func(s approval.Stop) bool { return s.MineSeat != "" })
	if i < 0 || d.me == r.SubmittedBy || d.me == d.Paper.Author || d.me == d.Paper.ChangedBy {
		return nil
	}
	seat := r.Stops[i].MineSeat
	f := &decideForm{
		url: paperURL(d.Paper.ID) + "/decide", title: l.T("approval.decide"),
		hidden:  []ui.Pair{{Name: "node", Value: r.Stops[i].Key}, {Name: "seat", Value: seat}, {Name: "hash", Value: r.Hash}},
		approve: ui.Button{Label: l.T("approval.approve"), Kind: ui.Primary, Name: "decision", Value: "approve"},
		back:    ui.Button{Label: l.T("approval.send_back"), Name: "decision", Value: "send_back"}, canApprove: !v.Now.Before(r.DecideFrom),
	}
	if seat != d.me {
		f.title = l.T("approval.decide.for", "Who", named(d.names, seat))
	}
	if !f.canApprove {
		f.early = l.T("approval.decide.early", "Date", v.When(r.DecideFrom))
	}
	value, wrong := d.asked.of(v, "decide", "words")
	f.words = ui.Area{Field: ui.Field{Locale: l, ID: "words", Label: l.T("approval.decide.words"), Hint: l.T("approval.decide.words.hint"), Error: wrong}, Value: value, MaxLength: 2000, Rows: 3}
	switch seen := d.Seen(d.me); {
	case seen == r.Content:
		f.same = l.T("approval.diff.none")
	case seen != "":
		f.changed = compared(seen, r.Content)
	}
	return f
}

// submitForm asks for a path first, and then for the people of its nodes.
func (d desk) submitForm(v *page.Visit) (*ui.Selection, *submitForm) {
	l := v.Locale
	_, wrong := d.asked.of(v, "submit", "path")
	choose := &ui.Selection{Field: ui.Field{Locale: l, ID: "path", Label: l.T("approval.path"), Error: wrong}, Width: "medium"}
	for _, p := range d.paths {
		choose.Options = append(choose.Options, ui.Option{Value: p.Key, Label: l.Pick(p.Name), Selected: p.Key == d.path})
	}
	i := slices.IndexFunc(d.paths, func(p approval.Path) bool { return p.Key == d.path })
	if i < 0 {
		return choose, nil
	}
	p := d.paths[i]
	f := &submitForm{
		url: paperURL(d.Paper.ID) + "/submit", text: l.T("approval.submit.text"), picture: draw(l, "picture-submit", p, nil),
		hidden: []ui.Pair{{Name: "version", Value: strconv.Itoa(d.Paper.Version)}, {Name: "path", Value: p.Key}},
		button: ui.Button{Label: l.T("approval.submit"), Kind: ui.Primary},
	}
	if p.Papers > 0 {
		f.papers = l.N("approval.papers", p.Papers)
	}
	for _, n := range p.Nodes() {
		if !n.Chosen {
			continue
		}
		if c := d.choosePeople(v, n); len(c.Options) > 0 {
			f.nodes = append(f.nodes, c)
		}
	}
	return choose, f
}

// choosePeople asks who decides at a node. Whoever decided there in the last round is ticked.
func (d desk) choosePeople(v *page.Visit, n approval.Node) ui.Choices {
	l, id := v.Locale, "node-"+n.Key
	_, wrong := d.asked.of(v, "submit", id)
	c := ui.Choices{Field: ui.Field{
		Locale: l, ID: id, Label: l.T("approval.node.people", "Node", l.Pick(n.Name)), Error: wrong,
		Hint: l.T("approval.node.people.hint", "Watches", l.Pick(n.Watches)),
	}}
	before := d.before(n.Key)
	if d.asked.what == "submit" {
		before = d.asked.form.All(id)
	}
	for _, who := range d.people {
		if who.ID != d.me && who.ID != d.Paper.Author && who.ID != d.Paper.ChangedBy {
			c.Options = append(c.Options, ui.Option{Value: who.ID, Label: who.Name, Selected: slices.Contains(before, who.ID)})
		}
	}
	return c
}

// before lists who was asked at a node in the last round.
func (d desk) before(node string) (list []string) {
	r, _ := d.Now()
	for _, stop := range r.Stops {
		for _, seat := range stop.Seats {
			if stop.Key == node && seat.State != approval.Replaced {
				list = append(list, seat.Who)
			}
		}
	}
	return list
}

func (d desk) replaceForm(v *page.Visit, r approval.Round) *replaceForm {
	l := v.Locale
	if !d.manager || r.State != approval.Open || d.me == r.SubmittedBy || d.me == d.Paper.Author {
		return nil
	}
	value, wrong := d.asked.of(v, "replace", "to")
	was, _ := d.asked.of(v, "replace", "from")
	f := &replaceForm{
		url:    paperURL(d.Paper.ID) + "/replace",
		from:   ui.Selection{Field: ui.Field{Locale: l, ID: "from", Label: l.T("approval.replace.from")}, Width: "medium"},
		to:     pick(ui.Field{Locale: l, ID: "to", Label: l.T("approval.replace.to"), Error: wrong}, d.people, value, r.SubmittedBy, d.Paper.Author, d.Paper.ChangedBy),
		button: ui.Button{Label: l.T("approval.replace.do")},
	}
	for _, stop := range r.Stops {
		for _, seat := range stop.Seats {
			if seat.State == approval.Asked && (stop.State == approval.Open || stop.State == approval.Waiting) {
				key := stop.Key + "/" + seat.Who
				f.from.Options = append(f.from.Options, ui.Option{Value: key, Label: named(d.names, seat.Who) + " · " + l.Pick(stop.Name), Selected: key == was})
			}
		}
	}
	if len(f.from.Options) == 0 {
		return nil
	}
	return f
}

func (d desk) talkViews(v *page.Visit) (list []talkView, f talkForm) {
	l := v.Locale
	for _, t := range d.Talks {
		one := talkView{title: t.Whom, by: l.T("approval.talk.by", "Who", named(d.names, t.By), "When", v.When(t.At))}
		one.rows = []ui.SummaryRow{{Key: l.T("approval.talk.concern"), Value: l.T("approval.concern." + t.Concern)}, {Key: l.T("approval.talk.said"), Value: t.Said}}
		if t.Agreed != "" {
			one.rows = append(one.rows, ui.SummaryRow{Key: l.T("approval.talk.agreed"), Value: t.Agreed})
		}
		if t.Unsolved != "" {
			one.rows = append(one.rows, ui.SummaryRow{Key: l.T("approval.talk.unsolved"), Value: t.Unsolved})
		}
		list = append(list, one)
	}
	field := func(name string, optional bool) (ui.Field, string) {
		value, wrong := d.asked.of(v, "talk", name)
		return ui.Field{Locale: l, ID: name, Label: l.T("approval.talk." + name), Error: wrong, Optional: optional}, value
	}
	f = talkForm{url: paperURL(d.Paper.ID) + "/talks", button: ui.Button{Label: l.T("approval.talk.add")}}
	one, value := field("whom", false)
	f.whom = ui.Input{Field: one, Value: value, MaxLength: 200, Width: "medium"}
	one, value = field("concern", false)
	f.concern = ui.Selection{Field: one, Width: "medium"}
	for _, k := range approval.Concerns {
		f.concern.Options = append(f.concern.Options, ui.Option{Value: k, Label: l.T("approval.concern." + k), Selected: k == value})
	}
	for name, area := range map[string]*ui.Area{"said": &f.said, "agreed": &f.agreed, "unsolved": &f.unsolved} {
		one, value := field(name, name != "said")
		*area = ui.Area{Field: one, Value: value, MaxLength: 2000, Rows: 2}
	}
	return list, f
}

// recordView is the written record.
type recordView struct {
	layout  ui.Page
	heading ui.Heading
	back    string
	facts   []ui.SummaryRow
	rounds  []roundView
	content string
	talks   []talkView
}

func buildRecord(v *page.Visit, d desk, layout ui.Page) recordView {
	l := v.Locale
	view := recordView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("approval.record.lead"), Title: d.Paper.Title}, back: paperURL(d.Paper.ID),
		facts: append([]ui.SummaryRow{{Key: l.T("approval.state"), Value: l.T("approval.state." + d.Paper.State)}}, d.facts(v)...), content: d.Paper.Body,
	}
	for i := len(d.Rounds) - 1; i >= 0; i-- {
		r := d.Rounds[i]
		view.rounds = append(view.rounds, d.round(v, r, "round-"+strconv.Itoa(r.Number), l.T("approval.round", "Number", r.Number)))
	}
	if r, ok := d.Now(); ok {
		view.content = r.Content
	}
	view.talks, _ = d.talkViews(v)
	return view
}
