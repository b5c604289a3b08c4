package migration

import "slices"

// Kinds of notice.
const (
	NoticePersonal = "personal" // a talk with customers of core tiers before the public notice: a task for a person
	NoticePublic   = "public"   // the announcement to everybody, at once on all channels
	NoticeReminder = "reminder" // goes only while a step is open
	NoticeNews     = "news"     // anything else that customers have to know
	NoticeOptional = "optional" // may be declined by a contact

	// NoticeCorrection tells customers of dates that moved after they were told the old ones. It is drafted by the portal when a
	// version moves them, and stands in no file.
	NoticeCorrection = "correction"
)

// Channels of a notice, in the order in which they are usually tried.
const (
	ChannelEmail = "email"
	ChannelSMS   = "sms"
	ChannelCall  = "call" // a task for a person
)

// NoticePlan says what customers are told, when and how.
type NoticePlan struct {
	Hour       int      `yaml:"hour"`        // local hour at which a notice goes out; default 9
	QuietFrom  int      `yaml:"quiet_from"`  // local hour from which nothing goes out; default 20
	QuietTo    int      `yaml:"quiet_to"`    // local hour until which nothing goes out; default 8
	Holidays   []Day    `yaml:"holidays"`    // nothing but the last reminders goes out on these days
	Channels   []string `yaml:"channels"`    // tried in this order; default email, then a call
	WaitDays   int      `yaml:"wait_days"`   // without proof that a customer was reached, the next channel is tried after so many days; default 3
	Rate       int      `yaml:"rate"`        // mails in a minute; default 600
	PauseAbove int      `yaml:"pause_above"` // percent of bounces and deferrals that pause a notice; default 10
	CallOwner  string   `yaml:"call_owner"`  // who calls, as staff read it on calls that nobody has taken; empty: nobody is named
	List       []Notice `yaml:"list"`        // in the order in which they are told

	Briefing *Briefing `yaml:"briefing"` // nil: colleagues are told by other means, and nothing waits for it
}

// Briefing is what colleagues read before anybody else is told, so that all of them say the same. Texts are Markdown with variables in
// braces, as those of notices are; there is no customer to speak of yet, so that {customer} and {contact} are refused.
type Briefing struct {
	Audience  []string           `yaml:"audience"` // roles whose staff have to read it; default BriefingAudience
	Voice     Voice              `yaml:"voice"`
	Questions []BriefingQuestion `yaml:"questions"`
	RolePlay  []Scenario         `yaml:"role_play"`
}

// Voice is what everybody says.
type Voice struct {
	Why   Text `yaml:"why"`   // one sentence
	Say   Text `yaml:"say"`   // what we say
	Never Text `yaml:"never"` // what we do not say
}

// BriefingQuestion is one that customers will ask, with the answer that was agreed on.
type BriefingQuestion struct {
	Topic    Text `yaml:"topic"` // heading under which it stands
	Question Text `yaml:"question"`
	Answer   Text `yaml:"answer"`
}

// Scenario is a hard talk that colleagues practise.
type Scenario struct {
	Title     Text `yaml:"title"`
	Situation Text `yaml:"situation"`
	Customer  Text `yaml:"customer"` // what the customer says
	Say       Text `yaml:"say"`
	Never     Text `yaml:"never"`
}

// StaffRoles are all roles of staff, as auth.Roles names them.
var StaffRoles = []string{"support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor", "operator"}

// BriefingAudience are the roles of those who speak or write with customers, or decide what these get. Auditors look on and operators run
// machines.
var BriefingAudience = []string{"support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager"}

// Notice is one message of the plan.
type Notice struct {
	Key      string   `yaml:"key"`
	Kind     string   `yaml:"kind"`
	Step     string   `yaml:"step"`     // of a reminder: goes only while this step is open
	Audience string   `yaml:"audience"` // CEL over the customer; empty: everybody
	On       Trigger  `yaml:"on"`
	Channels []string `yaml:"channels"` // instead of the plan's
	Words    []Words  `yaml:"words"`    // the first is for every tier that has none of its own

	Moved []MovedDate `yaml:"-" json:",omitempty"` // of a correction
}

// Trigger is when a notice is due: on days counted from a milestone, as it stands for the customer, or on one day.
type Trigger struct {
	Milestone string `yaml:"milestone"`
	Days      []int  `yaml:"days"` // before the milestone below zero; reminders have the usual ones where none are given
	Day       Day    `yaml:"day"`  // a fixed day instead of a milestone
}

// Words are a notice's words for a tier. Texts are Markdown with variables in braces, see docs/reference/notices.md.
type Words struct {
	Tier    string `yaml:"tier"`    // empty: every other tier
	Title   Text   `yaml:"title"`   // plain text
	Opening Text   `yaml:"opening"` // thanks and the reason
	Next    Text   `yaml:"next"`    // what to do next, replacements and prepaid money
	SMS     Text   `yaml:"sms"`     // plain text of at most 300 characters
	Script  Text   `yaml:"script"`  // what to say on the phone
}

// usualReminders are the days on which a step is reminded of.
var usualReminders = []int{-90, -60, -30, -15, -7, -1, 0}

// Notice returns the notice with this key.
func (p *Programme) Notice(key string) (Notice, bool) {
	i := slices.IndexFunc(p.Notices.List, func(n Notice) bool { return n.Key == key })
	if i < 0 {
		return Notice{}, false
	}
	return p.Notices.List[i], true
}

// Mandatory reports whether nobody can decline the notice.
func (n Notice) Mandatory() bool { return n.Kind != NoticeOptional }

// WordsFor returns the words for a tier.
func (n Notice) WordsFor(tier string) Words {
	for _, w := range n.Words {
		if w.Tier == tier {
			return w
		}
	}
	if len(n.Words) > 0 && n.Words[0].Tier == "" {
		return n.Words[0]
	}
	return Words{}
}

// setDefaults fills in what the file leaves out.
func (n *NoticePlan) setDefaults() {
	for place, usual := range map[*int]int{
		&n.Hour: 9, &n.QuietFrom: 20, &n.QuietTo: 8, &n.WaitDays: 3, &n.Rate: 600, &n.PauseAbove: 10,
	} {
		if *place == 0 {
			*place = usual
		}
	}
	if len(n.Channels) == 0 {
		n.Channels = []string{ChannelEmail, ChannelCall}
	}
	if n.Briefing != nil && len(n.Briefing.Audience) == 0 {
		with := *n.Briefing
		with.Audience = slices.Clone(BriefingAudience)
		n.Briefing = &with
	}
	for i := range n.List {
		one := &n.List[i]
		if len(one.Channels) == 0 {
			one.Channels = n.Channels
		}
		switch one.Kind {
		case NoticePersonal:
			one.Channels = []string{ChannelCall}
		case NoticeOptional:
			one.Channels = []string{ChannelEmail} // nobody is rung about what they may decline
		}
		if len(one.On.Days) == 0 && one.On.Milestone != "" {
			one.On.Days = []int{0}
			if one.Kind == NoticeReminder {
				one.On.Days = usualReminders
			}
		}
	}
}
