package migration

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Defaults of what a programme file may leave out.
const (
	defaultKeepDays     = 7
	defaultPromiseHours = 24
	defaultColour       = "#0b7a75"
)

// ReadProgramme reads and checks a programme file. Everything that is wrong is reported at once: the error is then
// ErrBadProgramme around Findings with line, column and what to mend (see FindingsOf). What only looks wrong is left in
// Programme.Warnings. The file's form is published in docs/reference/programme.schema.json.
func ReadProgramme(src []byte) (*Programme, error) {
	root, bad := parseYAML(src)
	if bad != nil {
		return nil, ErrBadProgramme.Wrap(Findings{*bad})
	}
	d := &decoder{at: map[string]position{"": where(root)}}
	p := &Programme{}
	d.decode(root, reflect.ValueOf(p).Elem(), "")
	c := &checker{p: p, at: d.at, findings: d.findings}
	c.programme()
	sortFindings(c.findings)
	if errs := c.findings.Errors(); len(errs) > 0 {
		return nil, ErrBadProgramme.Wrap(c.findings)
	}
	p.Warnings, p.lines = c.findings, map[string]int{}
	nameLines(reflect.ValueOf(*p), d.at, "", "", p.lines)
	if p.Export.KeepDays == 0 {
		p.Export.KeepDays = defaultKeepDays
	}
	if p.Export.PromiseHours == 0 {
		p.Export.PromiseHours = defaultPromiseHours
	}
	if p.Brand.Colour == "" {
		p.Brand.Colour = defaultColour
	}
	p.Refund.setDefaults()
	p.Notices.setDefaults()
	p.Feedback.setDefaults()
	// In order of day; where two fall on one day, in the order in which they happen.
	slices.SortStableFunc(p.Milestones, func(a, b Milestone) int {
		return cmp.Or(a.Day.number()-b.Day.number(), slices.Index(milestoneOrder, a.Key)-slices.Index(milestoneOrder, b.Key))
	})
	return p, nil
}

func sortFindings(fs Findings) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
}

// checker holds a decoded file against the rules that its form alone cannot express.
type checker struct {
	p        *Programme
	at       map[string]position
	findings Findings
}

func (c *checker) errorf(path, format string, args ...any) {
	c.add(LevelError, path, format, args...)
}

func (c *checker) warnf(path, format string, args ...any) {
	c.add(LevelWarning, path, format, args...)
}

// add places a finding at the path or the nearest one above that the file has. A path that is wrong already is not
// reported twice.
func (c *checker) add(level Level, path, format string, args ...any) {
	for _, f := range c.findings {
		if f.Level == LevelError && (f.Path == path || f.Path != "" && isBelow(path, f.Path)) {
			return
		}
	}
	place := path
	for place != "" && !c.has(place) {
		place = above(place)
	}
	at := c.at[place]
	c.findings = append(c.findings, Finding{Line: at.line, Column: at.column, Path: path, Message: sprint(format, args), Level: level})
}

func (c *checker) has(path string) bool {
	_, ok := c.at[path]
	return ok
}

func isBelow(path, ancestor string) bool {
	rest, ok := strings.CutPrefix(path, ancestor)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

func above(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

func (c *checker) programme() {
	p := c.p
	c.name("programme", p.Key, keyPattern)
	c.locales()
	c.zone()
	c.product()
	c.text("thanks", p.Thanks, true)
	c.text("reason", p.Reason, true)
	c.milestones()
	c.tiers()
	c.customers()
	c.datasets()
	c.exportRules()
	c.features()
	c.replacements()
	c.entitlements()
	c.refund()
	c.help()
	c.sinks()
	c.notices()
	c.feedback()
	if p.Brand.Colour != "" || c.has("brand.colour") {
		if !colourPattern.MatchString(p.Brand.Colour) {
			c.errorf("brand.colour", "must be six hexadecimal digits after #, such as #0b7a75")
		}
	}
}

func (c *checker) zone() {
	switch c.p.ZoneName {
	case "":
		c.errorf("zone", "is missing; name the programme's time zone, such as Asia/Shanghai")
	default:
		zone, err := loadZone(c.p.ZoneName)
		if err != nil {
			c.errorf("zone", "%q is no time zone of the IANA database; write one such as Asia/Shanghai or Europe/Berlin", c.p.ZoneName)
		}
		c.p.Zone = zone
	}
}

// loadZone accepts names of the IANA database only; the machine's own zone differs between machines.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, errNoZone
	}
	return time.LoadLocation(name)
}
