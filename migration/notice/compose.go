package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/notice/click"
)

// Reader is one contact of one customer, as words are filled in for.
type Reader struct {
	CustomerID, ContactID string
	Ref, Customer, Tier   string
	Contact, Email        string
	Locale                string
	Zone                  string
	Extensions            map[string]migration.Day
	Optional              bool                     // takes optional notices, too
	Told                  map[string]migration.Day // dates that they were told and that are others now, by milestone
	Visit                 string                   // token by which the letter's links are known again; empty: they lead straight to the portal
}

// Content is what is approved of a notice: what is said, to whom and when. Dates are not in it, since they are filled in for
// each customer and may move.
type Content struct {
	Notice       migration.Notice
	Product      migration.Text
	Company      migration.Text
	Thanks       migration.Text
	Reason       migration.Text
	Replacements []string
	Help         migration.Help
}

// ContentOf returns a notice's content and its hash, in hex.
func ContentOf(p *migration.Programme, n migration.Notice) (raw, hash string) {
	c := Content{Notice: n, Product: p.Product.Name, Company: p.Product.Company, Thanks: p.Thanks, Reason: p.Reason, Help: p.Help}
	c.Help.FAQ = nil
	for _, r := range p.Offered() {
		c.Replacements = append(c.Replacements, r.Key)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil { // texts, numbers and days always marshal
		panic(fmt.Sprintf("notice: marshal content: %v", err))
	}
	sum := sha256.Sum256(b)
	return string(b), hex.EncodeToString(sum[:])
}

// variables find what stands in braces. It is the pattern of migration's check.
var variables = regexp.MustCompile(`\{([^{}\n]*)\}`)

// writer fills in a notice's words for one reader.
type writer struct {
	*locale.Locale
	p     *migration.Programme
	r     Reader
	now   time.Time
	link  string // of the portal, without a slash at the end
	plain bool   // values are not escaped for CommonMark

	named map[string]migration.Day // takes the dates that the words name; may be nil
}

// pick returns a wording in the reader's language, or in the programme's first.
func (w writer) pick(t migration.Text) string {
	text, _ := t.In(w.Tag(), w.p.Fallback())
	return text
}

// fill replaces the variables of a text. The programme's check has refused unknown ones.
func (w writer) fill(t migration.Text) string {
	return variables.ReplaceAllStringFunc(w.pick(t), func(found string) string {
		name := found[1 : len(found)-1]
		switch kind, of, _ := strings.Cut(name, ":"); kind {
		case "date":
			w.name(of)
			return w.date(of)
		case "days":
			w.name(of)
			return w.N("notice.days", w.daysTo(of))
		case "link":
			return w.to(of)
		}
		value := w.value(name)
		if w.plain || name == "thanks" || name == "reason" || name == "moved" {
			return value
		}
		return mail.Escape(value)
	})
}

// name keeps that a date was named, and as which day.
func (w writer) name(milestone string) {
	if w.named != nil {
		w.named[milestone] = w.day(milestone)
	}
}

// to is the address of a link to one of migration.NoticeLinks.
func (w writer) to(place string) string {
	if w.r.Visit == "" {
		return w.link + migration.NoticeLinks[place]
	}
	return w.link + click.Path + w.r.Visit + "/" + place
}

func (w writer) value(name string) string {
	switch name {
	case "product":
		return w.pick(w.p.Product.Name)
	case "company":
		return w.pick(w.p.Product.Company)
	case "customer":
		return w.r.Customer
	case "contact":
		return w.r.Contact
	case "moved":
		return w.moved()
	case "moved_short":
		return w.movedShort()
	case "thanks":
		return w.pick(w.p.Thanks)
	case "reason":
		return w.pick(w.p.Reason)
	case "replacements":
		var names []string
		for _, r := range w.p.Offered() {
			names = append(names, w.pick(r.Name))
		}
		return Enumerate(w.Locale, names)
	case "help_email":
		return w.p.Help.Email
	case "help_phone":
		return w.p.Help.Phone
	case "help_hours":
		return w.pick(w.p.Help.Hours)
	}
	return ""
}

// moved lists the dates that the reader was told and that are others now, as a list in CommonMark.
func (w writer) moved() string {
	var lines []string
	for _, m := range w.p.Milestones {
		if was, ok := w.r.Told[m.Key]; ok {
			lines = append(lines, "- "+w.T("notice.moved.line", "Date", mail.Escape(w.milestone(m)),
				"Was", w.Date(was.End(w.p.Zone), w.p.Zone), "Is", w.date(m.Key)))
		}
	}
	return strings.Join(lines, "\n")
}

// movedShort lists the same dates in one line, for a short message.
func (w writer) movedShort() string {
	var dates []string
	for _, m := range w.p.Milestones {
		if _, ok := w.r.Told[m.Key]; ok {
			w.name(m.Key)
			dates = append(dates, w.T("notice.moved.short", "Date", w.milestone(m), "Is", w.date(m.Key)))
		}
	}
	return Enumerate(w.Locale, dates)
}

// milestone is what a date is called.
func (w writer) milestone(m migration.Milestone) string {
	if name := w.pick(m.Name); name != "" {
		return name
	}
	return w.T("milestone." + m.Key)
}

// Enumerate writes a list as a language does.
func Enumerate(l *locale.Locale, list []string) (text string) {
	for i, one := range list {
		if i == 0 {
			text = one
			continue
		}
		text = l.T("notice.list", "Before", text, "Next", one)
	}
	return text
}

// day is a milestone's day as it stands for the reader.
func (w writer) day(milestone string) migration.Day {
	m, ok := w.p.Milestone(milestone)
	if !ok {
		return migration.Day{}
	}
	if later := w.r.Extensions[milestone]; later.After(m.Day) {
		return later
	}
	return m.Day
}

func (w writer) date(milestone string) string {
	return w.Date(w.day(milestone).End(w.p.Zone), w.p.Zone)
}

func (w writer) daysTo(milestone string) int {
	return max(0, migration.DayOf(w.now.In(w.p.Zone)).DaysUntil(w.day(milestone)))
}

// TitleOf is what staff call a notice: its first title, with the programme's own dates, and marks where each reader's words stand.
// Empty: it has none.
func TitleOf(l *locale.Locale, p *migration.Programme, n migration.Notice) string {
	if len(n.Words) == 0 {
		return ""
	}
	w := writer{Locale: l, p: p, plain: true}
	return variables.ReplaceAllStringFunc(l.Pick(n.Words[0].Title), func(found string) string {
		name := found[1 : len(found)-1]
		switch kind, of, _ := strings.Cut(name, ":"); {
		case kind == "date":
			return w.date(of)
		case kind == "days":
			return l.T("notice.days.open")
		case name == "product", name == "company":
			return w.value(name)
		}
		return "…"
	})
}

// ForStaff fills in a text of the briefing with the programme's own dates, in the language of l: as CommonMark, or plain.
// link is the portal's address.
func ForStaff(l *locale.Locale, p *migration.Programme, now time.Time, link string, t migration.Text, plain bool) string {
	return strings.TrimSpace(writer{Locale: l, p: p, now: now, link: strings.TrimRight(link, "/"), plain: plain}.fill(t))
}

// Letter is what one reader is sent: the notices in the order in which they are due.
type Letter struct {
	Bulletin mail.Bulletin
	HTML     string
	Plain    string
	Sum      string                   // SHA-256 over subject and both forms
	Days     map[string]migration.Day // milestone -> the day that the letter names
}

// Compose writes one mail of one or more notices for a reader at an instant. link is the portal's address.
func Compose(p *migration.Programme, notices []migration.Notice, r Reader, now time.Time, link string) (Letter, error) {
	w := writer{Locale: locale.For(r.Locale), p: p, r: r, now: now, link: strings.TrimRight(link, "/")}
	b := w.frame(notices)
	for _, n := range notices {
		words := n.WordsFor(r.Tier)
		w.plain = true
		title := w.fill(words.Title)
		w.plain = false
		b.Parts = append(b.Parts, mail.Part{Title: title, Body: strings.TrimSpace(w.fill(words.Opening) + "\n\n" + w.fill(words.Next))})
	}
	b.Subject = b.Parts[0].Title
	if len(notices) > 1 {
		b.Subject = w.N("notice.digest", len(notices), "Product", b.Product)
	}
	html, plain, sum, err := b.Set()
	if err != nil {
		return Letter{}, err
	}
	days := make(map[string]migration.Day, len(p.Milestones))
	for _, m := range p.Milestones {
		days[m.Key] = w.day(m.Key)
	}
	return Letter{Bulletin: b, HTML: html, Plain: plain, Sum: sum, Days: days}, nil
}

// ComposeText writes one short message of one or more notices. Several are one text with their titles; nobody is sent ten.
func ComposeText(p *migration.Programme, notices []migration.Notice, r Reader, now time.Time, link string) (Letter, error) {
	r.Visit = "" // a token in each link would cost a part
	w := writer{Locale: locale.For(r.Locale), p: p, r: r, now: now, link: strings.TrimRight(link, "/"), plain: true, named: map[string]migration.Day{}}
	title := w.fill(notices[0].WordsFor(r.Tier).Title)
	text := ""
	if len(notices) == 1 {
		clear(w.named) // of the title, which a short message does not show
		text = w.fill(notices[0].WordsFor(r.Tier).SMS)
	} else {
		titles := title
		for _, n := range notices[1:] {
			titles = w.T("notice.digest.sms.join", "Some", titles, "Next", w.fill(n.WordsFor(r.Tier).Title))
		}
		title = w.N("notice.digest", len(notices), "Product", w.pick(p.Product.Name))
		text = w.T("notice.digest.sms", "Product", w.pick(p.Product.Name), "Titles", titles, "Link", w.link+"/plan")
	}
	text = strings.TrimSpace(text)
	sum := sha256.Sum256([]byte(text))
	return Letter{
		Bulletin: mail.Bulletin{Tag: w.Tag(), Subject: title}, Plain: text, Sum: hex.EncodeToString(sum[:]), Days: w.named,
	}, nil
}

// frame is what every notice has: key dates, button and help.
func (w writer) frame(notices []migration.Notice) mail.Bulletin {
	product := w.pick(w.p.Product.Name)
	b := mail.Bulletin{
		Tag: w.Tag(), Product: product, Company: w.pick(w.p.Product.Company), Colour: w.p.Brand.Colour,
		Greeting:  w.T("mail.greeting", "Name", strings.Join(strings.Fields(w.r.Contact), " ")),
		DatesName: w.T("notice.dates"), ZoneNote: w.T("time.zone_note", "Zone", w.ZoneName(w.p.Zone, w.now)),
		Button: w.T("notice.button"), URL: w.to("plan"), Safety: w.T("notice.safety"),
		HelpName: w.T("mail.help"), Help: w.T("mail.help_text"), Email: w.p.Help.Email, Phone: w.p.Help.Phone,
		Hours: w.pick(w.p.Help.Hours), Code: w.T("mail.code", "Code", w.r.Ref),
		Why: w.T("notice.why", "Product", product, "Customer", w.r.Customer),
	}
	optional := len(notices) > 0
	for _, n := range notices {
		optional = optional && !n.Mandatory()
	}
	if optional {
		b.Why, b.Leave, b.LeaveName = w.T("notice.why_optional", "Product", product), w.link+"/inbox", w.T("notice.leave")
	}
	steps := map[string]bool{}
	for _, n := range notices {
		steps[n.On.Milestone] = true
		for _, m := range n.Moved {
			steps[m.Milestone] = true
		}
	}
	for _, m := range w.p.Milestones {
		b.Dates = append(b.Dates, mail.Fact{Name: w.milestone(m), Value: w.date(m.Key), Strong: steps[m.Key]})
	}
	return b
}

// Script is what to say on the phone about a notice.
func Script(p *migration.Programme, n migration.Notice, r Reader, now time.Time, link string) string {
	w := writer{Locale: locale.For(r.Locale), p: p, r: r, now: now, link: strings.TrimRight(link, "/")}
	return w.fill(n.WordsFor(r.Tier).Script)
}
