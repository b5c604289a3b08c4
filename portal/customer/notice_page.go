package customer

import (
	"net/url"
	"strings"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// noticeView is the public notice with its five elements: title with product and date, thanks and reason, key dates,
// what to do next, help.
type noticeView struct {
	layout  ui.Page
	heading ui.Heading
	reason  string
	steps   []string
	signIn  ui.Link
	dates   ui.KeyDates
	help    ui.Help
}

func buildNotice(v *page.Visit, layout ui.Page) noticeView {
	l, p, d := v.Locale, v.Programme, newDated(v, nil)
	key := "public.title"
	if !d.open(migration.ServiceEnd) {
		key = "public.title.past"
	}
	layout.Title = l.T(key, "Product", layout.ProductName, "Date", d.day(migration.ServiceEnd))
	layout.Alternates = links(p, "/")
	view := noticeView{
		layout: layout, heading: ui.Heading{Title: layout.Title, Lead: l.Pick(p.Thanks)}, reason: l.Pick(p.Reason),
		signIn: ui.Link{Label: l.T("public.sign_in"), URL: "/sign-in", Icon: ui.IconArrow}, dates: d.keyDates(nil), help: help(v, ""),
	}
	for _, step := range migration.Steps {
		if step == migration.StepChoose && !p.StepsInEffect().Choose || step == migration.StepSettle && !p.Steps.Settle {
			continue
		}
		view.steps = append(view.steps, l.T("public.what."+string(step)))
	}
	return view
}

func links(p *migration.Programme, path string) []ui.Alternate {
	tags, urls := alternates(p, path)
	list := make([]ui.Alternate, len(tags))
	for i := range tags {
		list[i] = ui.Alternate{Tag: tags[i], URL: urls[i]}
	}
	return list
}

// faqView is the questions page.
type faqView struct {
	layout ui.Page
	errors []ui.FieldError
	field  ui.Input
	found  string // how many, after a search
	none   bool   // the search found nothing: what follows are the first questions
	items  []faqItem
	help   ui.Help
}

type faqItem struct{ question, answer string }

// shown is how many questions stand in for a search that finds nothing.
const shown = 3

func buildFAQ(v *page.Visit, layout ui.Page, q string, refused error) faqView {
	l := v.Locale
	layout.Alternates = links(v.Programme, "/faq")
	view := faqView{layout: layout, help: help(v, "")}
	view.field = ui.Input{Field: ui.Field{Locale: l, ID: "q", Label: l.T("faq.search")}, Type: "search", Value: q, MaxLength: 100}
	if f, ok := fault.As(refused); ok {
		view.field.Error = l.T(f.Fields[0].Key, "Limit", f.Fields[0].Args["Limit"])
		view.errors = []ui.FieldError{{FieldID: "q", Text: view.field.Error}}
		view.layout.Errors = true
		q = ""
	}
	all := make([]faqItem, 0, len(v.Programme.Help.FAQ))
	for _, f := range v.Programme.Help.FAQ {
		all = append(all, faqItem{l.Pick(f.Question), l.Pick(f.Answer)})
	}
	if v.Programme.Steps.Settle {
		for _, about := range []string{"how", "when", "who"} {
			all = append(all, faqItem{l.T("faq.money." + about), l.T("faq.money." + about + ".text")})
		}
	}
	view.items = all
	if q != "" {
		view.items = search(all, q)
		view.found = l.N("faq.found", len(view.items))
		if view.none = len(view.items) == 0; view.none {
			view.items = all[:min(shown, len(all))]
		}
	}
	return view
}

// search returns the questions that contain every word of q, in the question or the answer.
func search(all []faqItem, q string) []faqItem {
	var hits []faqItem
	words := strings.Fields(strings.ToLower(q))
next:
	for _, item := range all {
		text := strings.ToLower(item.question + "\n" + item.answer)
		for _, word := range words {
			if !strings.Contains(text, word) {
				continue next
			}
		}
		hits = append(hits, item)
	}
	return hits
}

// helpView is the signed-in help page.
type helpView struct {
	layout  ui.Page
	heading ui.Heading
	asked   ui.Table // all requests of the customer, newest first
	ask     ui.Link
	items   []faqItem
	help    ui.Help
}

func buildHelp(v *page.Visit, layout ui.Page, asked []assistance.Request, from, code string) helpView {
	faq, l := buildFAQ(v, layout, "", nil), v.Locale
	layout.Alternates = nil
	view := helpView{
		layout: layout, heading: ui.Heading{Title: layout.Title, Lead: l.T("help.page.lead")}, items: faq.items, help: help(v, code),
		ask: ui.Link{Label: l.T("help.new.go"), URL: askURL(from)},
	}
	view.asked = ui.Table{
		ID: "asked", Caption: l.T("help.requests"), Empty: l.T("help.requests.none"),
		Columns: []ui.Column{{Label: l.T("help.reference")}, {Label: l.T("help.topic.short")}, {Label: l.T("help.sent")}, {Label: l.T("help.state")}},
	}
	for _, r := range asked {
		topic := r.Topic
		if topic == "" {
			topic = "other"
		}
		view.asked.Rows = append(view.asked.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: "/help/" + r.ID, Note: r.ExportReference + r.Refund},
			{Text: l.T("help.topic." + topic)},
			{Text: v.When(r.CreatedAt)},
			{Body: ui.Tag("", helpTones[r.State], l.T("help.state."+string(r.State)))},
		}})
	}
	return view
}

// askURL is where a request is written about the page that the reader comes from.
func askURL(from string) string {
	if from == "" {
		return "/help/new"
	}
	return "/help/new?" + url.Values{"page": {from}}.Encode()
}
