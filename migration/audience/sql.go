package audience

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// condition is a rule as SQL, with %s where its values stand.
type condition struct {
	text string
	args []any
}

// SQL returns the rule as a condition over customer c and journey j, with its values as named arguments, @rule0 and so on. It is
// NULL for a customer who lacks what the rule asks for.
func (r *Rule) SQL() (sql string, args map[string]any) {
	places := make([]any, len(r.sql.args))
	args = make(map[string]any, len(r.sql.args))
	for i, value := range r.sql.args {
		name := "rule" + strconv.Itoa(i)
		places[i], args[name] = "@"+name, value
	}
	return fmt.Sprintf(r.sql.text, places...), args
}

// translator turns a checked expression into SQL. Values travel as parameters, never in the text.
type translator struct {
	features []string
	args     []any
	used     []string // features
}

// columns are the variables that are columns.
var columns = map[string]string{"ref": "c.ref", "name": "c.name", "tier": "c.tier", "locale": "c.locale", "zone": "c.zone"}

// comparisons are CEL's operators that SQL has.
var comparisons = map[string]string{
	operators.Equals: "=", operators.NotEquals: "<>", operators.Less: "<", operators.LessEquals: "<=",
	operators.Greater: ">", operators.GreaterEquals: ">=",
}

func unsupported(what string) error {
	return fmt.Errorf("uses %s, which a rule cannot; it may compare with == != < <= > >= and in, join with && || and !, ask has(), "+
		"and call startsWith, endsWith, contains and int", what)
}

func (t *translator) value(v any, kind string) string {
	t.args = append(t.args, v)
	return "%s::" + kind
}

func (t *translator) condition(e ast.Expr) (string, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return strings.ToUpper(strconv.FormatBool(bool(b))), nil
		}
	case ast.CallKind:
		return t.call(e.AsCall())
	case ast.SelectKind:
		if s := e.AsSelect(); s.IsTestOnly() {
			return t.has(s)
		}
	}
	return "", unsupported("a value where a condition is needed")
}

func (t *translator) has(s ast.SelectExpr) (string, error) {
	if of := s.Operand(); of.Kind() != ast.IdentKind || of.AsIdent() != "attributes" {
		return "", unsupported("has() of something that is no attribute")
	}
	return "jsonb_exists(c.attributes, " + t.value(s.FieldName(), "text") + ")", nil
}

func (t *translator) call(c ast.CallExpr) (string, error) {
	name, args := c.FunctionName(), c.Args()
	switch name {
	case operators.LogicalAnd, operators.LogicalOr:
		return t.join(map[string]string{operators.LogicalAnd: " AND ", operators.LogicalOr: " OR "}[name], args)
	case operators.LogicalNot:
		inner, err := t.condition(args[0])
		return "(NOT " + inner + ")", err
	case operators.In:
		return t.in(args[0], args[1])
	}
	if op, ok := comparisons[name]; ok {
		return t.compare(op, args[0], args[1])
	}
	if !c.IsMemberFunction() || !slices.Contains([]string{"startsWith", "endsWith", "contains"}, name) {
		return "", unsupported(strings.ReplaceAll(name, "_", ""))
	}
	text, err := t.operand(c.Target())
	if err != nil {
		return "", err
	}
	part, err := t.operand(args[0])
	if err != nil {
		return "", err
	}
	switch both := "(" + text.sql + ", " + part.sql + ")"; name {
	case "startsWith":
		return "starts_with" + both, nil
	case "endsWith":
		return "offramp_ends_with" + both, nil
	default:
		return "(strpos" + both + " > 0)", nil
	}
}

func (t *translator) join(op string, args []ast.Expr) (string, error) {
	parts := make([]string, len(args))
	for i, a := range args {
		var err error
		if parts[i], err = t.condition(a); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

func (t *translator) compare(op string, a, b ast.Expr) (string, error) {
	left, err := t.operand(a)
	if err != nil {
		return "", err
	}
	right, err := t.operand(b)
	if err != nil {
		return "", err
	}
	collate := ""
	if left.text { // by code point, as CEL compares
		collate = ` COLLATE "C"`
	}
	return "(" + left.sql + collate + " " + op + " " + right.sql + ")", nil
}

func (t *translator) in(a, list ast.Expr) (string, error) {
	if list.Kind() != ast.ListKind {
		return "", unsupported("in with something that is no list")
	}
	of, err := t.operand(a)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, e := range list.AsList().Elements() {
		one, err := t.operand(e)
		if err != nil {
			return "", err
		}
		parts = append(parts, one.sql)
	}
	if len(parts) == 0 {
		return "FALSE", nil
	}
	return "(" + of.sql + " IN (" + strings.Join(parts, ", ") + "))", nil
}

// operand is a text or a whole number.
type operand struct {
	sql  string
	text bool
}

func (t *translator) operand(e ast.Expr) (operand, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			return operand{t.value(string(v), "text"), true}, nil
		case types.Int:
			return operand{t.value(int64(v), "bigint"), false}, nil
		}
	case ast.IdentKind:
		if column, ok := columns[e.AsIdent()]; ok {
			return operand{column, true}, nil
		}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() && s.Operand().Kind() == ast.IdentKind {
			return t.field(s.Operand().AsIdent(), s.FieldName())
		}
	case ast.CallKind:
		return t.function(e.AsCall())
	}
	return operand{}, unsupported("something that is neither a text nor a whole number")
}

func (t *translator) function(c ast.CallExpr) (operand, error) {
	switch args := c.Args(); c.FunctionName() {
	case operators.Index:
		if of, key := args[0], args[1]; of.Kind() == ast.IdentKind && key.Kind() == ast.LiteralKind {
			if name, ok := key.AsLiteral().(types.String); ok {
				return t.field(of.AsIdent(), string(name))
			}
		}
	case "int":
		of, err := t.operand(args[0])
		if err != nil || !of.text {
			return of, err
		}
		return operand{"offramp_whole(" + of.sql + ")", false}, nil
	case operators.Negate:
		of, err := t.operand(args[0])
		return operand{"(-" + of.sql + ")", false}, err
	}
	return operand{}, unsupported(strings.Trim(c.FunctionName(), "_"))
}

func (t *translator) field(of, name string) (operand, error) {
	switch of {
	case "attributes":
		return operand{"(c.attributes ->> " + t.value(name, "text") + ")", true}, nil
	case "steps":
		if !slices.Contains(Steps, name) {
			return operand{}, fmt.Errorf("asks for step %q; the steps are %s", name, strings.Join(Steps, ", "))
		}
		return operand{"j." + name + "::text", true}, nil
	case "uses":
		if !slices.Contains(t.features, name) {
			return operand{}, fmt.Errorf("asks for the use of %q, which is no feature of the programme", name)
		}
		t.used = append(t.used, name)
		return operand{"coalesce((SELECT u.uses FROM feature_usage u WHERE u.customer_id = c.id AND u.feature = " + t.value(name, "text") + "), 0)", false}, nil
	}
	return operand{}, unsupported("." + name)
}
