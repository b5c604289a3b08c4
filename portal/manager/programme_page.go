package manager

import (
	"fmt"
	"strconv"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// shelf is what was read of all versions.
type shelf struct {
	versions []migration.Version
	proposed *migration.Proposal // nil: nothing waits
	names    map[string]string
	misled   notice.Misled // by the dates that the proposed version moves
	reason   string        // that was sent, and refused says why it came back
	refused  error
}

// programmeView is the page about the programme.
type programmeView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	none     *ui.Empty // no version is active
	active   *versionCard
	proposed *proposalCard // nil: nothing waits
	versions ui.Table
	choices  *ui.Link // how step 3 stands; nil: the programme has none
}

// versionCard is one version in a card.
type versionCard struct {
	card ui.Card
	rows []ui.SummaryRow
	link ui.Link
}

// proposalCard is what a version changes, with what can be done about it.
type proposalCard struct {
	card     ui.Card
	rows     []ui.SummaryRow
	link     ui.Link
	change   change
	own      *ui.Banner // the reader proposed it and may not approve it
	approve  *ui.Action
	reason   *ui.Area // asked where dates move forward
	asked    string   // what approving does
	two      string   // how far the two approvals are that it needs; "": it needs one
	withdraw ui.Action

	correction *correctionCard // nil: nobody was told a date that moves
}

// correctionCard is whom the portal has to correct when the version takes effect.
type correctionCard struct {
	text    string
	notices ui.Table
	list    ui.Table
	more    string
}

// words words versions for one reader.
type words struct {
	v     *page.Visit
	names map[string]string
}

func buildProgramme(v *page.Visit, s shelf, layout ui.Page) programmeView {
	l, w := v.Locale, words{v, s.names}
	view := programmeView{layout: layout, heading: ui.Heading{Title: l.T("console.programme"), Lead: l.T("console.programme.lead")}, versions: w.table(s.versions), choices: replacementsLink(v, v.Programme)}
	for _, version := range s.versions {
		if version.State == migration.VersionActive {
			view.active = &versionCard{
				card: ui.Card{ID: "active", Title: l.T("console.version.active", "Number", version.Number), Aside: ui.Tag("", console.Done, l.T("console.version.state.active"))},
				rows: w.facts(version), link: w.source(version),
			}
		}
	}
	if view.active == nil {
		view.none = &ui.Empty{ID: "none", Title: l.T("console.programme.none"), Text: l.T("console.programme.none.text")}
	}
	if s.proposed != nil {
		view.proposed = w.proposal(*s.proposed)
		view.proposed.correction = w.correction(*s.proposed, s.misled)
		if area := view.proposed.reason; area != nil {
			area.Value = s.reason
			if f, ok := fault.As(s.refused); ok && len(f.Fields) > 0 {
				area.Error = l.T(f.Fields[0].Key, "Limit", f.Fields[0].Args["Limit"])
				view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "reason", Text: area.Error}}, true
			}
		}
	}
	return view
}

// correction says whom the portal will correct.
func (w words) correction(p migration.Proposal, m notice.Misled) *correctionCard {
	l := w.v.Locale
	if m.Customers == 0 {
		return nil
	}
	c := &correctionCard{
		text: l.N("console.correction.text", m.Customers),
		notices: ui.Table{ID: "correction-notices", Plain: true, Caption: l.T("console.correction.notices"), Columns: []ui.Column{
			{Label: l.T("console.correction.notice")}, {Label: l.T("console.customers"), Numeric: true},
		}},
		list: ui.Table{ID: "correction-list", Plain: true, Caption: l.T("console.correction.list"), Columns: []ui.Column{
			{Label: l.T("console.customer")}, {Label: l.T("console.tier")}, {Label: l.T("console.correction.dates"), Wide: true},
		}},
	}
	for _, n := range m.Notices {
		c.notices.Rows = append(c.notices.Rows, ui.Row{Cells: []ui.Cell{{Text: page.NoticeName(l, p.Programme, n.Notice)}, {Text: l.Number(int64(n.Customers))}}})
	}
	for _, one := range m.List {
		var dates []string
		for _, d := range one.Dates {
			milestone, _ := p.Programme.Milestone(d.Milestone)
			dates = append(dates, l.T("console.moved", "What", page.MilestoneName(l, milestone),
				"Was", w.v.DayOf(d.Was), "Now", w.v.DayOf(d.Day)))
		}
		c.list.Rows = append(c.list.Rows, ui.Row{Cells: []ui.Cell{
			{Text: one.Name + " · " + one.Ref}, {Text: page.TierName(l, p.Programme, one.Tier)}, {Text: notice.Enumerate(l, dates)},
		}})
	}
	if m.Customers > len(m.List) {
		c.more = l.N("notice.day.more", m.Customers-len(m.List))
	}
	return c
}

