package migration

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"offramp/internal/locale"
)

var (
	keyPattern    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`) // becomes part of an environment variable's name
	colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	phonePattern  = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{2,30}$`)
)

var errNoZone = errors.New("no zone of the IANA database")

// maxText bounds one wording, in characters.
const maxText = 4000

func sprint(format string, args []any) string { return fmt.Sprintf(format, args...) }

// name checks a key that machines use.
func (c *checker) name(path, value string, pattern *regexp.Regexp) {
	switch {
	case value == "":
		c.errorf(path, "is missing")
	case !pattern.MatchString(value):
		allowed := "digits and _"
		if pattern == keyPattern {
			allowed = "digits, _ and -"
		}
		c.errorf(path, "%q must begin with a small letter and go on with small letters, %s, at most 48 in all", value, allowed)
	}
}

func (c *checker) locales() {
	if len(c.p.Locales) == 0 {
		c.errorf("locales", "is missing; list the languages of the programme, the one that stands in for the others first: %s", strings.Join(locale.Tags(), ", "))
	}
	for i, tag := range c.p.Locales {
		path := fmt.Sprintf("locales[%d]", i)
		switch {
		case !slices.Contains(locale.Tags(), tag):
			c.errorf(path, "the portal does not speak %q; it speaks %s", tag, strings.Join(locale.Tags(), ", "))
		case slices.Index(c.p.Locales, tag) < i:
			c.errorf(path, "%s is listed twice", tag)
		}
	}
}

// text checks that a wording is there in every locale of the programme and in no other. One that is not required may be
// left out as a whole.
func (c *checker) text(path string, t Text, required bool) {
	if len(t) == 0 {
		if required || c.has(path) {
			c.errorf(path, "is missing; give the wording in %s", strings.Join(c.p.Locales, " and "))
		}
		return
	}
	for _, tag := range c.p.Locales {
		if strings.TrimSpace(t[tag]) == "" {
			c.errorf(path+"."+tag, "the wording in %s is missing", tag)
		}
	}
	for _, tag := range sortedKeys(t) {
		switch at := path + "." + tag; {
		case !slices.Contains(c.p.Locales, tag):
			c.errorf(at, "%s is not among the programme's locales", tag)
		case utf8.RuneCountInString(t[tag]) > maxText:
			c.errorf(at, "has %d characters; at most %d are shown", utf8.RuneCountInString(t[tag]), maxText)
		case strings.ContainsFunc(t[tag], isControl):
			c.errorf(at, "holds a control character; only line breaks are allowed")
		}
	}
}

// isControl finds what has no place in a wording: it is either invisible or turns the reading order of what follows.
func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\n' || isBidiControl(r)
}

func isBidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func (c *checker) product() {
	p := c.p.Product
	c.text("product.name", p.Name, true)
	c.text("product.company", p.Company, true)
	if p.Kind != Business && p.Kind != Consumer {
		c.errorf("product.kind", "must be %s or %s; it decides how early customers ought to know", Business, Consumer)
	}
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil) {
		c.errorf("product.url", "must be a web address such as https://product.example/")
	}
	if p.Since != 0 && (p.Since < 1950 || p.Since > 2200) {
		c.errorf("product.since", "must be the year of launch, such as 2019")
	}
}

func (c *checker) tiers() {
	if len(c.p.Tiers) == 0 {
		c.errorf("tiers", "is missing; a programme has at least one tier of customers")
	}
	env, err := newRuleEnv()
	if err != nil {
		c.errorf("tiers", "rules cannot be compiled: %v", err)
		return
	}
	for i, t := range c.p.Tiers {
		path := fmt.Sprintf("tiers[%d]", i)
		c.name(path+".key", t.Key, keyPattern)
		if at := slices.IndexFunc(c.p.Tiers, func(o Tier) bool { return o.Key == t.Key }); at < i && t.Key != "" {
			c.errorf(path+".key", "there are two tiers %q", t.Key)
		}
		c.text(path+".name", t.Name, true)
		c.spokenTo(path, t)
		if t.Rule == "" {
			continue
		}
		if _, err := env.compile(t.Rule); err != nil {
			c.errorf(path+".rule", "%v", err)
		}
	}
}

func (c *checker) help() {
	h := c.p.Help
	switch {
	case h.Email == "":
		c.errorf("help.email", "is missing; every notice says where customers turn to")
	case !isEmail(h.Email):
		c.errorf("help.email", "%q is no e-mail address", h.Email)
	}
	if h.Phone != "" && !phonePattern.MatchString(h.Phone) {
		c.errorf("help.phone", "must hold digits, spaces, brackets and hyphens, and may begin with +")
	}
	c.text("help.hours", h.Hours, false)
	for i, q := range h.FAQ {
		path := fmt.Sprintf("help.faq[%d]", i)
		c.text(path+".question", q.Question, true)
		c.text(path+".answer", q.Answer, true)
	}
	c.working(h)
}

func (c *checker) sinks() {
	for i, s := range c.p.Sinks {
		path := fmt.Sprintf("sinks[%d].name", i)
		c.name(path, s.Name, namePattern)
		if at := slices.IndexFunc(c.p.Sinks, func(o Sink) bool { return o.Name == s.Name }); at < i && s.Name != "" {
			c.errorf(path, "there are two sinks %q", s.Name)
		}
	}
}

// isEmail accepts the plain addresses that mail can be sent to, in any script. Source: RFC 5321, RFC 6531.
func isEmail(s string) bool {
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) }) {
		return false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return false
	}
	at := strings.LastIndexByte(s, '@')
	domain := s[at+1:]
	return at <= 64 && !strings.HasPrefix(domain, "[") && !strings.ContainsAny(s[:at], `"<>`)
}
