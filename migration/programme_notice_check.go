package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"offramp/migration/audience"
)

// Bounds of a notice.
const (
	maxNotices = 100
	maxDays    = 60 // stages of one notice
	maxTitle   = 150
	maxSMS     = 300 // some five parts of a short message
	farthest   = 1000

	maxQuestions = 100
	maxScenarios = 30
	maxWhy       = 300 // characters of the one sentence
)

var noticeKinds = []string{NoticePersonal, NoticePublic, NoticeReminder, NoticeNews, NoticeOptional}

// noticeVariable finds what stands in braces.
var noticeVariable = regexp.MustCompile(`\{([^{}\n]*)\}`)

func (c *checker) notices() {
	n := c.p.Notices
	c.noticeHours(n)
	c.channels("notices.channels", n.Channels)
	if len(n.List) > maxNotices {
		c.errorf("notices.list", "has %d notices; at most %d are kept", len(n.List), maxNotices)
		return
	}
	public := ""
	for i, one := range n.List {
		path := fmt.Sprintf("notices.list[%d]", i)
		c.name(path+".key", one.Key, keyPattern)
		if at := slices.IndexFunc(n.List, func(o Notice) bool { return o.Key == one.Key }); at < i && one.Key != "" {
			c.errorf(path+".key", "there are two notices %q", one.Key)
		}
		if one.Kind == NoticePublic {
			if public != "" {
				c.errorf(path+".kind", "there are two public notices; %s is the other one", public)
			}
			public = one.Key
		}
		c.notice1(path, one)
	}
	if len(n.List) > 0 && public == "" {
		c.errorf("notices.list", "holds no public notice; one notice of kind %s announces the end to everybody", NoticePublic)
	}
	if n.Briefing != nil {
		c.briefing(*n.Briefing)
	} else if c.has("notices.briefing") {
		c.errorf("notices.briefing", "is empty; give voice, questions and role_play, or leave it out")
	}
}

func (c *checker) noticeHours(n NoticePlan) {
	for _, one := range []struct {
		path      string
		value     int
		low, high int
	}{
		{"notices.hour", n.Hour, 0, 23},
		{"notices.quiet_from", n.QuietFrom, 0, 24},
		{"notices.quiet_to", n.QuietTo, 0, 23},
		{"notices.wait_days", n.WaitDays, 0, 60},
		{"notices.rate", n.Rate, 0, 1_000_000},
		{"notices.pause_above", n.PauseAbove, 0, 100},
	} {
		switch {
		case one.value == 0 && c.has(one.path):
			c.errorf(one.path, "must be at least 1; leave it out for the default")
		case one.value < one.low || one.value > one.high:
			c.errorf(one.path, "must be from %d to %d", max(one.low, 1), one.high)
		}
	}
	with := n
	with.setDefaults()
	if with.Hour >= with.QuietFrom || with.Hour < with.QuietTo {
		c.errorf("notices.hour", "%d lies within the quiet hours, from %d to %d; nothing would ever go out", with.Hour, with.QuietFrom, with.QuietTo)
	}
}

func (c *checker) channels(path string, list []string) {
	known := []string{ChannelEmail, ChannelSMS, ChannelCall}
	for i, one := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !slices.Contains(known, one):
			c.errorf(at, "%q is no channel; known: %s", one, strings.Join(known, ", "))
		case slices.Index(list, one) < i:
			c.errorf(at, "%s is listed twice", one)
		}
	}
}

