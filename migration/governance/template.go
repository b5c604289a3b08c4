package governance

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"offramp/migration"
)

// Departments are who may answer for an item, in the order of pages.
var Departments = []string{
	"lead", "product", "engineering", "data", "sales", "success", "support", "marketing", "legal", "finance", "people",
}

// Acts that a gate may block.
const (
	ActPublic     = "public"      // the public pages speak of the closure
	ActNotices    = "notices"     // customers are told
	ActServiceEnd = "service_end" // the service is declared over
	ActErasure    = "erasure"     // data is erased
)

// Acts lists them.
var Acts = []string{ActPublic, ActNotices, ActServiceEnd, ActErasure}

// Kinds of evidence that an item asks for.
const (
	EvidenceNone = ""
	EvidenceNote = "note" // words that say what was done
	EvidenceLink = "link" // where the proof is kept
)

// Template is the file that a plan is started from.
type Template struct {
	Key    string         `yaml:"template"`
	Name   migration.Text `yaml:"name"`
	About  migration.Text `yaml:"about"`
	Phases []PhaseRule    `yaml:"phases"`
	Items  []ItemRule     `yaml:"items"`
}

// PhaseRule is a phase of a template.
type PhaseRule struct {
	Key  string         `yaml:"key"`
	Name migration.Text `yaml:"name"`
	From Due            `yaml:"from"`
	To   Due            `yaml:"to"`
	Gate GateRule       `yaml:"gate"`
}

// GateRule says what must hold before the next phase.
type GateRule struct {
	Name   migration.Text `yaml:"name"`
	Blocks []string       `yaml:"blocks"` // of Acts
	Facts  []FactRule     `yaml:"facts"`
}

// FactRule is a rule in CEL over the facts that the portal sees; see Facts.
type FactRule struct {
	Key  string         `yaml:"key"`
	Name migration.Text `yaml:"name"`
	Rule string         `yaml:"rule"`
}

// Due is a day counted from a milestone of the programme; negative days are before it.
type Due struct {
	Milestone string `yaml:"milestone"`
	Days      int    `yaml:"days"`
}

// ItemRule is an item of a template's checklist.
type ItemRule struct {
	Key        string         `yaml:"key"`
	Phase      string         `yaml:"phase"`
	Name       migration.Text `yaml:"name"`
	Why        migration.Text `yaml:"why"`
	Department string         `yaml:"department"`
	Priority   string         `yaml:"priority"` // high, or empty
	Must       *bool          `yaml:"must"`     // left out: yes
	Due        Due            `yaml:"due"`
	After      []string       `yaml:"after"`
	Evidence   string         `yaml:"evidence"`
	Fact       string         `yaml:"fact"` // in CEL; ticks the item
}

// Needed reports whether the phase's gate waits for the item.
func (r ItemRule) Needed() bool { return r.Must == nil || *r.Must }

// Phase returns the rule of a phase.
func (t Template) Phase(key string) (PhaseRule, bool) {
	i := slices.IndexFunc(t.Phases, func(p PhaseRule) bool { return p.Key == key })
	if i < 0 {
		return PhaseRule{}, false
	}
	return t.Phases[i], true
}

//go:embed templates/*.yaml
var builtIn embed.FS

// BuiltIn returns the templates that come with the product: light first, then by name.
func BuiltIn() ([]Template, error) {
	files, err := fs.Glob(builtIn, "templates/*.yaml")
	if err != nil {
		return nil, err
	}
	var list []Template
	for _, file := range files {
		src, err := builtIn.ReadFile(file)
		if err != nil {
			return nil, err
		}
		t, err := ReadTemplate(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(file), err)
		}
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b Template) int { return slices.Index(order, a.Key) - slices.Index(order, b.Key) })
	return list, nil
}

// order is that of the built-in templates on pages.
var order = []string{"retirement", "light", "launch", "collaboration"}

// Source returns the text of a built-in template. ErrNoTemplate.
func Source(key string) ([]byte, error) {
	src, err := builtIn.ReadFile("templates/" + key + ".yaml")
	if errors.Is(err, fs.ErrNotExist) || strings.ContainsAny(key, "/.") {
		return nil, ErrNoTemplate
	}
	return src, err
}

var keys = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

const (
	maxPhases = 20
	maxItems  = 500
	maxDays   = 1500
)

// ReadTemplate reads and checks a template. The error is migration.Findings: every fault with its line, in English, the language
// of operators.
func ReadTemplate(src []byte) (Template, error) {
	var t Template
	at, findings := migration.ReadYAML(src, &t)
	c := checker{at: at, findings: findings}
	if len(findings) == 0 {
		c.template(t)
	}
	if len(c.findings) > 0 {
		return Template{}, c.findings
	}
	return t, nil
}

type checker struct {
	at       func(path string) (line, column int)
	findings migration.Findings
}

func (c *checker) report(path, format string, args ...any) {
	where := path
	line, column := c.at(where)
	for line == 0 && strings.ContainsAny(where, ".[") { // what is missing stands where it should
		where = where[:strings.LastIndexAny(where, ".[")]
		line, column = c.at(where)
	}
	c.findings = append(c.findings, migration.Finding{
		Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...), Level: migration.LevelError,
	})
}

