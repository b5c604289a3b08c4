package governance

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
)

// Facts are what the portal sees of the programme at an instant, under the names that rules use.
type Facts struct {
	Customers         int64 `cel:"customers"`          // active ones
	Unreached         int64 `cel:"unreached"`          // who neither signed in nor spoke with us, and are not waived
	Unexported        int64 `cel:"unexported"`         // whose export is neither completed nor unneeded
	Unmoved           int64 `cel:"unmoved"`            // who have not confirmed that they have moved
	RefundsOpen       int64 `cel:"refunds_open"`       // asked for, and neither paid, credited, declined nor withdrawn
	RefundsUnknown    int64 `cel:"refunds_unknown"`    // whose payment's outcome nobody knows
	NoticesUnapproved int64 `cel:"notices_unapproved"` // notices of the programme whose words, as they are now, nobody has approved
	TalksOpen         int64 `cel:"talks_open"`         // customers of a core tier with whom nobody has spoken
	CallsOpen         int64 `cel:"calls_open"`         // calls that wait for a person
	HelpOpen          int64 `cel:"help_open"`          // requests for help that wait for our answer
	OverdueRisks      int64 `cel:"overdue_risks"`      // open risks whose review is overdue
	OpenHighRisks     int64 `cel:"open_high_risks"`    // open risks with a score of 15 or more
	Announced         bool  `cel:"announced"`          // a public notice has been sent

	Approved []string `cel:"approved"` // kinds of papers of which one is approved as it stands, such as application
}

// Names lists the facts in the order of the struct.
func Names() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Facts]()) {
		names = append(names, f.Tag.Get("cel"))
	}
	return names
}

// values are the facts by name.
func (f Facts) values() map[string]any {
	all := map[string]any{}
	v := reflect.ValueOf(f)
	for i, field := range reflect.VisibleFields(v.Type()) {
		all[field.Tag.Get("cel")] = v.Field(i).Interface()
	}
	return all
}

const (
	maxRule = 500
	maxCost = 10_000
)

// environment knows the facts' names and kinds. Making it takes a millisecond, and a plan has two dozen rules.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{cel.ClearMacros()} // no loops
	for name, value := range (Facts{}).values() {
		kind := cel.IntType
		switch value.(type) {
		case bool:
			kind = cel.BoolType
		case []string:
			kind = cel.ListType(cel.StringType)
		}
		options = append(options, cel.Variable(name, kind))
	}
	return cel.NewEnv(options...)
})

// compile reads a rule. Its error says what to mend.
func compile(rule string) (cel.Program, error) {
	if strings.TrimSpace(rule) == "" {
		return nil, errors.New("is empty; write a rule over the facts, such as unreached == 0")
	}
	if n := len([]rune(rule)); n > maxRule {
		return nil, fmt.Errorf("has %d characters; at most %d are read", n, maxRule)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("prepare rules: %w", err)
	}
	checked, issues := env.Compile(rule)
	if issues.Err() != nil {
		var faults []string
		for _, i := range issues.Errors() {
			faults = append(faults, fmt.Sprintf("at %d:%d of the rule: %s", i.Location.Line(), i.Location.Column()+1, i.Message))
		}
		return nil, fmt.Errorf("%s; a rule may use %s", strings.Join(faults, "; "), strings.Join(Names(), ", "))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s; a rule says true or false", checked.OutputType())
	}
	return env.Program(checked, cel.CostLimit(maxCost))
}

// Holds evaluates a rule. An error is a rule that has no result, such as a division by zero: it does not hold, and is shown.
func (f Facts) Holds(rule string) (bool, error) {
	program, err := compile(rule)
	if err != nil {
		return false, err
	}
	out, _, err := program.Eval(f.values())
	if err != nil {
		return false, fmt.Errorf("evaluate %q: %w", rule, err)
	}
	return out.Value() == true, nil
}
