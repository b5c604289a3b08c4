package expression

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
)

const (
	maxText  = 4000      // characters of one expression
	maxInput = 1 << 20   // bytes of one value that it looks at; a regular expression takes a quarter of a second for them
	maxCost  = 1_000_000 // of one evaluation, in CEL's units: some ten megabytes of text looked through
)

// Why an expression has no result for a row, as the receipt names it.
const (
	Failed  = "rule_failed" // it asks of a value what the value does not have
	TooMuch = "rule_cost"   // what it looks at or would make is too long
)

var errInput = errors.New("a text longer than 1 MiB is not looked at")

// Error is why an expression has no result for one row.
type Error struct {
	Reason string // one of the above
	Cause  error
}

// Error tells the cause.
func (e *Error) Error() string { return e.Reason + ": " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Expression is compiled and ready to run. It is safe for concurrent use.
type Expression struct {
	program cel.Program
	columns []string
}

// Columns are the columns that the expression reads, in order of their names.
func (e *Expression) Columns() []string { return e.columns }

// Value compiles an expression that gives a value of a file: a text, a whole number, true or false, or null. The error says
// what is wrong with it, with places in it.
func (r *Rows) Value(text string) (*Expression, error) {
	return r.compile(text, "a value is text, a whole number, true or false, or null; make text of it with string()", "string", "int", "bool", "null_type", "dyn")
}

// Condition compiles an expression that says true or false.
func (r *Rows) Condition(text string) (*Expression, error) {
	return r.compile(text, "a condition says true or false", "bool")
}

func (r *Rows) compile(text, wanted string, kinds ...string) (*Expression, error) {
	if n := len([]rune(text)); n > maxText {
		return nil, fmt.Errorf("has %d characters; at most %d are read", n, maxText)
	}
	checked, issues := r.env.Compile(text)
	if issues.Err() != nil {
		var faults []string
		for _, i := range issues.Errors() {
			faults = append(faults, fmt.Sprintf("at %d:%d of the expression: %s", i.Location.Line(), i.Location.Column()+1, fault(i.Message)))
		}
		return nil, fmt.Errorf("%s; an expression may use customer, and the dataset's declared columns as row.NAME", strings.Join(faults, "; "))
	}
	kind := checked.OutputType()
	if name, _ := strings.CutPrefix(kind.String(), "wrapper("); !slices.Contains(kinds, strings.TrimSuffix(name, ")")) {
		return nil, fmt.Errorf("gives %s; %s", kind, wanted)
	}
	columns, err := reads(checked.NativeRep())
	if err != nil {
		return nil, err
	}
	program, err := r.env.Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	return &Expression{program, columns}, nil
}

// fault words the two mistakes that are made most in the programme's terms.
func fault(message string) string {
	if column, ok := strings.CutPrefix(message, "undefined field '"); ok {
		return fmt.Sprintf("the dataset has no column %q", strings.TrimSuffix(column, "'"))
	}
	if strings.Contains(message, "'_?_:_'") && strings.Contains(message, "null)") {
		return message + "; write dyn(null) for no value"
	}
	return message
}

// reads lists the columns that an expression selects, and refuses what no expression needs: a row as a whole, which is no
// value, the making of rows, and format, whose result knows no bound.
func reads(tree *ast.AST) (columns []string, err error) {
	selected := map[int64]bool{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			if of := e.AsSelect().Operand(); of.Kind() == ast.IdentKind && of.AsIdent() == rowName {
				selected[of.ID()] = true
				columns = append(columns, e.AsSelect().FieldName())
			}
		case ast.IdentKind:
			if e.AsIdent() == rowName && !selected[e.ID()] {
				err = errors.New("uses row as a whole; select a column of it, such as row.id")
			}
		case ast.StructKind:
			err = errors.New("makes a structure; a value is text, a whole number, true or false, or null")
		case ast.CallKind:
			if e.AsCall().FunctionName() == "format" {
				err = errors.New("uses format, which is not offered; join texts with +")
			}
		}
	}))
	slices.Sort(columns)
	return slices.Compact(columns), err
}

// Append evaluates the expression for a row and appends the result as text: a number in decimal digits, true or false. null
// reports that there is none. The error is *Error.
func (e *Expression) Append(dst []byte, row *Row) (out []byte, null bool, err error) {
	v, _, err := e.program.Eval(row)
	if err != nil {
		return dst, false, failure(err)
	}
	switch v := v.(type) {
	case types.String:
		if len(v) > maxResult {
			return dst, false, &Error{TooMuch, errLong}
		}
		return append(dst, v...), false, nil
	case types.Int:
		return strconv.AppendInt(dst, int64(v), 10), false, nil
	case types.Bool:
		return strconv.AppendBool(dst, bool(v)), false, nil
	case types.Null:
		return dst, true, nil
	}
	return dst, false, &Error{Failed, fmt.Errorf("gives %s", v.Type().TypeName())}
}

// Holds evaluates a condition for a row. The error is *Error.
func (e *Expression) Holds(row *Row) (bool, error) {
	v, _, err := e.program.Eval(row)
	if err != nil {
		return false, failure(err)
	}
	b, ok := v.(types.Bool)
	if !ok { // a column that may be NULL is a condition, too
		return false, &Error{Failed, fmt.Errorf("gives %s, neither true nor false", v.Type().TypeName())}
	}
	return bool(b), nil
}

func failure(err error) error {
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded || errors.Is(err, errLong) || errors.Is(err, errInput) {
		return &Error{TooMuch, err}
	}
	return &Error{Failed, err}
}
