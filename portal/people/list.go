package people

import (
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/auth/people"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// desk is what was asked for and found.
type desk struct {
	text    string
	page    int
	refused error // the text cannot be searched for
	found   []people.Person
	more    bool
	waiting []people.Change
	names   map[string]string
}

// listView is the page where people are looked for.
type listView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	field   ui.Input
	waiting *ui.Table // nil: nothing waits
	none    *ui.Empty
	found   ui.Table
	pages   ui.Pages
}

func buildList(v *page.Visit, d desk, layout ui.Page) listView {
	l := v.Locale
	view := listView{
		layout: layout, heading: ui.Heading{Title: l.T("people.title"), Lead: l.T("people.lead")},
		field: ui.Input{Field: ui.Field{Locale: l, ID: "q", Label: l.T("people.search"), Hint: l.T("people.search.hint")}, Type: "search", Value: d.text, MaxLength: 100},
		pages: ui.Pages{Locale: l},
	}
	if f, ok := fault.As(d.refused); ok && len(f.Fields) > 0 {
		view.field.Error = l.T(f.Fields[0].Key, "Limit", f.Fields[0].Args["Limit"])
		view.errors = []ui.FieldError{{FieldID: "q", Text: view.field.Error}}
		view.layout.Errors = true
	} else if len(d.found) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("people.none"), Text: l.T("people.none.text")}
	}
	if len(d.waiting) > 0 {
		view.waiting = waitingTable(v, d)
	}
	caption := l.T("people.staff")
	if d.text != "" {
		caption = l.T("people.found")
	}
	view.found = ui.Table{ID: "found", Caption: caption, Columns: []ui.Column{
		{Label: l.T("people.name")},
		{Label: l.T("people.who")},
		{Label: l.T("people.access")},
		{Label: l.T("people.signed_in")},
		{Label: l.T("people.sessions"), Numeric: true},
	}}
	for _, x := range d.found {
		view.found.Rows = append(view.found.Rows, ui.Row{Cells: []ui.Cell{
			{Text: x.Name, URL: personURL(x.Ref)}, {Text: what(v, x)}, {Body: accessTag(l, x)}, {Text: instant(v, x.SignedInAt)}, {Text: l.Number(int64(x.Sessions))},
		}})
	}
	if d.page > 1 {
		view.pages.PreviousURL = listURL(d.text, d.page-1)
	}
	if d.more && d.page < lastPage {
		view.pages.NextURL = listURL(d.text, d.page+1)
	}
	return view
}

func listURL(text string, page int) string {
	return Path + "?" + url.Values{"q": {text}, "page": {strconv.Itoa(page)}}.Encode()
}

func waitingTable(v *page.Visit, d desk) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "waiting-t", Plain: true, Caption: l.T("console.table", "Title", l.T("people.waiting")), Columns: []ui.Column{
		{Label: l.T("people.name")}, {Label: l.T("people.wish")}, {Label: l.T("people.reason"), Wide: true}, {Label: l.T("people.proposed_by")}, {Label: l.T("people.since")},
	}}
	for _, x := range d.waiting {
		at := x.ProposedAt
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: x.Name, URL: personURL(x.Who)}, {Text: l.T("people.act." + x.Act)}, {Text: x.Reason}, {Text: proposer(d.names, x)}, {Text: instant(v, &at)},
		}})
	}
	return t
}

// proposer names whoever began a change.
func proposer(names map[string]string, x people.Change) string {
	if x.ProposedBy == "" {
		return x.Operator
	}
	return nameOf(names, x.ProposedBy)
}

func nameOf(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}

// what says in a line what somebody is.
func what(v *page.Visit, x people.Person) string {
	if x.Kind == people.Staff {
		roles := make([]auth.Role, 0, len(x.Roles))
		for _, r := range x.Roles {
			roles = append(roles, auth.Role(r))
		}
		if text := console.Roles(v.Locale, roles); text != "" {
			return text
		}
		return v.Locale.T("people.no_role")
	}
	return v.Locale.T("people.of", "Role", v.Locale.T("people.role."+x.Role), "Customer", x.CustomerName, "Number", x.CustomerRef)
}

func accessTag(l *locale.Locale, x people.Person) templ.Component {
	switch {
	case x.Disabled:
		return ui.Tag("", ui.ToneProblem, l.T("people.off"))
	case x.CustomerOff:
		return ui.Tag("", ui.ToneProblem, l.T("people.customer_off"))
	}
	return ui.Tag("", ui.ToneCompleted, l.T("people.on"))
}

func instant(v *page.Visit, at *time.Time) string {
	if at == nil {
		return v.Locale.T("people.never")
	}
	return v.When(*at)
}
