package migration

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
)

// ruleCost bounds what one rule may cost for one customer; the rules of real programmes cost less than a hundredth.
const ruleCost = 100_000

// ruleEnv compiles the rules of tiers: CEL expressions over one imported customer.
type ruleEnv struct{ env *cel.Env }

func newRuleEnv() (ruleEnv, error) {
	env, err := cel.NewEnv(
		cel.Variable("ref", cel.StringType),
		cel.Variable("name", cel.StringType),
		cel.Variable("attributes", cel.MapType(cel.StringType, cel.StringType)),
	)
	return ruleEnv{env}, err
}

// compile returns a rule ready to run, or what is wrong with it.
func (e ruleEnv) compile(rule string) (cel.Program, error) {
	if len(rule) > maxText {
		return nil, fmt.Errorf("has %d characters; at most %d are read", len(rule), maxText)
	}
	checked, issues := e.env.Compile(rule)
	if issues.Err() != nil {
		var faults []string
		for _, i := range issues.Errors() {
			faults = append(faults, fmt.Sprintf("at %d:%d of the rule: %s", i.Location.Line(), i.Location.Column()+1, i.Message))
		}
		return nil, fmt.Errorf("%s; a rule may use ref, name and attributes", strings.Join(faults, "; "))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s; a rule says true or false", checked.OutputType())
	}
	return e.env.Program(checked, cel.CostLimit(ruleCost))
}

// tierRules decide the tier of customers whose import names none.
type tierRules struct {
	tiers []Tier
	rules []cel.Program // nil where a tier has none
}

func newTierRules(p *Programme) (*tierRules, error) {
	env, err := newRuleEnv()
	if err != nil {
		return nil, err
	}
	t := &tierRules{tiers: p.Tiers, rules: make([]cel.Program, len(p.Tiers))}
	for i, tier := range p.Tiers {
		if tier.Rule == "" {
			continue
		}
		if t.rules[i], err = env.compile(tier.Rule); err != nil {
			return nil, fmt.Errorf("compile the rule of tier %s: %w", tier.Key, err)
		}
	}
	return t, nil
}

// decides reports whether the programme has any rule.
func (t *tierRules) decides() bool {
	return slices.ContainsFunc(t.rules, func(p cel.Program) bool { return p != nil })
}

var errNoTier = errors.New("no tier's rule fits this customer; add a column tier or a rule that fits")

// tier returns the first tier whose rule holds. A rule that cannot be evaluated, as when it asks for an attribute that the
// customer does not have, is an error: passing over it would put customers into the wrong tier unseen.
func (t *tierRules) tier(ref, name string, attributes map[string]string) (string, error) {
	if len(t.tiers) == 1 && t.rules[0] == nil {
		return t.tiers[0].Key, nil
	}
	if attributes == nil {
		attributes = map[string]string{}
	}
	vars := map[string]any{"ref": ref, "name": name, "attributes": attributes}
	for i, rule := range t.rules {
		if rule == nil {
			continue
		}
		out, _, err := rule.Eval(vars)
		if err != nil {
			return "", fmt.Errorf("the rule of tier %s fails: %w", t.tiers[i].Key, err)
		}
		if out.Value() == true {
			return t.tiers[i].Key, nil
		}
	}
	return "", errNoTier
}
