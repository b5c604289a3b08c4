package approval

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"

	"offramp/migration"
)

// Path is the way that a paper takes through those who decide.
type Path struct {
	Key    string         `yaml:"path"`
	Name   migration.Text `yaml:"name"`
	Papers int            `yaml:"papers"` // working days that readers have before anybody approves
	Steps  [][]Node       `yaml:"steps"`  // in turn; the nodes of one step decide side by side
}

// Node asks people for their approval.
type Node struct {
	Key     string         `yaml:"key"`
	Name    migration.Text `yaml:"name"`
	Watches migration.Text `yaml:"watches"` // what they look at
	Roles   []string       `yaml:"roles"`   // whoever has one of them
	Chosen  bool           `yaml:"chosen"`  // people who are chosen when the paper is submitted
	Need    int            `yaml:"need"`    // how many of them; 0: all
	Days    int            `yaml:"days"`    // working days to decide
	When    string         `yaml:"when"`    // in CEL; empty: always
}

// roles are those that a node may name.
var roles = []string{"support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor", "operator"}

var keys = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

const (
	maxSteps  = 10
	maxBeside = 6
	maxRule   = 500
	maxCost   = 10_000
	maxDays   = 60
)

// facts is what a condition may speak of.
type facts struct {
	Budget    float64
	Currency  string
	Kind      string
	Customers int64
}

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.ClearMacros(), cel.Variable("budget", cel.DoubleType), cel.Variable("currency", cel.StringType),
		cel.Variable("kind", cel.StringType), cel.Variable("customers", cel.IntType),
	)
})

func compile(rule string) (cel.Program, error) {
	if len([]rune(rule)) > maxRule {
		return nil, fmt.Errorf("is longer than %d characters", maxRule)
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(rule)
	if issues.Err() != nil {
		var faults []string
		for _, i := range issues.Errors() {
			faults = append(faults, fmt.Sprintf("at %d:%d of the rule: %s", i.Location.Line(), i.Location.Column()+1, i.Message))
		}
		return nil, fmt.Errorf("%s; a rule may use budget, currency, kind, customers", strings.Join(faults, "; "))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s; a rule says true or false", checked.OutputType())
	}
	return env.Program(checked, cel.CostLimit(maxCost))
}

// asked reports whether a node takes part. A rule without a result asks: nobody is left out by a fault.
func (n Node) asked(f facts) bool {
	if n.When == "" {
		return true
	}
	program, err := compile(n.When)
	if err != nil {
		return true
	}
	out, _, err := program.Eval(map[string]any{"budget": f.Budget, "currency": f.Currency, "kind": f.Kind, "customers": f.Customers})
	return err != nil || out.Value() == true
}

// Nodes lists the nodes of every step.
func (p Path) Nodes() []Node { return slices.Concat(p.Steps...) }

// Node returns a node by its key.
func (p Path) Node(key string) (Node, bool) {
	for _, n := range p.Nodes() {
		if n.Key == key {
			return n, true
		}
	}
	return Node{}, false
}

//go:embed paths/*.yaml
var builtIn embed.FS

// BuiltIn returns the texts of the paths that come with the product, by key.
func BuiltIn() (map[string]string, error) {
	files, err := fs.Glob(builtIn, "paths/*.yaml")
	found := map[string]string{}
	for _, file := range files {
		src, err := builtIn.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found[strings.TrimSuffix(strings.TrimPrefix(file, "paths/"), ".yaml")] = string(src)
	}
	return found, err
}

// ReadPath reads and checks a path. The error is migration.Findings: every fault with its line, in English, the language of operators.
func ReadPath(src []byte) (Path, error) {
	var p Path
	at, findings := migration.ReadYAML(src, &p)
	c := checker{at: at, findings: findings}
	if len(findings) == 0 {
		c.path(p)
	}
	if len(c.findings) > 0 {
		return Path{}, c.findings
	}
	return p, nil
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
	c.findings = append(c.findings, migration.Finding{Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...), Level: migration.LevelError})
}

func (c *checker) path(p Path) {
	c.key("path", p.Key)
	c.text("name", p.Name, true)
	if p.Papers < 0 || p.Papers > 20 {
		c.report("papers", "must be between 0 and 20 working days")
	}
	if len(p.Steps) == 0 || len(p.Steps) > maxSteps {
		c.report("steps", "has %d steps; a path has 1 to %d", len(p.Steps), maxSteps)
	}
	seen, always := map[string]bool{}, false
	for i, step := range p.Steps {
		if len(step) == 0 || len(step) > maxBeside {
			c.report(fmt.Sprintf("steps[%d]", i), "has %d nodes; a step has 1 to %d", len(step), maxBeside)
		}
		for k, n := range step {
			where := fmt.Sprintf("steps[%d][%d]", i, k)
			c.node(where, n)
			if seen[n.Key] {
				c.report(where+".key", "the key %q is here a second time", n.Key)
			}
			seen[n.Key] = true
			always = always || n.When == ""
		}
	}
	if !always {
		c.report("steps", "has a condition on every node; at least one node decides always")
	}
}

func (c *checker) node(where string, n Node) {
	c.key(where+".key", n.Key)
	c.text(where+".name", n.Name, true)
	c.text(where+".watches", n.Watches, false)
	if (len(n.Roles) > 0) == n.Chosen {
		c.report(where, `names either roles, or people with "chosen: true"`)
	}
	for i, r := range n.Roles {
		if !slices.Contains(roles, r) {
			c.report(fmt.Sprintf("%s.roles[%d]", where, i), "%q is no role; write one of %s", r, strings.Join(roles, ", "))
		}
	}
	if n.Need < 0 || n.Need > 50 {
		c.report(where+".need", "must be between 1 and 50, or left out for all")
	}
	if n.Days < 1 || n.Days > maxDays {
		c.report(where+".days", "must be between 1 and %d working days", maxDays)
	}
	if n.When == "" {
		return
	}
	if _, err := compile(n.When); err != nil {
		c.report(where+".when", "%v", err)
	}
}

func (c *checker) key(where, key string) {
	if !keys.MatchString(key) {
		c.report(where, "%q is no key; write small letters, digits and underlines, a letter first, at most 40", key)
	}
}

func (c *checker) text(where string, t migration.Text, needed bool) {
	if needed && len(t) == 0 {
		c.report(where, "is missing; write it by language, such as {en: ..., zh-CN: ...}")
	}
	for tag, s := range t {
		if n := len([]rune(s)); n == 0 || n > 200 {
			c.report(where+"."+tag, "has %d characters; 1 to 200 are shown", n)
		}
	}
}
