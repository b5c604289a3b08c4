package application

import (
	"slices"
	"strconv"
	"strings"

	"offramp/internal/locale"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/application"
	"offramp/portal/page"
)

// The page, its files and the text that is submitted all show one document, so that they say the same.
type document struct {
	title    string
	facts    [][2]string
	sections []section
}

// section is one of the five sections or the four attachments.
type section struct {
	key, title, text string // text: Markdown that people wrote
	attachment       bool
	tables           []table
}

// table is figures with the day that they are of, and their source.
type table struct {
	key, title string
	head       []string
	right      []bool // which columns are numbers
	rows       [][]cell
	source     string // with the day
	none       string // said in place of rows
	own        bool   // people enter it
}

// cell is a value as people read it, and as a spreadsheet takes it.
type cell struct {
	text  string
	value spreadsheet.Cell
}

func said(text string) cell { return cell{text, spreadsheet.Said(text)} }

func number(l *locale.Locale, n int64) cell { return cell{l.Number(n), spreadsheet.Whole(n)} }

func sum(l *locale.Locale, minor int64, currency string) cell {
	return cell{l.Money(minor, currency), spreadsheet.Amount(minor, currency)}
}

// attachments are the four attachments, in order.
var attachments = []string{"activity", "money", "complaints", "competitors"}

// builder makes a document in a language. Days are the programme's, like the paper's.
type builder struct {
	v *page.Visit
	l *locale.Locale
	d application.Desk
}

func build(v *page.Visit, d application.Desk) document {
	b := builder{v, v.Locale, d}
	doc := document{title: d.Report.Title, facts: [][2]string{
		{b.l.T("application.product"), b.l.Pick(v.Programme.Product.Name)}, {b.l.T("application.figures"), b.day()},
	}}
	if doc.title == "" {
		doc.title = b.l.T("application.title")
	}
	if strings.Trim(d.Report.Budget, "0.") != "" {
		doc.facts = append(doc.facts, [2]string{b.l.T("approval.budget"), strings.TrimSuffix(d.Report.Budget, ".00") + " " + d.Report.Currency})
	}
	for i, key := range application.Sections {
		doc.sections = append(doc.sections, section{
			key: key, title: strconv.Itoa(i+1) + ". " + b.l.T("application.section."+key), text: d.Report.Section(key), tables: b.tables(key),
		})
	}
	for i, key := range attachments {
		title := b.l.T("application.attachment", "Number", i+1, "Name", b.l.T("application.table."+key))
		doc.sections = append(doc.sections, section{key: "a-" + key, title: title, attachment: true, tables: b.tables(key)})
	}
	return doc
}

// tables are those of a section or an attachment.
func (b builder) tables(key string) []table {
	switch key {
	case "background":
		return []table{b.tiers(), b.steps()}
	case "feasibility":
		return []table{b.own("risks")}
	case "timetable":
		return []table{b.dates(), b.phases(), b.departments()}
	case "resources":
		return []table{b.own("budget"), b.refunds()}
	case "benefit":
		return []table{b.own("measures")}
	case "complaints":
		return []table{b.requests(), b.own(key)}
	case "competitors":
		return []table{b.replacements(), b.own(key)}
	}
	return []table{b.own(key)}
}

func (b builder) day() string { return b.v.OurDay(b.d.Known.At) }

// known is a table that the product fills. columns are message keys; one that begins with # is of numbers.
func (b builder) known(key string, columns ...string) table {
	t := table{
		key: key, title: b.l.T("application.table." + key), none: b.l.T("application.none." + key),
		source: b.l.T("application.source.of", "Source", b.l.T("application.from."+key), "Day", b.day()),
	}
	for _, c := range columns {
		name, right := strings.CutPrefix(c, "#")
		t.head, t.right = append(t.head, b.l.T("application.col."+name)), append(t.right, right)
	}
	return t
}

// own is a table that people enter.
func (b builder) own(key string) table {
	t := table{key: key, title: b.l.T("application.table." + key), none: b.l.T("application.nothing"), own: true}
	entered := b.d.Tables[key]
	for i, row := range entered.Rows() {
		if i == 0 {
			t.head, t.right = row, make([]bool, len(row))
			continue
		}
		var cells []cell
		for _, text := range row {
			cells = append(cells, said(text))
		}
		t.rows = append(t.rows, cells)
	}
	if len(t.rows) > 0 {
		t.source = b.l.T("application.source.of", "Source", entered.Source, "Day", b.v.DayOf(entered.Day))
	}
	return t
}

func (b builder) tier(key string) string {
	for _, t := range b.v.Programme.Tiers {
		if t.Key == key {
			return b.l.Pick(t.Name)
		}
	}
	return key
}