func (c *checker) template(t Template) {
	c.key("template", t.Key)
	c.text("name", t.Name, true)
	c.text("about", t.About, false)
	if len(t.Phases) == 0 || len(t.Phases) > maxPhases {
		c.report("phases", "has %d phases; a plan has 1 to %d", len(t.Phases), maxPhases)
	}
	if len(t.Items) > maxItems {
		c.report("items", "has %d items; at most %d are kept", len(t.Items), maxItems)
	}
	phases := map[string]bool{}
	for i, p := range t.Phases {
		c.phase(fmt.Sprintf("phases[%d]", i), p, phases)
	}
	items := map[string]int{}
	for i, r := range t.Items {
		where := fmt.Sprintf("items[%d]", i)
		c.item(where, r, phases)
		if first, twice := items[r.Key]; twice {
			c.report(where+".key", "the key %q is here a second time; it was first item %d", r.Key, first+1)
		} else {
			items[r.Key] = i
		}
	}
	for i, r := range t.Items {
		for k, needed := range r.After {
			if _, ok := items[needed]; !ok || needed == r.Key {
				c.report(fmt.Sprintf("items[%d].after[%d]", i, k), "%q is no other item of this template", needed)
			}
		}
	}
	c.circles(t, items)
}

func (c *checker) phase(where string, p PhaseRule, seen map[string]bool) {
	c.key(where+".key", p.Key)
	if seen[p.Key] {
		c.report(where+".key", "the key %q is here a second time", p.Key)
	}
	seen[p.Key] = true
	c.text(where+".name", p.Name, true)
	c.due(where+".from", p.From)
	c.due(where+".to", p.To)
	if p.From.Milestone == p.To.Milestone && p.To.Days < p.From.Days {
		c.report(where+".to", "ends %d days before it begins", p.From.Days-p.To.Days)
	}
	c.text(where+".gate.name", p.Gate.Name, true)
	for i, act := range p.Gate.Blocks {
		if !slices.Contains(Acts, act) {
			c.report(fmt.Sprintf("%s.gate.blocks[%d]", where, i), "%q cannot be blocked; write one of %s", act, strings.Join(Acts, ", "))
		}
	}
	facts := map[string]bool{}
	for i, f := range p.Gate.Facts {
		below := fmt.Sprintf("%s.gate.facts[%d]", where, i)
		c.key(below+".key", f.Key)
		if facts[f.Key] {
			c.report(below+".key", "the key %q is here a second time", f.Key)
		}
		facts[f.Key] = true
		c.text(below+".name", f.Name, true)
		if _, err := compile(f.Rule); err != nil {
			c.report(below+".rule", "%v", err)
		}
	}
}

func (c *checker) item(where string, r ItemRule, phases map[string]bool) {
	c.key(where+".key", r.Key)
	c.text(where+".name", r.Name, true)
	c.text(where+".why", r.Why, false)
	if !phases[r.Phase] {
		c.report(where+".phase", "%q is no phase of this template", r.Phase)
	}
	if !slices.Contains(Departments, r.Department) {
		c.report(where+".department", "%q is no department; write one of %s", r.Department, strings.Join(Departments, ", "))
	}
	if r.Priority != "" && r.Priority != "high" {
		c.report(where+".priority", `must be "high" or left out`)
	}
	c.due(where+".due", r.Due)
	if !slices.Contains([]string{EvidenceNone, EvidenceNote, EvidenceLink}, r.Evidence) {
		c.report(where+".evidence", `must be "note" or "link", or left out`)
	}
	if r.Fact == "" {
		return
	}
	if _, err := compile(r.Fact); err != nil {
		c.report(where+".fact", "%v", err)
	}
	if r.Evidence != EvidenceNone {
		c.report(where+".evidence", "an item that a fact ticks has no other evidence; leave one of the two out")
	}
}

func (c *checker) key(where, key string) {
	if !keys.MatchString(key) {
		c.report(where, "%q is no key; write small letters, digits and underlines, a letter first, at most 40", key)
	}
}

// text checks a wording: at least one language, none of them empty or long.
func (c *checker) text(where string, t migration.Text, needed bool) {
	if needed && len(t) == 0 {
		c.report(where, "is missing; write it by language, such as {en: ..., zh-CN: ...}")
	}
	for tag, s := range t {
		if n := len([]rune(s)); n == 0 || n > 300 {
			c.report(where+"."+tag, "has %d characters; 1 to 300 are shown", n)
		}
	}
}

func (c *checker) due(where string, d Due) {
	if !slices.Contains(milestones, d.Milestone) {
		c.report(where+".milestone", "%q is no milestone; write one of %s", d.Milestone, strings.Join(milestones, ", "))
	}
	if d.Days < -maxDays || d.Days > maxDays {
		c.report(where+".days", "must be between %d and %d", -maxDays, maxDays)
	}
}

// milestones are those that every programme has. A template has to serve any programme.
var milestones = []string{migration.Announcement, migration.SalesStop, migration.ServiceEnd, migration.ExportDeadline}

// circles finds items that wait for themselves, over others.
func (c *checker) circles(t Template, items map[string]int) {
	const fresh, under, done = 0, 1, 2
	state := make([]int, len(t.Items))
	var walk func(i int, way []string)
	walk = func(i int, way []string) {
		r := t.Items[i]
		way = append(way, r.Key)
		state[i] = under
		for _, needed := range r.After {
			next, ok := items[needed]
			switch {
			case !ok || next == i:
			case state[next] == under:
				c.report(fmt.Sprintf("items[%d].after", i), "waits in a circle: %s", strings.Join(append(way, needed), " -> "))
			case state[next] == fresh:
				walk(next, way)
			}
		}
		state[i] = done
	}
	for i := range t.Items {
		if state[i] == fresh {
			walk(i, nil)
		}
	}
}
