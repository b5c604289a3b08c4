// Package delivery holds the page of emails that did not arrive, or of which nobody knows: suppressed addresses with what was said of
// them, and emails that a person may send again.
package delivery

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/internal/sms"
	"offramp/migration"
	"offramp/migration/notice/truth"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Path is where the page is.
const Path = "/console/deliveries"

// shown bounds each list of the page.
const shown = 100

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Truth     *truth.Service
	Customers *migration.Service
}

// Show lists what needs a person.
func (p *Pages) Show(c echo.Context) error { return p.show(c, http.StatusOK, "") }

// show renders the page; unsure is the delivery that was to be sent again without the confirmation.
func (p *Pages) show(c echo.Context, status int, unsure string) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("q", 100))
	by := v.Session.IdentityID
	d := found{search: query.Get("q"), unsure: unsure, long: v.Faults(err)["q"]}
	if err != nil && d.long == "" {
		return err
	}
	if d.long != "" {
		status = http.StatusUnprocessableEntity
	}
	if d.list, err = p.Truth.Suppressions(ctx, by, d.search, shown); err != nil {
		return err
	}
	if d.unknowns, err = p.Truth.Unknowns(ctx, by, d.search, shown); err != nil {
		return err
	}
	if d.blocked, err = p.Truth.BlockedNumbers(ctx, by, d.search, shown); err != nil {
		return err
	}
	if d.in, err = p.Truth.Inflow(ctx, by, v.Now.Add(-truth.Window)); err != nil {
		return err
	}
	var people []string
	for _, s := range d.list {
		people = append(people, s.LiftedBy)
		if s.Probe != nil {
			people = append(people, s.Probe.AskedBy)
		}
	}
	if d.names, err = p.Customers.Names(ctx, by, people); err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("truth.title"), "deliveries")
	layout.Path = Path // also after a POST
	return page.Render(c, status, deliveryPage(build(v, d, layout)))
}

// Lift asks for a test email to a suppressed address.
func (p *Pages) Lift(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Truth.Lift(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.test_asked")
}

// SendAgain has an email sent once more of which nobody knows whether it arrived.
func (p *Pages) SendAgain(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("sure", 3), page.Line("contact", 64))
	if err != nil {
		return err
	}
	if form.Get("sure") != "yes" {
		return p.show(c, http.StatusUnprocessableEntity, c.Param("id")+" "+form.Get("contact"))
	}
	if err := p.Truth.Again(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("contact")); err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.sent_again")
}

// found is what the page shows.
type found struct {
	search, unsure string
	long           string // what is wrong with the search; empty: nothing
	list           []truth.Suppression
	blocked        []truth.Blocked
	unknowns       []truth.Doubt
	in             truth.Inflow
	names          map[string]string
}

// view is the page.
type view struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	problems []ui.Banner
	search   ui.Input
	find     ui.Button
	none     *ui.Empty
	cards    []card
	numbers  []card // that are not texted any more
	unknowns []doubt
	inflow   []ui.SummaryRow
}

type card struct {
	card  ui.Card
	facts []ui.SummaryRow
	lift  *ui.Action
}

type doubt struct {
	card  ui.Card
	facts []ui.SummaryRow
	again string
	sure  ui.Choices
	send  ui.Button
}

func build(v *page.Visit, d found, layout ui.Page) view {
	l := v.Locale
	w := view{
		layout: layout, heading: ui.Heading{Title: l.T("truth.title"), Lead: l.T("truth.lead")},
		search: ui.Input{Field: ui.Field{Locale: l, ID: "q", Label: l.T("truth.search"), Hint: l.T("truth.search.hint")}, Type: "search", Value: d.search, MaxLength: 100},
		find:   ui.Button{Label: l.T("truth.find"), Kind: ui.Plain},
	}
	if w.search.Error = d.long; d.long != "" {
		w.refuse("q", d.long)
	}
	if d.in.Problem != "" {
		w.problems = append(w.problems, ui.Banner{Tone: "warn", Title: l.T("truth.mailbox_problem", "Problem", d.in.Problem)})
	}
	if len(d.list) == 0 {
		w.none = &ui.Empty{ID: "none", Title: l.T("truth.nobody"), Text: l.T("truth.nobody.text")}
	}
	for _, s := range d.list {
		w.cards = append(w.cards, cardOf(v, s, d.names))
	}
	for _, b := range d.blocked {
		w.numbers = append(w.numbers, card{
			card: ui.Card{ID: "number-" + b.ContactID, Title: b.Customer + " · " + b.Ref, Aside: ui.Tag("", ui.ToneProblem, l.T("truth.number.none"))},
			facts: []ui.SummaryRow{
				{Key: l.T("truth.contact"), Value: b.Contact + " · " + sms.Masked(b.Phone)},
				{Key: l.T("truth.since"), Value: v.When(b.At)},
				{Key: l.T("truth.evidence"), Value: b.Evidence},
				{Key: l.T("truth.now"), Value: l.T("truth.number.again")},
			},
		})
	}
	for i, one := range d.unknowns {
		doubt := doubtOf(v, one, i, d.unsure)
		if doubt.sure.Error != "" {
			w.refuse(doubt.sure.ID, doubt.sure.Error)
		}
		w.unknowns = append(w.unknowns, doubt)
	}
	for _, t := range d.in.Tallies {
		w.inflow = append(w.inflow, ui.SummaryRow{Key: l.T("truth.source." + t.Source), Value: l.T("truth.outcome."+t.Outcome, "Count", l.Number(t.Count))})
	}
	if len(w.inflow) == 0 {
		w.inflow = []ui.SummaryRow{{Key: l.T("truth.inflow.key"), Value: l.T("truth.inflow.none")}}
	}
	return w
}

