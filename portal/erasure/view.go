package erasure

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration/erasure"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// listView is the first page.
type listView struct {
	layout    ui.Page
	heading   ui.Heading
	errors    []ui.FieldError
	stats     []ui.Stat
	find      ui.Input
	looked    string // says that there are more customers than were looked at
	against   ui.Table
	counts    ui.Table
	ask       *ui.Action
	waiting   ui.Table
	requests  ui.Table
	trouble   ui.Table
	completed ui.Table
	next      string
	past      ui.Table
}

func table(l *locale.Locale, id, empty string, columns ...ui.Column) ui.Table {
	return ui.Table{ID: id, Plain: true, Caption: l.T("console.table", "Title", l.T("erasure."+id)), Empty: l.T(empty), Columns: columns}
}

func buildList(v *page.Visit, d desk, layout ui.Page) listView {
	l := v.Locale
	number := func(n int64) string { return l.Number(n) }
	running := d.Orders
	var open int64
	for state, n := range running {
		if state != "complete" {
			open += n
		}
	}
	view := listView{
		layout: layout, heading: ui.Heading{Title: l.T("erasure.title"), Lead: l.T("erasure.lead")},
		stats: []ui.Stat{
			{Label: l.T("erasure.due"), Value: number(int64(d.due))},
			{Label: l.T("erasure.held"), Value: number(d.Held)},
			{Label: l.T("erasure.open"), Value: number(open)},
			{Label: l.T("erasure.done"), Value: number(running["complete"])},
		},
		find:      ui.Input{Field: ui.Field{Locale: l, ID: "ref", Label: l.T("erasure.ref"), Error: d.faults["ref"]}, Type: "search", Value: d.ref, Width: "medium", MaxLength: 100},
		against:   table(l, "against", "erasure.against.none", ui.Column{Label: l.T("erasure.obstacle_name")}, ui.Column{Label: l.T("erasure.customers"), Numeric: true}),
		counts:    countsTable(l, d.sums),
		waiting:   runsTable(v, "waiting", d.Runs),
		past:      runsTable(v, "past", d.Past),
		requests:  table(l, "requests", "erasure.requests.none", ui.Column{Label: l.T("erasure.customer")}, ui.Column{Label: l.T("erasure.asked_at")}, ui.Column{Label: l.T("erasure.answer_by")}),
		trouble:   table(l, "trouble", "erasure.trouble.none", ui.Column{Label: l.T("erasure.number"), Numeric: true}, ui.Column{Label: l.T("erasure.ordered_at")}, ui.Column{Label: l.T("erasure.problem"), Wide: true}),
		completed: table(l, "completed", "erasure.completed.none", ui.Column{Label: l.T("erasure.number"), Numeric: true}, ui.Column{Label: l.T("erasure.ordered_at")}, ui.Column{Label: l.T("erasure.completed_at")}),
	}
	if text := d.faults["ref"]; text != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "ref", Text: text}}, true
	}
	if d.more {
		view.looked = l.T("erasure.looked", "Number", number(looked))
	}
	for _, key := range slices.Sorted(maps.Keys(d.against)) {
		view.against.Rows = append(view.against.Rows, ui.Row{Cells: []ui.Cell{{Text: l.T(key)}, {Text: number(int64(d.against[key]))}}})
	}
	if d.due > 0 || d.more {
		view.ask = &ui.Action{URL: Path + "/ask", Button: ui.Button{Label: l.T("erasure.ask.all"), Kind: ui.Danger}, Hidden: []ui.Pair{{Name: "all", Value: "yes"}}}
	}
	for _, r := range d.Requests {
		view.requests.Rows = append(view.requests.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Name + " · " + r.Ref, URL: customerURL(r.Ref)}, {Text: v.When(r.AskedAt)}, {Text: v.When(r.DueAt), Note: late(l, r, d.Now)},
		}})
	}
	for _, o := range d.Trouble {
		view.trouble.Rows = append(view.trouble.Rows, ui.Row{Cells: []ui.Cell{{Text: number(o.Seq)}, {Text: v.When(o.OrderedAt)}, {Text: progress(v, o)}}})
	}
	for _, o := range d.completed {
		view.completed.Rows = append(view.completed.Rows, ui.Row{Cells: []ui.Cell{
			{Text: number(o.Seq), URL: CertificatesPath + "/" + o.ID}, {Text: v.When(o.OrderedAt)}, {Text: instant(v, o.CompletedAt)},
		}})
	}
	if d.follow {
		view.next = Path + "?after=" + strconv.FormatInt(d.completed[len(d.completed)-1].Seq, 10)
	}
	return view
}

