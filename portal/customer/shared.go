package customer

import (
	"bytes"
	"context"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// sharing is everything that the plan pages of two customers must have in common for them to be the same page but for
// names, numbers and the export's card. A date changes its state only when a day ends in the programme's zone.
type sharing struct {
	programme *migration.Programme
	locale    string
	zone      string
	theme     string
	today     migration.Day
	owner     bool
	statuses  [len(migration.Steps)]migration.Status
	noted     migration.Day
	export    string // state of the latest one; empty: none
	checked   bool
	until     migration.Day
	tier      string // whose offers are shown
	choice    chosen
	confirmed migration.Day
	settles   bool // there is a step 4
}

// chosen is what the plan page says of step 3.
type chosen struct {
	replacement, state string
	until              migration.Day
}

// sharedPlan is such a page.
type sharedPlan struct {
	skeleton *page.Skeleton
	dated    dated
}

// The reader's own words on the plan page.
const (
	markName = iota
	markCustomer
	markRef
	markCode
	markMessage
	markExport
	markSettle
	markCount
)

// share returns what a reader's page has in common with others, and false for one that is the reader's alone: dates of
// their own, a message from the last action, an address with a query.
func share(v *page.Visit, plan migration.Plan, layout ui.Page) (sharing, bool) {
	if len(plan.Extensions) > 0 || layout.Flash != nil || layout.Strip != nil || layout.Path != "/plan" {
		return sharing{}, false
	}
	j := plan.Journey
	s := sharing{
		programme: v.Programme, locale: v.Locale.Tag(), zone: v.Session.Zone, theme: layout.Theme,
		today: migration.DayOf(v.Now.In(v.Programme.Zone)), owner: v.Owner(),
	}
	for i, step := range migration.Steps {
		s.statuses[i] = j.Status[step]
	}
	if at := j.Detail.NotedAt; at != nil {
		s.noted = migration.DayOf(at.In(v.Zone()))
	}
	if e := j.Detail.Export; e != nil {
		s.export, s.checked = e.State, e.Checked
		if e.Until != nil {
			s.until = migration.DayOf(e.Until.In(v.Zone()))
		}
	}
	s.tier, s.choice = v.Session.CustomerTier, sharedChoice(v, j.Detail.Choice)
	if at := j.Detail.ConfirmedAt; at != nil {
		s.confirmed = migration.DayOf(at.In(v.Zone()))
	}
	s.settles = j.Detail.Rules.Settle
	return s, true
}

func sharedChoice(v *page.Visit, c *migration.ChoiceDetail) chosen {
	if c == nil {
		return chosen{}
	}
	out := chosen{replacement: c.Replacement, state: c.State}
	if c.OfferUntil != nil {
		out.until = migration.DayOf(c.OfferUntil.In(v.Programme.Zone))
	}
	return out
}

// renderShared renders the page with marks where the reader's own words belong.
func renderShared(ctx context.Context, v *page.Visit, plan migration.Plan, layout ui.Page) (*sharedPlan, error) {
	marks := page.NewMarks(markCount)
	anyone := *v
	anyone.Session = &auth.Session{
		Realm: v.Session.Realm, Role: v.Session.Role, Zone: v.Session.Zone, Name: marks[markName],
		CustomerTier: v.Session.CustomerTier, CustomerID: marks[markCustomer], CustomerName: marks[markCustomer], CustomerRef: marks[markRef],
	}
	account := *layout.Account
	account.Name, account.Detail = marks[markName], marks[markCustomer]
	layout.Account = &account
	view := buildPlan(&anyone, plan, layout, marks[markCode])
	view.exportCard, view.settleCard, view.message = templ.Raw(marks[markExport]), templ.Raw(marks[markSettle]), templ.Raw(marks[markMessage])
	var html bytes.Buffer
	if err := planPage(view).Render(ctx, &html); err != nil {
		return nil, err
	}
	skeleton, err := page.Carve(html.Bytes(), marks)
	return &sharedPlan{skeleton: skeleton, dated: newDated(&anyone, nil)}, err
}

// values are the reader's own words, as HTML.
func (s *sharedPlan) values(ctx context.Context, v *page.Visit, plan migration.Plan, code string) ([][]byte, error) {
	d := s.dated
	d.now = v.Now
	var export bytes.Buffer
	if err := exportSection(buildExport(v, plan, d)).Render(ctx, &export); err != nil {
		return nil, err
	}
	var settle bytes.Buffer
	if err := settleSection(buildSettle(v, plan.Journey)).Render(ctx, &settle); err != nil {
		return nil, err
	}
	var message bytes.Buffer
	if err := messageNews(v).Render(ctx, &message); err != nil {
		return nil, err
	}
	text := func(s string) []byte { return []byte(templ.EscapeString(s)) }
	return [][]byte{
		markName: text(v.Session.Name), markCustomer: text(v.Session.CustomerName), markRef: text(v.Session.CustomerRef),
		markCode: text(code), markMessage: message.Bytes(), markExport: export.Bytes(), markSettle: settle.Bytes(),
	}, nil
}