// refuse puts what is wrong with a field above the page.
func (w *view) refuse(field, text string) {
	w.errors, w.layout.Errors = append(w.errors, ui.FieldError{FieldID: field, Text: text}), true
}

func cardOf(v *page.Visit, s truth.Suppression, names map[string]string) card {
	l := v.Locale
	tone, word := ui.ToneProblem, l.T("truth.cause."+s.Cause)
	if s.LiftedAt != nil {
		tone, word = ui.ToneCompleted, l.T("truth.lifted")
	}
	c := card{card: ui.Card{ID: "contact-" + s.ContactID, Title: s.Customer + " · " + s.Ref, Aside: ui.Tag("", tone, word)}}
	c.facts = []ui.SummaryRow{
		{Key: l.T("truth.contact"), Value: s.Contact + " · " + locale.Mask(s.Mail)},
		{Key: l.T("truth.since"), Value: v.When(s.At)},
		{Key: l.T("truth.evidence"), Value: s.Evidence},
	}
	if !s.Current {
		c.facts = append(c.facts, ui.SummaryRow{Key: l.T("truth.now"), Value: l.T("truth.other_address")})
	}
	for _, f := range s.Facts {
		c.facts = append(c.facts, ui.SummaryRow{
			Key:   v.When(f.At),
			Value: l.T("truth.said", "Who", l.T("truth.source."+f.Source), "What", l.T("truth.kind."+f.Kind), "Words", f.Status+" "+f.Detail),
		})
	}
	if p := s.Probe; p != nil {
		c.facts = append(c.facts, ui.SummaryRow{
			Key:   l.T("truth.test"),
			Value: l.T("truth.test."+p.State, "Who", names[p.AskedBy], "When", v.When(p.AskedAt), "Detail", p.Detail),
		})
	}
	if s.LiftedAt == nil && (s.Probe == nil || s.Probe.State != "asked" && s.Probe.State != "sending") {
		c.lift = &ui.Action{URL: Path + "/" + s.ContactID + "/lift", Button: ui.Button{Label: l.T("truth.lift"), Kind: ui.Plain}}
	}
	return c
}

func doubtOf(v *page.Visit, d truth.Doubt, i int, unsure string) doubt {
	l, id := v.Locale, strconv.Itoa(i+1)
	w := doubt{
		card: ui.Card{ID: "mail-" + id, Title: d.Customer + " · " + d.Ref, Aside: ui.Tag("", ui.ToneActionNeeded, l.T("truth.state."+d.State))},
		facts: []ui.SummaryRow{
			{Key: l.T("truth.subject"), Value: d.Subject},
			{Key: l.T("truth.contact"), Value: d.Contact + " · " + addressOf(d)},
			{Key: l.T("truth.sent_at"), Value: v.When(d.StartedAt)},
			{Key: l.T("truth.trying"), Value: trying(v, d)},
		},
	}
	if d.AgainBy != "" || d.State == "delayed" {
		return w
	}
	w.again = Path + "/mails/" + d.MessageID + "/again"
	w.sure = ui.Choices{
		Field:   ui.Field{Locale: l, ID: "sure-" + id, Name: "sure", Label: l.T("truth.sure")},
		Options: []ui.Option{{Value: "yes", Label: l.T("truth.sure.yes")}},
	}
	if unsure == d.MessageID+" "+d.ContactID {
		w.sure.Error = l.T("truth.sure.missing")
	}
	w.send = ui.Button{Label: l.T("truth.again"), Kind: ui.Plain, Name: "contact", Value: d.ContactID}
	return w
}

// addressOf is where it went, masked.
func addressOf(d truth.Doubt) string {
	if d.Channel == migration.ChannelSMS {
		return sms.Masked(d.Phone)
	}
	return locale.Mask(d.Mail)
}

// trying says who goes on trying, and until when.
func trying(v *page.Visit, d truth.Doubt) string {
	l := v.Locale
	switch {
	case d.AgainBy != "":
		return l.T("truth.trying.again")
	case d.State != "delayed":
		return l.T("truth.trying." + d.State)
	case d.Until != nil:
		return l.T("truth.trying.until", "Until", v.When(*d.Until))
	}
	return l.T("truth.trying.delayed", "Until", v.When(d.StartedAt.Add(truth.Silence).Round(time.Minute)))
}