func late(l *locale.Locale, r erasure.Request, now time.Time) string {
	if r.DaysLeft(now) < 0 {
		return l.T("erasure.late")
	}
	return ""
}

func instant(v *page.Visit, at *time.Time) string {
	if at == nil {
		return ""
	}
	return v.When(*at)
}

// progress says how far an order is, and what is in its way.
func progress(v *page.Visit, o erasure.Order) string {
	switch {
	case o.State == "complete":
		return v.Locale.T("erasure.state.complete")
	case o.Problem != "" && v.Locale.Has(o.Problem):
		return v.Locale.T(o.Problem)
	case o.Problem != "":
		return o.Problem
	}
	return v.Locale.T("erasure.state.running")
}

func countsTable(l *locale.Locale, counts []erasure.Count) ui.Table {
	t := table(l, "counts", "erasure.counts.none", ui.Column{Label: l.T("erasure.table")}, ui.Column{Label: l.T("erasure.rows"), Numeric: true}, ui.Column{Label: l.T("erasure.action"), Wide: true})
	for _, n := range counts {
		if n.N == 0 {
			continue
		}
		cell := ui.Cell{Text: l.T("erasure.action." + n.Action)}
		if n.Ground != "" {
			cell.Note = l.T(n.Ground)
			if n.Years > 0 {
				cell.Note += " · " + l.N("erasure.years", n.Years)
			}
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: n.Name}, {Text: l.Number(n.N)}, cell}})
	}
	return t
}

func scope(l *locale.Locale, r erasure.Run) string {
	if r.CustomerID == "" {
		return l.T("erasure.scope.due")
	}
	if r.Name == "" {
		return l.T("erasure.scope.gone", "Ref", r.Ref)
	}
	return r.Name + " · " + r.Ref
}

func runsTable(v *page.Visit, id string, runs []erasure.Run) ui.Table {
	l := v.Locale
	t := table(l, id, "erasure.runs.none", ui.Column{Label: l.T("erasure.whom")}, ui.Column{Label: l.T("erasure.asked_by")}, ui.Column{Label: l.T("erasure.asked_at")}, ui.Column{Label: l.T("erasure.state")})
	for _, r := range runs {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: scope(l, r), URL: RunsPath + "/" + r.ID}, {Text: r.AskedName}, {Text: v.When(r.AskedAt)}, {Text: l.T("erasure.run." + r.State)},
		}})
	}
	return t
}

// customerView is a dry run for one customer.
type customerView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	notes   []ui.Banner
	facts   []ui.SummaryRow
	against []string
	counts  ui.Table
	objects ui.Table
	ask     *ui.Action
	ref     string
	url     string
	about   string
	reason  ui.Area
	button  ui.Button
}

