package briefing

import (
	"slices"
	"strings"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/internal/textdiff"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/briefing"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// briefingView is the voice with the questions and answers.
type briefingView struct {
	layout  ui.Page
	heading ui.Heading
	links   []ui.Link
	errors  []ui.FieldError
	alerts  []ui.Banner

	tag             string // language of the words
	why, say, never string // CommonMark, but for the first
	search          ui.Input
	language        ui.Selection
	topics          []topic
	nothing         *ui.Empty

	told     []string // about the reader's own acknowledgement
	read     *ui.Action
	approved string
	changes  []changed
	approve  *ui.Action
}

type topic struct {
	card ui.Card
	list []answer
}

type answer struct{ question, text string }

type changed struct {
	label string
	parts []textdiff.Part
}

// filler fills in the briefing's words.
type filler struct {
	v    *page.Visit
	l    *locale.Locale // of the words
	link string
}

func (f filler) text(t migration.Text) string {
	return notice.ForStaff(f.l, f.v.Programme, f.v.Now, f.link, t, false)
}

// line is text of what is no Markdown, such as a heading.
func (f filler) line(t migration.Text) string {
	return notice.ForStaff(f.l, f.v.Programme, f.v.Now, f.link, t, true)
}

func buildBriefing(v *page.Visit, d desk, link string, layout ui.Page) briefingView {
	l, b, f := v.Locale, v.Programme.Notices.Briefing, filler{v, d.words, link}
	view := briefingView{
		layout:  layout,
		heading: ui.Heading{Eyebrow: l.T("briefing.eyebrow"), Title: l.T("briefing.title"), Lead: l.T("briefing.lead", "Product", l.Pick(v.Programme.Product.Name))},
		links:   []ui.Link{{Label: l.T("briefing.role_play"), URL: RolePath + "?locale=" + f.l.Tag()}},
		tag:     f.l.Tag(), why: f.text(b.Voice.Why), say: f.text(b.Voice.Say), never: f.text(b.Voice.Never),
		search: ui.Input{
			Field: ui.Field{Locale: l, ID: "q", Label: l.T("briefing.search"), Error: d.long, Optional: true},
			Type:  "search", Value: d.query, Width: "medium", MaxLength: 100,
		},
		language: languages(v, f.l),
	}
	if manager(v) {
		view.links = append(view.links, ui.Link{Label: l.T("briefing.readers"), URL: ReadersPath})
	}
	if d.long != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "q", Text: d.long}}, true
	}
	view.topics = topicsOf(f, b.Questions, d.query)
	if len(view.topics) == 0 {
		view.nothing = &ui.Empty{ID: "nothing", Title: l.T("briefing.nothing"), Text: l.T("briefing.nothing.text")}
	}
	view.standing(v, d, b)
	return view
}

// languages lets the reader choose in which of the programme's languages the words are shown.
func languages(v *page.Visit, shown *locale.Locale) ui.Selection {
	s := ui.Selection{Field: ui.Field{Locale: v.Locale, ID: "locale", Label: v.Locale.T("briefing.language")}, Width: "medium"}
	for _, tag := range v.Programme.Locales {
		s.Options = append(s.Options, ui.Option{Value: tag, Label: locale.For(tag).T("language.name"), Selected: tag == shown.Tag()})
	}
	return s
}

// topicsOf groups what a search finds by topic, in the order of the file.
func topicsOf(f filler, list []migration.BriefingQuestion, search string) (topics []topic) {
	search = strings.ToLower(strings.TrimSpace(search))
	for _, q := range list {
		name, one := f.line(q.Topic), answer{f.line(q.Question), f.text(q.Answer)}
		if !strings.Contains(strings.ToLower(name+"\n"+one.question+"\n"+one.text), search) {
			continue
		}
		at := slices.IndexFunc(topics, func(t topic) bool { return t.card.Title == name })
		if at < 0 {
			at = len(topics)
			topics = append(topics, topic{card: ui.Card{ID: "topic-" + f.v.Locale.Number(int64(at+1)), Title: name}})
		}
		topics[at].list = append(topics[at].list, one)
	}
	return topics
}