func (w words) proposal(p migration.Proposal) *proposalCard {
	l, version := w.v.Locale, p.Version
	url := versionURL(version.Number)
	card := &proposalCard{
		card: ui.Card{ID: "proposed", Title: l.T("console.version.proposed", "Number", version.Number), Aside: ui.Tag("", console.Ours, l.T("console.version.state.proposed"))},
		rows: w.facts(version), link: w.source(version), change: w.change(p), asked: l.T("console.approve.text"),
		withdraw: ui.Action{URL: url + "/withdraw", Button: ui.Button{Label: l.T("console.withdraw"), Kind: ui.Danger}},
	}
	if version.NeedsTwo() {
		card.asked, card.two = l.T("console.approve.two"), l.T("console.approvals.none")
		if version.FirstApprovedBy != "" {
			card.two = l.T("console.approvals.one", "Who", w.who(version.FirstApprovedBy))
		}
	}
	switch w.v.Session.IdentityID {
	case version.ProposedBy:
		card.own = &ui.Banner{Tone: "info", Title: l.T("console.approve.own"), Text: l.T("console.approve.own.text")}
	case version.FirstApprovedBy:
		card.own = &ui.Banner{Tone: "info", Title: l.T("console.approve.once"), Text: l.T("console.approve.once.text")}
	default:
		if len(migration.Earlier(p.Moved)) > 0 {
			card.reason = &ui.Area{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("console.earlier.reason"), Hint: l.T("console.earlier.reason.hint")}, Rows: 2, MaxLength: 500}
		}
		card.approve = &ui.Action{URL: url + "/approve", Button: ui.Button{Label: l.T("console.approve"), Kind: ui.Primary}}
	}
	return card
}

func (w words) facts(version migration.Version) []ui.SummaryRow {
	l := w.v.Locale
	rows := []ui.SummaryRow{{Key: l.T("console.proposed"), Value: w.act(version.ProposedBy, w.v.When(version.ProposedAt))}}
	if version.FirstApprovedBy != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("console.approved_first"), Value: w.act(version.FirstApprovedBy, w.v.When(version.FirstApprovedAt))})
	}
	if version.ApprovedBy != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("console.approved"), Value: w.act(version.ApprovedBy, w.v.When(version.ApprovedAt))})
	}
	return append(rows, ui.SummaryRow{Key: l.T("export.checksum"), Body: ui.Copyable(l, version.Digest, l.T("export.checksum"))})
}

// act says when somebody did something, and who.
func (w words) act(id, when string) string {
	if id == "" {
		return ""
	}
	return w.v.Locale.T("console.act", "When", when, "Who", w.who(id))
}

func (w words) who(id string) string {
	if name := w.names[id]; name != "" {
		return name
	}
	return w.v.Locale.T("console.command_who", "Name", id) // a name that nobody has proven
}

func (w words) source(version migration.Version) ui.Link {
	return ui.Link{
		Label: w.v.Locale.T("console.source"), Hidden: strconv.Itoa(version.Number),
		URL: versionURL(version.Number) + "/source", Icon: ui.IconDownload, Download: true,
	}
}

func versionURL(number int) string { return fmt.Sprintf("/console/programme/%d", number) }

func (w words) table(versions []migration.Version) ui.Table {
	l := w.v.Locale
	t := ui.Table{ID: "versions", Plain: true, Caption: l.T("console.table", "Title", l.T("console.versions")), Empty: l.T("ui.table.none"), Columns: []ui.Column{
		{Label: l.T("console.version.number")}, {Label: l.T("export.state")}, {Label: l.T("console.proposed")}, {Label: l.T("console.approved")}, {Label: l.T("console.source")},
	}}
	for _, x := range versions {
		approved := ""
		if x.ApprovedBy != "" {
			approved = w.act(x.ApprovedBy, w.v.When(x.ApprovedAt))
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: l.T("console.version", "Number", x.Number), URL: versionURL(x.Number)},
			{Body: ui.Tag("", console.VersionTurn(x.State), l.T("console.version.state."+x.State))},
			{Text: w.act(x.ProposedBy, w.v.When(x.ProposedAt))},
			{Text: approved},
			{Body: ui.A(w.source(x))},
		}})
	}
	return t
}
