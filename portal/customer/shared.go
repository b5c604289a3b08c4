package customer

import (
	"bytes"
	"context"
	"time"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// alike is what two customers must have in common for a page to be the same to them but for what is marked. Days begin and end in the
// programme's zone; what pages say changes only when one ends.
type alike struct {
	programme *migration.Programme
	locale    string
	zone      string // the reader's
	theme     string
	tier      string // whose offers are shown
	today     migration.Day
	owner     bool
}

func alikeOf(v *page.Visit) alike {
	return alike{
		programme: v.Programme, locale: v.Locale.Tag(), zone: v.Session.Zone, theme: v.Theme, tier: v.Session.CustomerTier,
		today: migration.DayOf(v.Now.In(v.Programme.Zone)), owner: v.Owner(),
	}
}

// visit is one of anybody alike, with marks for what is not.
func (a alike) visit(name, customer, ref string) *page.Visit {
	role := migration.Member
	if a.owner {
		role = migration.Owner
	}
	return &page.Visit{
		Programme: a.programme, Locale: locale.For(a.locale), Theme: a.theme, Now: noon(a.today, a.programme.Zone),
		Session: &auth.Session{
			Realm: auth.Customers, Role: role, Zone: a.zone, Name: name, MailTo: "somebody", CustomerTier: a.tier,
			CustomerID: customer, CustomerName: customer, CustomerRef: ref,
		},
	}
}

// noon stands for a day of which only the day counts.
func noon(d migration.Day, zone *time.Location) time.Time { return d.Start(zone).Add(12 * time.Hour) }

// sharing is everything that the plan pages of two customers must have in common for them to be the same page but for
// names, numbers and the export's card.
type sharing struct {
	alike
	statuses  [len(migration.Steps)]migration.Status
	noted     migration.Day
	export    string // state of the latest one; empty: none
	checked   bool
	until     migration.Day
	choice    chosen
	confirmed migration.Day
	settles   bool // there is a step 4
}

// chosen is what the plan page says of step 3.
type chosen struct {
	made               bool
	replacement, state string
	until              int64 // instant in Unix seconds at which an offer ends; 0: none
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

// The plan's address, and its entry of the navigation.
const planPath, planNav = "/plan", "plan"

// share returns what a reader's page has in common with others, and false for one that is the reader's alone: dates of
// their own, a message from the last action, an address with a query.
func share(v *page.Visit, plan migration.Plan, layout ui.Page) (sharing, bool) {
	if len(plan.Extensions) > 0 || layout.Flash != nil || layout.Strip != nil || layout.Path != planPath {
		return sharing{}, false
	}
	j := plan.Journey
	s := sharing{alike: alikeOf(v)}
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
	s.choice = sharedChoice(j.Detail.Choice)
	if at := j.Detail.ConfirmedAt; at != nil {
		s.confirmed = migration.DayOf(at.In(v.Zone()))
	}
	s.settles = j.Detail.Rules.Settle
	return s, true
}

func sharedChoice(c *migration.ChoiceDetail) chosen {
	if c == nil {
		return chosen{}
	}
	out := chosen{made: true, replacement: c.Replacement, state: c.State}
	if c.OfferUntil != nil {
		out.until = c.OfferUntil.Unix()
	}
	return out
}

// plan is the plan of anybody with whom the page is shared, as far as the page shows it.
func (s sharing) plan(zone *time.Location) migration.Plan {
	at := func(d migration.Day) *time.Time {
		if d.IsZero() {
			return nil
		}
		t := noon(d, zone)
		return &t
	}
	j := migration.Journey{Status: map[migration.Step]migration.Status{}}
	for i, step := range migration.Steps {
		j.Status[step] = s.statuses[i]
	}
	j.Detail.NotedAt, j.Detail.ConfirmedAt, j.Detail.Rules.Settle = at(s.noted), at(s.confirmed), s.settles
	if s.export != "" {
		j.Detail.Export = &migration.ExportDetail{State: s.export, Checked: s.checked, Until: at(s.until)}
	}
	if c := s.choice; c.made {
		j.Detail.Choice = &migration.ChoiceDetail{Replacement: c.replacement, State: c.state}
		if c.until != 0 {
			until := time.Unix(c.until, 0)
			j.Detail.Choice.OfferUntil = &until
		}
	}
	return migration.Plan{Journey: j}
}

// make renders the page with marks where the reader's own words belong.
func (s sharing) make(k *page.Kit) (*sharedPlan, error) {
	marks := page.NewMarks(markCount)
	v := s.visit(marks[markName], marks[markCustomer], marks[markRef])
	layout := k.Paper(v, k.Shell(v, planPath, v.Locale.T("plan.title"), planNav))
	view := buildPlan(v, s.plan(v.Zone()), layout, marks[markCode])
	view.exportCard, view.settleCard, view.message = templ.Raw(marks[markExport]), templ.Raw(marks[markSettle]), templ.Raw(marks[markMessage])
	var html bytes.Buffer
	if err := planPage(view).Render(context.Background(), &html); err != nil {
		return nil, err
	}
	skeleton, err := page.Carve(html.Bytes(), marks)
	return &sharedPlan{skeleton: skeleton, dated: newDated(v, nil)}, err
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