// standing says whether the words are approved and acknowledged, and what the reader can do about that.
func (view *briefingView) standing(v *page.Visit, d desk, b *migration.Briefing) {
	l, s := v.Locale, d.state
	hash := ui.Pair{Name: "hash", Value: s.Hash}
	if !s.Approved {
		view.alerts = append(view.alerts, ui.Banner{Tone: "warn", Title: l.T("briefing.draft"), Text: l.T("briefing.draft.text")})
		view.told = append(view.told, l.T("briefing.read.wait"))
		if manager(v) {
			view.changes = changesOf(v, notice.Differences(s.Last, s.Content))
			if s.Last == "" {
				view.changes = nil
			}
			view.approve = &ui.Action{URL: Path + "/approve", Hidden: []ui.Pair{hash}, Button: ui.Button{Label: l.T("briefing.approve"), Kind: ui.Primary}}
		}
		return
	}
	view.approved = l.T("briefing.approved", "Who", nameOf(d.names, s.ApprovedBy), "When", v.When(*s.ApprovedAt))
	if s.MineAt != nil {
		view.told = append(view.told, l.T("briefing.read.done", "When", v.When(*s.MineAt)))
		return
	}
	if !slices.ContainsFunc(b.Audience, func(role string) bool { return v.Session.Has(auth.Role(role)) }) {
		view.told = append(view.told, l.T("briefing.read.other"))
	}
	view.told = append(view.told, l.T("briefing.read.ask"))
	view.read = &ui.Action{
		URL: Path + "/acknowledge", Hidden: []ui.Pair{hash, {Name: "locale", Value: view.tag}},
		Button: ui.Button{Label: l.T("briefing.read.go"), Kind: ui.Primary},
	}
}

// changesOf names what changed by its place.
func changesOf(v *page.Visit, list []notice.Change) (items []changed) {
	l := v.Locale
	for _, c := range list {
		var names []string
		for _, part := range strings.Split(strings.TrimPrefix(c.Path, "Briefing."), ".") {
			switch key := strings.ToLower(part); key {
			case "title":
				part = l.T("notice.part." + key)
			case "voice", "questions", "roleplay", "why", "say", "never", "topic", "question", "answer", "situation", "customer", "audience",
				"thanks", "reason", "help", "replacements", "product", "company":
				part = l.T("notice.place." + key)
			}
			if slices.Contains(v.Programme.Locales, part) {
				part = locale.For(part).T("language.name")
			}
			names = append(names, part)
		}
		items = append(items, changed{strings.Join(names, " › "), c.Parts})
	}
	return items
}

func nameOf(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}

// roleView is the sheet to practise with.
type roleView struct {
	layout  ui.Page
	heading ui.Heading
	tag     string
	scenes  []scene
}

type scene struct {
	card  ui.Card
	parts []scenePart
}

type scenePart struct{ name, text string }

func buildRoles(v *page.Visit, d desk, link string, layout ui.Page) roleView {
	l, f := v.Locale, filler{v, d.words, link}
	view := roleView{layout: layout, tag: f.l.Tag(), heading: ui.Heading{Eyebrow: l.T("briefing.eyebrow"), Title: l.T("briefing.role_play"), Lead: l.T("briefing.role_play.lead")}}
	for i, s := range v.Programme.Notices.Briefing.RolePlay {
		view.scenes = append(view.scenes, scene{
			card: ui.Card{ID: "scene-" + l.Number(int64(i+1)), Title: f.line(s.Title)},
			parts: []scenePart{
				{l.T("briefing.situation"), f.text(s.Situation)},
				{l.T("briefing.customer"), f.text(s.Customer)},
				{l.T("briefing.say"), f.text(s.Say)},
				{l.T("briefing.never_say"), f.text(s.Never)},
			},
		})
	}
	return view
}

// readersView is who has acknowledged it.
type readersView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	hold    string
	stats   []ui.Stat
	table   ui.Table
	none    *ui.Empty

	told   []string // about reminders
	remind *ui.Action

	waived  string
	asked   *ui.Banner
	actions []ui.Action
	reason  *ui.Area // nil: a waiver is asked for, or counts
	ask     ui.Button
	open    bool
}

func buildReaders(v *page.Visit, s briefing.State, names map[string]string, layout ui.Page) readersView {
	l := v.Locale
	view := readersView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("briefing.title"), Title: l.T("briefing.readers"), Lead: l.T("briefing.readers.lead")}, hold: holdOf(l, s),
		stats: []ui.Stat{
			{Label: l.T("briefing.acknowledged"), Value: share(l, s.Audience-s.Unread, s.Audience)},
			{Label: l.T("briefing.waiting"), Value: share(l, s.Unread, s.Audience)},
		},
	}
	view.list(v, s)
	view.waiver(v, s, names)
	return view
}

// holdOf says what waits for the briefing.
func holdOf(l *locale.Locale, s briefing.State) string {
	switch {
	case s.Waived:
		return l.T("briefing.hold.waived", "Reason", s.Waiver.Reason)
	case s.Over:
		return l.T("briefing.hold.over")
	case !s.Approved:
		return l.T("briefing.hold.unapproved")
	case s.Unread > 0:
		return l.N("briefing.hold.unread", s.Unread)
	}
	return l.T("briefing.hold.free")
}