func (c *checker) notice1(path string, n Notice) {
	if !slices.Contains(noticeKinds, n.Kind) {
		c.errorf(path+".kind", "%q is no kind of notice; known: %s", n.Kind, strings.Join(noticeKinds, ", "))
		return
	}
	switch steps := stepNames(); {
	case n.Kind == NoticeReminder && !slices.Contains(steps, n.Step):
		c.errorf(path+".step", "must name the step that is reminded of: %s", strings.Join(steps, ", "))
	case n.Kind != NoticeReminder && n.Step != "":
		c.errorf(path+".step", "belongs to reminders only")
	}
	c.channels(path+".channels", n.Channels)
	c.trigger(path+".on", n)
	if n.Audience != "" || c.has(path+".audience") {
		if _, err := audience.Compile(n.Audience, c.featureKeys()); err != nil {
			c.errorf(path+".audience", "%v", err)
		}
	}
	c.words(path, n)
}

func stepNames() (names []string) {
	for _, s := range Steps {
		names = append(names, string(s))
	}
	return names
}

func (c *checker) featureKeys() (keys []string) {
	for _, f := range c.p.Features {
		keys = append(keys, f.Key)
	}
	return keys
}

func (c *checker) trigger(path string, n Notice) { //nolint:cyclop // one flat check for each mistake
	t := n.On
	switch {
	case t.Milestone == "" && t.Day.IsZero():
		c.errorf(path, "is missing; say on which milestone, or on which day, the notice is due")
	case t.Milestone != "" && !t.Day.IsZero():
		c.errorf(path, "names a milestone and a day; one of them decides")
	case t.Milestone != "":
		if _, ok := c.p.Milestone(t.Milestone); !ok {
			c.errorf(path+".milestone", "%q is no milestone of this programme", t.Milestone)
		}
	case len(t.Days) > 0:
		c.errorf(path+".days", "counts from a milestone; there is none")
	case n.Kind == NoticeReminder:
		c.errorf(path, "a reminder counts from a milestone")
	}
	if len(t.Days) > maxDays {
		c.errorf(path+".days", "has %d days; at most %d are kept", len(t.Days), maxDays)
	}
	for i, d := range t.Days {
		at := fmt.Sprintf("%s.days[%d]", path, i)
		switch {
		case d < -farthest || d > farthest:
			c.errorf(at, "lies more than %d days from the milestone", farthest)
		case slices.Index(t.Days, d) < i:
			c.errorf(at, "%d is listed twice", d)
		case n.Kind == NoticeReminder && d > 0:
			c.errorf(at, "a reminder that comes after the last day helps nobody; write days before it below zero, such as -7")
		}
	}
	if n.Kind == NoticePublic && (t.Milestone != Announcement || len(t.Days) > 1 || len(t.Days) == 1 && t.Days[0] != 0) {
		c.errorf(path, "the public notice goes out on the day of the announcement: {milestone: %s}", Announcement)
	}
}

// words checks that every tier finds words, and each wording its elements and variables.
func (c *checker) words(path string, n Notice) {
	if len(n.Words) == 0 {
		c.errorf(path+".words", "is missing; a notice without words cannot be sent")
		return
	}
	for i, w := range n.Words {
		at := fmt.Sprintf("%s.words[%d]", path, i)
		switch {
		case w.Tier == "" && i > 0:
			c.errorf(at+".tier", "is missing; only the first entry is for every other tier")
		case w.Tier != "" && !slices.ContainsFunc(c.p.Tiers, func(t Tier) bool { return t.Key == w.Tier }):
			c.errorf(at+".tier", "%q is no tier of this programme", w.Tier)
		case slices.IndexFunc(n.Words, func(o Words) bool { return o.Tier == w.Tier }) < i:
			c.errorf(at+".tier", "there are two entries for this tier")
		}
		c.wording(at, n, w)
	}
	if n.Words[0].Tier != "" {
		for _, t := range c.p.Tiers {
			if !slices.ContainsFunc(n.Words, func(w Words) bool { return w.Tier == t.Key }) {
				c.errorf(path+".words", "tier %s has no words; add an entry for it, or a first one without a tier", t.Key)
			}
		}
	}
}

