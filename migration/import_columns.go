package migration

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/internal/sms"
	"offramp/internal/spreadsheet"
)

// Bounds of one field, in characters.
const (
	maxRef       = 64
	maxName      = 200
	maxAttribute = 1000
)

// importColumns knows which column says what.
type importColumns struct {
	programme *Programme
	asWritten bool // take what looks as if a spreadsheet had changed it
	now       time.Time
	names     []string
	index     map[string]int // of the plain columns
	days      map[string]int // milestone -> column
	attrs     map[string]int // attribute -> column
}

var plainColumns = []string{"ref", "name", "tier", "locale", "zone", "email", "contact_name", "role", "state", "phone", "sms_consent"}

var attributePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`) // so that a rule may write attributes.seats

// newImportColumns reads the column names. Without ref nobody is known; a column that nobody knows is most likely a
// misspelt one, whose data would be lost in silence.
func newImportColumns(p *Programme, names []string) (*importColumns, error) {
	c := &importColumns{programme: p, names: make([]string, len(names)), index: map[string]int{}, days: map[string]int{}, attrs: map[string]int{}}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if slices.ContainsFunc(names[:i], func(other string) bool { return strings.TrimSpace(other) == name }) {
			return nil, fmt.Errorf("the column %q is there twice", clip(name))
		}
		c.names[i] = name
		milestone, isDay := strings.CutPrefix(name, "extension_")
		attr, isAttr := strings.CutPrefix(name, "attr_")
		_, known := p.Milestone(milestone)
		switch {
		case slices.Contains(plainColumns, name):
			c.index[name] = i
		case isDay && known:
			c.days[milestone] = i
		case isDay:
			return nil, fmt.Errorf("the column %q names no milestone of the programme", clip(name))
		case isAttr && attributePattern.MatchString(attr):
			c.attrs[attr] = i
		default:
			return nil, fmt.Errorf("the column %q is unknown; known are %s, extension_<milestone> and attr_<name> in small letters",
				clip(name), strings.Join(plainColumns, ", "))
		}
	}
	return c, c.together()
}

// together checks that no column stands without those that it needs.
func (c *importColumns) together() error {
	for _, name := range []string{"ref", "name"} {
		if !c.has(name) {
			return fmt.Errorf("the column %s is missing", name)
		}
	}
	if !c.has("email") && (c.has("contact_name") || c.has("role") || c.has("phone")) {
		return fmt.Errorf("contact_name, role and phone need the column email")
	}
	if c.has("sms_consent") && !c.has("phone") {
		return fmt.Errorf("sms_consent needs the column phone")
	}
	return nil
}

func (c *importColumns) has(name string) bool {
	_, ok := c.index[name]
	return ok
}

// saidPhone is what a line says of a contact's number.
type saidPhone struct {
	number  string // E.164; empty: nothing
	consent Day    // on which its person has agreed to short messages; zero: the line does not say so
}

// read checks one row by itself and returns what it says.
func (c *importColumns) read(values []string) (said Customer, contact *Contact, phone saidPhone, err error) {
	if len(values) != len(c.names) {
		return said, nil, phone, fmt.Errorf("has %d fields; the first line names %d columns", len(values), len(c.names))
	}
	get := func(name string) string {
		if i, ok := c.index[name]; ok {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	for i, v := range values {
		if err := c.sound(i, v); err != nil {
			return said, nil, phone, err
		}
	}
	said = Customer{Ref: get("ref"), Name: get("name"), Tier: get("tier"), Locale: get("locale"), Zone: get("zone"), State: get("state")}
	if err := c.check(said); err != nil {
		return said, nil, phone, err
	}
	if said.Extensions, err = c.extensions(values); err != nil {
		return said, nil, phone, err
	}
	said.Attributes = make(map[string]string, len(c.attrs))
	for name, i := range c.attrs {
		said.Attributes[name] = strings.TrimSpace(values[i])
	}
	if phone, err = c.phone(get("phone"), get("sms_consent")); err != nil {
		return said, nil, phone, err
	}
	contact, err = readContact(get("email"), get("contact_name"), get("role"))
	if err == nil && contact == nil && phone.number != "" {
		err = fmt.Errorf("phone is given, and the line names no contact; give the email of the person whose number it is")
	}
	return said, contact, phone, err
}

// phone reads a contact's number and the day of the consent.
func (c *importColumns) phone(text, consent string) (said saidPhone, err error) {
	if text == "" {
		if consent != "" {
			return said, fmt.Errorf("sms_consent is given without a phone")
		}
		return said, nil
	}
	said.number, err = sms.Number(text)
	switch {
	case errors.Is(err, sms.ErrNoCountry):
		return said, fmt.Errorf("phone %q has no country code; write it as +49 1511 2345678", clip(text))
	case err != nil:
		return said, fmt.Errorf("phone %q can be nobody's number; write it as +49 1511 2345678", clip(text))
	case consent == "":
		return said, nil
	}
	day := spreadsheet.Day(consent)
	if said.consent, err = ParseDay(day); err != nil {
		return said, fmt.Errorf("sms_consent is the day on which the person agreed to short messages: %w", hinted(err, spreadsheet.DayHint(day)))
	}
	if DayOf(c.now).Before(said.consent) {
		return said, fmt.Errorf("sms_consent is %s, which is still to come; it is the day on which the person agreed", said.consent)
	}
	return said, nil
}

// sound refuses what no field may hold, whatever it means.
func (c *importColumns) sound(column int, v string) error {
	name := c.names[column]
	limit := maxName
	switch {
	case name == "ref":
		limit = maxRef
	case name == "email":
		limit = 254
	case strings.HasPrefix(name, "attr_"):
		limit = maxAttribute
	}
	switch {
	case !utf8.ValidString(v):
		return fmt.Errorf("%s holds bytes that are not UTF-8", name)
	case utf8.RuneCountInString(v) > limit:
		return fmt.Errorf("%s has %d characters; at most %d are taken", name, utf8.RuneCountInString(v), limit)
	case strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || isBidiControl(r) }):
		return fmt.Errorf("%s holds a control character (%s); remove it", name, firstControl(v))
	case markup.MatchString(v):
		return fmt.Errorf("%s holds markup (%s); give plain text", name, clip(markup.FindString(v)))
	}
	return c.untouched(name, v)
}

// untouched refuses what a spreadsheet has changed, unless the operator says that it is meant so.
func (c *importColumns) untouched(name, v string) error {
	if c.asWritten {
		return nil
	}
	check, hint := spreadsheet.Text, ""
	if name == "ref" {
		check, hint = spreadsheet.Key, ". If it is meant so, import with --as-written"
	}
	if err := check(v); err != nil {
		return fmt.Errorf("%s %w%s", name, err, hint)
	}
	return nil
}

// markup finds what looks like a tag. No page would run it, but no name looks so either, and mail programs differ.
var markup = regexp.MustCompile(`<[A-Za-z/!?][^>]*>?`)

func firstControl(v string) string {
	for _, r := range v {
		if unicode.IsControl(r) || isBidiControl(r) {
			return fmt.Sprintf("U+%04X", r)
		}
	}
	return ""
}

func (c *importColumns) check(said Customer) error {
	p := c.programme
	switch {
	case said.Ref == "":
		return fmt.Errorf("ref is empty; it is the customer's number in the retired product")
	case strings.ContainsFunc(said.Ref, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }):
		return fmt.Errorf("ref %q holds a space or an invisible character", said.Ref)
	case said.Tier != "" && !slices.ContainsFunc(p.Tiers, func(t Tier) bool { return t.Key == said.Tier }):
		return fmt.Errorf("the tier %q is not in the programme; it has %s", clip(said.Tier), tierKeys(p))
	case said.Locale != "" && !slices.Contains(p.Locales, said.Locale):
		return fmt.Errorf("the locale %q is not in the programme; it has %s", clip(said.Locale), strings.Join(p.Locales, ", "))
	case said.State != "" && said.State != Active && said.State != Disabled:
		return fmt.Errorf("the state %q must be %s or %s", clip(said.State), Active, Disabled)
	}
	if said.Zone != "" {
		if _, err := loadZone(said.Zone); err != nil {
			return fmt.Errorf("the zone %q is none of the IANA database, such as Asia/Shanghai", clip(said.Zone))
		}
	}
	return nil
}

func tierKeys(p *Programme) string {
	keys := make([]string, len(p.Tiers))
	for i, t := range p.Tiers {
		keys[i] = t.Key
	}
	return strings.Join(keys, ", ")
}

func (c *importColumns) extensions(values []string) (map[string]Day, error) {
	var days map[string]Day
	for milestone, i := range c.days {
		v := spreadsheet.Day(strings.TrimSpace(values[i]))
		if v == "" {
			continue
		}
		day, err := ParseDay(v)
		if err != nil {
			return nil, fmt.Errorf("extension_%s: %w", milestone, hinted(err, spreadsheet.DayHint(v)))
		}
		if days == nil {
			days = map[string]Day{}
		}
		days[milestone] = day
	}
	return days, nil
}

func readContact(email, name, role string) (*Contact, error) {
	switch {
	case email == "" && name == "" && role == "":
		return nil, nil //nolint:nilnil // a line may name a customer and nobody in it
	case email == "":
		return nil, fmt.Errorf("email is empty, and the line names a contact; give the address")
	case !isEmail(email):
		return nil, fmt.Errorf("email %q is no e-mail address", clip(email))
	case role != "" && role != Owner && role != Member:
		return nil, fmt.Errorf("the role %q must be %s or %s", clip(role), Owner, Member)
	}
	return &Contact{Email: email, Name: name, Role: role}, nil
}

// hinted adds what to do.
func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// clip shortens what a message quotes.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}