// share writes a part with its whole and percentage.
func share(l *locale.Locale, part, whole int) string {
	if whole == 0 {
		return l.Number(int64(part))
	}
	return l.T("notice.share", "Part", l.Number(int64(part)), "Whole", l.Number(int64(whole)), "Percent", l.Percent(int64(part), int64(whole)))
}

// list shows each colleague, and offers to remind those who have not acknowledged it.
func (view *readersView) list(v *page.Visit, s briefing.State) {
	l := v.Locale
	if len(s.Readers) == 0 {
		var roles []auth.Role
		for _, role := range v.Programme.Notices.Briefing.Audience {
			roles = append(roles, auth.Role(role))
		}
		view.none = &ui.Empty{ID: "nobody", Title: l.T("briefing.readers.none"), Text: l.T("briefing.readers.none.text", "Roles", console.Roles(l, roles))}
		return
	}
	view.table = ui.Table{ID: "readers", Caption: l.T("briefing.readers"), Columns: []ui.Column{
		{Label: l.T("briefing.name")}, {Label: l.T("briefing.roles")}, {Label: l.T("briefing.state")}, {Label: l.T("briefing.since")}, {Label: l.T("briefing.reminder")},
	}}
	unknown, asked := 0, 0
	for _, r := range s.Readers {
		var roles []auth.Role
		for _, role := range r.Roles {
			roles = append(roles, auth.Role(role))
		}
		tone, state, since, reminder := console.Ours, l.T("briefing.state.waiting"), r.Since, l.T("briefing.reminder.none")
		switch {
		case r.ReadAt != nil:
			tone, state, since, reminder = console.Done, l.T("briefing.state.read"), *r.ReadAt, ""
		case r.Email == "":
			unknown++
			reminder = l.T("briefing.no_email")
		case s.Approved:
			asked++
		}
		if r.RemindedAt != nil {
			reminder = l.T("briefing.reminder."+r.Reminder, "When", v.When(*r.RemindedAt))
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Name}, {Text: console.Roles(l, roles)}, {Body: ui.Tag("", tone, state)}, {Text: v.When(since)}, {Text: reminder},
		}})
	}
	if !s.Approved {
		view.told = append(view.told, l.T("briefing.remind.unapproved"))
		return
	}
	if asked > 0 {
		view.told = append(view.told, l.T("briefing.remind.text"))
		view.remind = &ui.Action{URL: ReadersPath + "/remind", Button: ui.Button{Label: l.T("briefing.remind"), Kind: ui.Primary}}
	}
	if unknown > 0 {
		view.told = append(view.told, l.N("briefing.remind.cannot", unknown))
	}
}

// waiver is what can be done so that nothing waits.
func (view *readersView) waiver(v *page.Visit, s briefing.State, names map[string]string) {
	l, w := v.Locale, s.Waiver
	act := func(path, label string, kind ui.Kind) {
		view.actions = append(view.actions, ui.Action{URL: ReadersPath + path, Button: ui.Button{Label: l.T(label), Kind: kind}})
	}
	switch {
	case w.ConfirmedBy != "":
		view.waived = l.T("briefing.waiver.by", "Asked", nameOf(names, w.AskedBy), "Confirmed", nameOf(names, w.ConfirmedBy), "When", v.When(*w.ConfirmedAt))
	case w.AskedBy == v.Session.IdentityID:
		view.asked = &ui.Banner{Tone: "warn", Title: l.T("reach.asked_by", "Who", nameOf(names, w.AskedBy), "Reason", w.Reason), Text: l.T("reach.own")}
		act("/refuse", "reach.end.withdraw", ui.Plain)
	case w.AskedBy != "":
		view.asked = &ui.Banner{Tone: "warn", Title: l.T("reach.asked_by", "Who", nameOf(names, w.AskedBy), "Reason", w.Reason)}
		act("/confirm", "reach.confirm", ui.Primary)
		act("/refuse", "reach.refuse", ui.Plain)
	case s.Holds() && !s.Over:
		view.reason = &ui.Area{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("reach.reason")}, Rows: 2, MaxLength: 500}
		view.ask = ui.Button{Label: l.T("reach.ask"), Kind: ui.Plain}
	}
}

// refuse shows a waiver that came back as it was sent.
func (view *readersView) refuse(v *page.Visit, reason string, err error) {
	bad := v.Faults(err)["reason"]
	if bad == "" || view.reason == nil {
		return
	}
	view.reason.Value, view.reason.Error, view.open = reason, bad, true
	view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "reason", Text: bad}}, true
}