func (c *checker) wording(at string, n Notice, w Words) {
	if n.Kind == NoticePersonal {
		c.text(at+".script", w.Script, true)
		c.variables(at+".script", w.Script)
		return
	}
	c.text(at+".title", w.Title, true)
	c.text(at+".opening", w.Opening, n.Kind != NoticeReminder)
	c.text(at+".next", w.Next, true)
	c.text(at+".sms", w.SMS, slices.Contains(n.Channels, ChannelSMS))
	c.text(at+".script", w.Script, slices.Contains(n.Channels, ChannelCall))
	for _, one := range []struct {
		path string
		text Text
	}{{at + ".title", w.Title}, {at + ".opening", w.Opening}, {at + ".next", w.Next}, {at + ".sms", w.SMS}, {at + ".script", w.Script}} {
		c.variables(one.path, one.text)
	}
	for tag, title := range w.Title {
		if utf8.RuneCountInString(title) > maxTitle || strings.Contains(title, "\n") {
			c.errorf(at+".title."+tag, "must be one line of at most %d characters", maxTitle)
		}
	}
	for tag, sms := range w.SMS {
		if utf8.RuneCountInString(sms) > maxSMS {
			c.errorf(at+".sms."+tag, "has %d characters; at most %d are sent", utf8.RuneCountInString(sms), maxSMS)
		}
	}
	if n.Kind == NoticePublic {
		c.elements(at, w)
	}
}

// briefing checks what colleagues read first.
func (c *checker) briefing(b Briefing) {
	const at = "notices.briefing"
	if c.has(at+".audience") && len(b.Audience) == 0 {
		c.errorf(at+".audience", "is empty; name roles, or leave it out for %s", strings.Join(BriefingAudience, ", "))
	}
	for i, role := range b.Audience {
		switch path := fmt.Sprintf("%s.audience[%d]", at, i); {
		case !slices.Contains(StaffRoles, role):
			c.errorf(path, "%q is no role of staff; known: %s", role, strings.Join(StaffRoles, ", "))
		case slices.Index(b.Audience, role) < i:
			c.errorf(path, "%s is listed twice", role)
		}
	}
	c.briefed(at+".voice.why", b.Voice.Why, maxWhy)
	c.briefed(at+".voice.say", b.Voice.Say, 0)
	c.briefed(at+".voice.never", b.Voice.Never, 0)
	switch n := len(b.Questions); {
	case n == 0:
		c.errorf(at+".questions", "is missing; colleagues need answers that were agreed on")
	case n > maxQuestions:
		c.errorf(at+".questions", "has %d questions; at most %d are kept", n, maxQuestions)
		return
	}
	for i, q := range b.Questions {
		path := fmt.Sprintf("%s.questions[%d]", at, i)
		c.briefed(path+".topic", q.Topic, maxTitle)
		c.briefed(path+".question", q.Question, maxTitle)
		c.briefed(path+".answer", q.Answer, 0)
		once(c, path+".question", q.Question, b.Questions[:i], func(o BriefingQuestion) Text { return o.Question }, "this question is answered before")
	}
	c.rolePlay(at+".role_play", b.RolePlay)
}

func (c *checker) rolePlay(at string, list []Scenario) {
	switch n := len(list); {
	case n == 0:
		c.errorf(at, "is missing; hard talks are practised before customers are told")
	case n > maxScenarios:
		c.errorf(at, "has %d scenarios; at most %d are kept", n, maxScenarios)
		return
	}
	for i, s := range list {
		path := fmt.Sprintf("%s[%d]", at, i)
		c.briefed(path+".title", s.Title, maxTitle)
		c.briefed(path+".situation", s.Situation, 0)
		c.briefed(path+".customer", s.Customer, 0)
		c.briefed(path+".say", s.Say, 0)
		c.briefed(path+".never", s.Never, 0)
		once(c, path+".title", s.Title, list[:i], func(o Scenario) Text { return o.Title }, "there is another scenario of this title")
	}
}