func (b builder) tiers() table {
	t, c := b.known("tiers", "tier", "#customers", "#moved", "#share"), b.d.Known.Counts
	line := func(name, tier string) {
		all, moved := c.Of(tier, len(migration.Steps))
		t.rows = append(t.rows, []cell{said(name), number(b.l, all), number(b.l, moved), said(b.l.Percent(moved, all))})
	}
	for _, tier := range c.Tiers() {
		line(b.tier(tier), tier)
	}
	if len(t.rows) > 0 {
		line(b.l.T("overview.all"), "")
	}
	return t
}

func (b builder) steps() table {
	t, c := b.known("steps", "step", "#customers", "#through", "#problems"), b.d.Known.Counts
	for step := range migration.Steps {
		if all, through := c.Of("", step+1); all > 0 {
			name := b.l.T("overview.step." + strconv.Itoa(step+1))
			t.rows = append(t.rows, []cell{said(name), number(b.l, all), number(b.l, through), number(b.l, c.At("", step+1, string(migration.Problem)))})
		}
	}
	return t
}

func (b builder) dates() table {
	t := b.known("dates", "milestone", "day")
	for _, m := range b.v.Programme.Milestones {
		t.rows = append(t.rows, []cell{said(page.MilestoneName(b.l, m)), said(b.v.DayOf(m.Day))})
	}
	return t
}

func (b builder) phases() table {
	t := b.known("phases", "phase", "from", "to", "state", "#items", "#done")
	plan := b.d.Known.Plan
	if plan == nil {
		return t
	}
	day := func(d migration.Day) string {
		if d.IsZero() {
			return ""
		}
		return b.v.DayOf(d)
	}
	for _, f := range plan.Phases {
		all, done := tally(plan.In(f.Key))
		t.rows = append(t.rows, []cell{
			said(b.l.Pick(f.Name)), said(day(f.From.Current())), said(day(f.To.Current())), said(b.l.T("workspace.phase." + f.State)),
			number(b.l, all), number(b.l, done),
		})
	}
	return t
}

func tally(items []governance.Item) (all, done int64) {
	for _, i := range items {
		all++
		if i.State == governance.Done {
			done++
		}
	}
	return all, done
}

// departments says who answers for how much of the workplan.
func (b builder) departments() table {
	t := b.known("departments", "department", "#items", "#done", "#unowned")
	if b.d.Known.Plan == nil {
		return t
	}
	for _, key := range governance.Departments {
		items := slices.DeleteFunc(slices.Clone(b.d.Known.Plan.Items), func(i governance.Item) bool { return i.Department != key })
		if len(items) == 0 {
			continue
		}
		all, done := tally(items)
		var unowned int64
		for _, i := range items {
			if i.Owner == "" && i.State == governance.Open {
				unowned++
			}
		}
		t.rows = append(t.rows, []cell{said(b.l.T("workspace.department." + key)), number(b.l, all), number(b.l, done), number(b.l, unowned)})
	}
	return t
}

func (b builder) refunds() table {
	t := b.known("refunds", "currency", "#refunds", "#asked", "#paid", "#due")
	for _, r := range b.d.Known.Refunds {
		t.rows = append(t.rows, []cell{
			said(r.Currency), number(b.l, r.N), sum(b.l, r.Amount, r.Currency), sum(b.l, r.Settled, r.Currency), sum(b.l, r.Due, r.Currency),
		})
	}
	return t
}

func (b builder) requests() table {
	t := b.known("requests", "topic", "#requests")
	for _, one := range b.d.Known.Requests {
		t.rows = append(t.rows, []cell{said(b.l.T("help.topic." + one.Key)), number(b.l, one.N)})
	}
	return t
}

// replacements are those of the programme, with their price and how many customers decided for them.
func (b builder) replacements() table {
	t := b.known("replacements", "replacement", "kind", "price", "#chosen")
	chosen := map[string]int64{}
	for _, one := range b.d.Known.Choices {
		chosen[one.Key] = one.N
	}
	for _, r := range b.v.Programme.Replacements {
		kind := r.Kind
		if kind == "" {
			kind = migration.KindPartner
		}
		t.rows = append(t.rows, []cell{said(b.l.Pick(r.Name)), said(b.l.T("choice.kind." + kind)), said(b.price(r)), number(b.l, chosen[r.Key])})
		delete(chosen, r.Key)
	}
	for _, key := range []string{"none", "later"} {
		if n := chosen[key]; n > 0 {
			t.rows = append(t.rows, []cell{said(b.l.T("application.choice." + key)), said(""), said(""), number(b.l, n)})
		}
	}
	return t
}
