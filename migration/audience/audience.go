// Package audience reads the rules that say whom a notice concerns: CEL expressions over one customer. A rule is evaluated
// in Go for one customer, and as SQL for all of them at once; both give the same.
//
// A rule sees ref, name, tier, locale and zone (texts), attributes (what the import brought, texts by name), steps (the
// status of each step: steps.dates, steps.export, steps.choose, steps.settle, steps.confirm) and uses (how often the customer
// uses a feature, whole numbers by the feature's key; 0 where nothing was counted).
//
// A rule that asks for an attribute that a customer lacks has no result for this customer: an error in Go, NULL in SQL. Both
// let "false && x" be false and "true || x" be true all the same. CEL is described at https://cel.dev.
package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
)

const (
	maxText = 2000    // characters of one rule
	maxCost = 100_000 // of one evaluation, in CEL's units
)

// Steps are the names below steps.
var Steps = []string{"dates", "export", "choose", "settle", "confirm"}

// Customer is one customer as rules see it.
type Customer struct {
	Ref, Name, Tier, Locale, Zone string
	Attributes                    map[string]string
	Steps                         map[string]string // status by step
	Uses                          map[string]int64  // by feature
}

// Rule is a compiled rule. It is safe for concurrent use.
type Rule struct {
	text    string
	program cel.Program
	sql     condition
	uses    []string
}

var errNoRule = errors.New("is empty; leave it out where everybody is meant")

// Compile reads a rule. features are the keys that may stand below uses. The error says what to mend, with places in the
// rule.
func Compile(text string, features []string) (*Rule, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errNoRule
	}
	if n := len([]rune(text)); n > maxText {
		return nil, fmt.Errorf("has %d characters; at most %d are read", n, maxText)
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		var faults []string
		for _, i := range issues.Errors() {
			faults = append(faults, fmt.Sprintf("at %d:%d of the rule: %s", i.Location.Line(), i.Location.Column()+1, i.Message))
		}
		return nil, fmt.Errorf("%s; a rule may use ref, name, tier, locale, zone, attributes, steps and uses", strings.Join(faults, "; "))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s; a rule says true or false", checked.OutputType())
	}
	cost, err := env.EstimateCost(checked, estimator{})
	if err != nil {
		return nil, fmt.Errorf("estimate the rule's cost: %w", err)
	}
	if cost.Max > maxCost {
		return nil, fmt.Errorf("may cost %d units for one customer; at most %d are spent", cost.Max, maxCost)
	}
	t := translator{features: features}
	sql, err := t.condition(checked.NativeRep().Expr())
	if err != nil {
		return nil, err
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return nil, err
	}
	slices.Sort(t.used)
	return &Rule{text: text, program: program, sql: condition{sql, t.args}, uses: slices.Compact(t.used)}, nil
}

// String is the rule as it was written.
func (r *Rule) String() string { return r.text }

// Features lists the features that the rule asks about.
func (r *Rule) Features() []string { return r.uses }

// Holds evaluates the rule for one customer. It fails where the customer lacks what the rule asks for.
func (r *Rule) Holds(c Customer) (bool, error) {
	attributes, uses := c.Attributes, map[string]int64{}
	if attributes == nil {
		attributes = map[string]string{}
	}
	for _, feature := range r.uses {
		uses[feature] = c.Uses[feature]
	}
	out, _, err := r.program.Eval(map[string]any{
		"ref": c.Ref, "name": c.Name, "tier": c.Tier, "locale": c.Locale, "zone": c.Zone,
		"attributes": attributes, "steps": c.Steps, "uses": uses,
	})
	if err != nil {
		return false, fmt.Errorf("evaluate the rule: %w", err)
	}
	return out.Value() == true, nil
}

func environment() (*cel.Env, error) {
	env, err := cel.NewEnv(
		cel.ClearMacros(), cel.Macros(cel.HasMacro), // no loops
		cel.Variable("ref", cel.StringType), cel.Variable("name", cel.StringType), cel.Variable("tier", cel.StringType),
		cel.Variable("locale", cel.StringType), cel.Variable("zone", cel.StringType),
		cel.Variable("attributes", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("steps", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("uses", cel.MapType(cel.StringType, cel.IntType)),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare rules: %w", err)
	}
	return env, nil
}

// longest bounds one value of a customer, in characters; the import refuses longer ones.
const longest = 4000

// estimator tells CEL how long a customer's values may be.
type estimator struct{}

// EstimateSize implements cost.Estimator.
func (estimator) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: longest}
}

// EstimateCallCost implements cost.Estimator: CEL's own figures serve.
func (estimator) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