// briefed checks one text of a briefing; with a limit it is one line of at most so many characters.
func (c *checker) briefed(path string, t Text, limit int) {
	c.text(path, t, true)
	c.variables(path, t)
	for _, tag := range sortedKeys(t) {
		if limit > 0 && (utf8.RuneCountInString(t[tag]) > limit || strings.Contains(strings.TrimSpace(t[tag]), "\n")) {
			c.errorf(path+"."+tag, "must be one line of at most %d characters", limit)
		}
		for _, none := range []string{"{customer}", "{contact}"} {
			if strings.Contains(t[tag], none) {
				c.errorf(path+"."+tag, "%s: a briefing is about all customers; there is no one customer to name", none)
			}
		}
	}
}

// once checks that a wording is not there before, whatever its case and spaces, in any language.
func once[T any](c *checker, path string, t Text, before []T, of func(T) Text, fault string) {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	for _, tag := range sortedKeys(t) {
		if t[tag] != "" && slices.ContainsFunc(before, func(o T) bool { return plain(of(o)[tag]) == plain(t[tag]) }) {
			c.errorf(path+"."+tag, "%s", fault)
		}
	}
}

// elements checks what every announcement has to say, tier by tier and locale by locale. The key dates and where to find help
// are put below each notice by the portal, from the milestones and from help.
func (c *checker) elements(at string, w Words) {
	for _, tag := range c.p.Locales {
		need := func(field string, text Text, what string, anyOf ...string) {
			if text[tag] != "" && !slices.ContainsFunc(anyOf, func(v string) bool { return strings.Contains(text[tag], "{"+v) }) {
				c.errorf(at+"."+field+"."+tag, "%s is missing; use %s", what, strings.ReplaceAll("{"+strings.Join(anyOf, "} or {")+"}", ":}", ":MILESTONE}"))
			}
		}
		need("title", w.Title, "the product", "product")
		need("title", w.Title, "the date", "date:")
		need("opening", w.Opening, "a word of thanks", "thanks")
		need("opening", w.Opening, "the reason", "reason")
		need("next", w.Next, "where customers begin", "link:plan")
		if len(c.p.Replacements) > 0 {
			need("next", w.Next, "what replaces the product", "replacements", "link:choose")
		}
		if c.p.Refund != nil {
			need("next", w.Next, "what becomes of prepaid money", "link:refund")
		}
	}
}

// NoticeLinks are where {link:...} may lead, and the paths.
var NoticeLinks = map[string]string{
	"plan": "/plan", "dates": "/plan/dates", "export": "/exports", "choose": "/replacements", "refund": "/refund", "confirm": "/confirm", "help": "/help",
}

// noticeWords are the variables without a colon.
var noticeWords = []string{
	"product", "company", "customer", "contact", "thanks", "reason", "replacements", "help_email", "help_phone", "help_hours",
}

// variables checks what stands in braces.
func (c *checker) variables(path string, t Text) {
	for _, tag := range sortedKeys(t) {
		for _, found := range noticeVariable.FindAllStringSubmatch(t[tag], -1) {
			if fault := c.variable(found[1]); fault != "" {
				c.errorf(path+"."+tag, "{%s}: %s", found[1], fault)
			}
		}
	}
}

func (c *checker) variable(name string) string {
	kind, of, _ := strings.Cut(name, ":")
	switch kind {
	case "date", "days":
		if _, ok := c.p.Milestone(of); !ok {
			return fmt.Sprintf("%q is no milestone of this programme", of)
		}
		return ""
	case "link":
		if _, ok := NoticeLinks[of]; !ok {
			return "a link leads to " + strings.Join(sortedKeys(NoticeLinks), ", ")
		}
		return ""
	}
	if !slices.Contains(noticeWords, name) {
		return "unknown; known are " + strings.Join(noticeWords, ", ") + ", date:MILESTONE, days:MILESTONE and link:PLACE"
	}
	return ""
}