func buildCustomer(v *page.Visit, c erasure.Customer, runs []erasure.Run, reason string, refused error, layout ui.Page) customerView {
	l := v.Locale
	view := customerView{
		layout: layout, heading: ui.Heading{Eyebrow: c.Ref, Title: c.Name}, counts: countsTable(l, c.Counts), objects: objectsTable(l, c.Objects), ref: c.Ref,
		facts: []ui.SummaryRow{{Key: l.T("erasure.due_at"), Value: l.T("erasure.not_open")}},
		url:   Path + "/hold", about: l.T("erasure.hold.text"), button: ui.Button{Label: l.T("erasure.hold.set"), Kind: ui.Plain},
		reason: ui.Area{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("erasure.reason"), Error: v.Faults(refused)["reason"]}, Value: reason, Rows: 3, MaxLength: 500},
	}
	if c.Name == "" {
		view.heading.Title = l.T("erasure.gone")
	}
	if !c.DueAt.IsZero() {
		view.facts[0].Value = v.When(c.DueAt)
	}
	if c.Request != nil {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.request"), Value: l.T("erasure.request.at", "Asked", v.When(c.Request.AskedAt), "Due", v.When(c.Request.DueAt))})
	}
	if c.Order != nil {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.state"), Value: progress(v, *c.Order)})
	}
	if c.Hold != nil {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.not_hold"), Value: l.T("erasure.hold.by", "Name", c.Hold.SetName, "When", v.When(c.Hold.SetAt), "Reason", c.Hold.Reason)})
		view.url, view.about, view.button.Label = Path+"/release", l.T("erasure.release.text"), l.T("erasure.hold.end")
	}
	for _, key := range c.Against {
		view.against = append(view.against, l.T(key))
	}
	asked := slices.ContainsFunc(runs, func(r erasure.Run) bool { return r.CustomerID == c.ID })
	if asked {
		view.notes = append(view.notes, ui.Banner{Tone: "info", Title: l.T("erasure.already"), Link: &ui.Link{Label: l.T("erasure.waiting"), URL: Path + "#waiting"}})
	}
	if c.Order == nil && len(c.Against) == 0 && !asked {
		view.ask = &ui.Action{URL: Path + "/ask", Button: ui.Button{Label: l.T("erasure.ask.one"), Kind: ui.Danger}, Hidden: []ui.Pair{{Name: "ref", Value: c.Ref}}}
	}
	switch f, ok := fault.As(refused); {
	case view.reason.Error != "":
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "reason", Text: view.reason.Error}}, true
	case ok && len(f.Fields) == 0:
		view.notes = append(view.notes, ui.Banner{Tone: "bad", Title: l.T(f.Key)})
	}
	return view
}

func objectsTable(l *locale.Locale, objects map[string]int64) ui.Table {
	t := table(l, "objects", "erasure.objects.none", ui.Column{Label: l.T("erasure.prefix")}, ui.Column{Label: l.T("erasure.files"), Numeric: true})
	for _, prefix := range slices.Sorted(maps.Keys(objects)) {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: prefix}, {Text: l.Number(objects[prefix])}}})
	}
	return t
}

// runDesk is what was read for the page of a run.
type runDesk struct {
	erasure.Run
	due     int
	more    bool
	counts  []erasure.Count
	objects map[string]int64
	against []string
	refused error
}

// runView is what one manager asked for.
type runView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	facts    []ui.SummaryRow
	against  []string
	own      string // says that somebody else has to agree
	counts   *ui.Table
	looked   string
	url      string
	sure     *ui.Choices
	agree    ui.Button
	withdraw *ui.Action
}

func buildRun(v *page.Visit, d runDesk, layout ui.Page) runView {
	l, at := v.Locale, RunsPath+"/"+d.ID
	view := runView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("erasure.run"), Title: scope(l, d.Run)}, url: at + "/agree",
		facts: []ui.SummaryRow{
			{Key: l.T("erasure.state"), Value: l.T("erasure.run." + d.State)},
			{Key: l.T("erasure.asked_by"), Value: d.AskedName},
			{Key: l.T("erasure.asked_at"), Value: v.When(d.AskedAt)},
		},
	}
	if d.AgreedAt != nil {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.agreed_by"), Value: d.AgreedName}, ui.SummaryRow{Key: l.T("erasure.agreed_at"), Value: v.When(*d.AgreedAt)},
			ui.SummaryRow{Key: l.T("erasure.planned"), Value: l.Number(int64(d.Planned))})
	}
	if d.State != erasure.RunAsked {
		return view
	}
	if d.CustomerID == "" {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.due"), Value: l.Number(int64(d.due))})
	}
	if d.more {
		view.looked = l.T("erasure.looked", "Number", l.Number(looked))
	}
	for _, key := range d.against {
		view.against = append(view.against, l.T(key))
	}
	counts := countsTable(l, d.counts)
	view.counts = &counts
	view.withdraw = &ui.Action{URL: at + "/withdraw", Button: ui.Button{Label: l.T("erasure.withdraw"), Kind: ui.Plain}}
	if d.AskedBy == v.Session.IdentityID {
		view.own = l.T("erasure.same_person")
		return view
	}
	wrong := v.Faults(d.refused)["sure"]
	view.sure = &ui.Choices{Field: ui.Field{Locale: l, ID: "sure", Label: l.T("erasure.sure"), Error: wrong}, Options: []ui.Option{{Value: "yes", Label: l.T("erasure.sure.yes")}}}
	view.agree = ui.Button{Label: l.T("erasure.agree"), Kind: ui.Danger}
	if wrong != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "sure", Text: wrong}}, true
	}
	return view
}

// certificateView is a certificate in words.
type certificateView struct {
	layout    ui.Page
	heading   ui.Heading
	file      ui.Link
	facts     []ui.SummaryRow
	erased    ui.Table
	stays     ui.Table
	unchecked []string
}

func buildCertificate(v *page.Visit, id string, c erasure.Certificate, layout ui.Page) certificateView {
	l := v.Locale
	number := l.Number
	view := certificateView{
		layout: layout, heading: ui.Heading{Eyebrow: l.Pick(c.Company), Title: l.T("erasure.certificate.title", "Number", number(c.Seq)), Lead: l.T("erasure.certificate.lead")},
		file: ui.Link{Label: l.T("erasure.certificate.file"), URL: CertificatesPath + "/" + id + "/certificate.jws", Download: true},
		facts: []ui.SummaryRow{
			{Key: l.T("erasure.ordered_at"), Value: v.When(c.OrderedAt)},
			{Key: l.T("erasure.completed_at"), Value: v.When(c.CompletedAt)},
			{Key: l.T("erasure.reference"), Body: hash(c.Reference)},
			{Key: l.T("erasure.entry"), Body: hash(c.Entry)},
			{Key: l.T("erasure.previous"), Body: hash(c.Previous)},
			{Key: l.T("erasure.files"), Value: number(c.Objects.Objects)},
			{Key: l.T("erasure.versions"), Value: number(c.Objects.Versions)},
			{Key: l.T("erasure.markers"), Value: number(c.Objects.Markers)},
			{Key: l.T("erasure.uploads"), Value: number(c.Objects.Uploads)},
		},
		erased: table(l, "erased", "erasure.counts.none", ui.Column{Label: l.T("erasure.table")}, ui.Column{Label: l.T("erasure.rows"), Numeric: true}),
		stays:  table(l, "stays", "erasure.counts.none", ui.Column{Label: l.T("erasure.table")}, ui.Column{Label: l.T("erasure.rows"), Numeric: true}, ui.Column{Label: l.T("erasure.ground"), Wide: true}),
	}
	if c.BackupDays > 0 {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("erasure.backup_days"), Value: number(int64(c.BackupDays))})
	}
	for _, r := range c.Erased {
		view.erased.Rows = append(view.erased.Rows, ui.Row{Cells: []ui.Cell{{Text: r.Table}, {Text: number(r.Rows)}}})
	}
	for _, r := range c.Stays {
		until := l.T("erasure.as_log")
		if r.Until != nil {
			until = l.T("erasure.until", "Day", v.Day(*r.Until))
		}
		view.stays.Rows = append(view.stays.Rows, ui.Row{Cells: []ui.Cell{{Text: r.Table}, {Text: number(r.Rows)}, {Text: l.T("erasure.ground_" + r.Ground), Note: until}}})
	}
	for _, key := range c.Unchecked {
		view.unchecked = append(view.unchecked, l.T("erasure.unchecked."+key))
	}
	return view
}
