package expression

import (
	"fmt"
	"strconv"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

const (
	rowType  = "offramp.row"
	rowName  = "row"
	customer = "customer"
)

// Column is a column of the dataset.
type Column struct {
	Name string
	Type string // as the programme declares it; integer and boolean are told apart from text
}

// Rows compiles expressions over the rows of one dataset. It is safe for concurrent use.
type Rows struct{ env *cel.Env }

// base has everything but the rows, which differ between datasets. Making it takes a millisecond.
var base = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.ClearMacros(), cel.Macros(cel.HasMacro), // no loops: one over a long text's letters takes half a minute
		cel.EnableIdentifierEscapeSyntax(), cel.Variable(customer, cel.StringType),
		ext.Strings(ext.StringsVersion(4)), cel.ASTValidators(cel.ValidateRegexLiterals()),
	}
	return cel.NewEnv(append(options, bounded()...)...)
})

// Over makes what compiles expressions over rows with these columns.
func Over(columns []Column) (*Rows, error) {
	env, err := base()
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	fields := make(map[string]*types.FieldType, len(columns))
	for i, c := range columns {
		fields[c.Name] = field(i, c)
	}
	env, err = env.Extend(
		cel.CustomTypeProvider(&provider{Provider: env.CELTypeProvider(), columns: columns, fields: fields}),
		cel.Variable(rowName, cel.ObjectType(rowType)),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	return &Rows{env}, nil
}

// provider adds the type of rows to CEL's own.
type provider struct {
	types.Provider
	columns []Column
	fields  map[string]*types.FieldType
}

// FindStructType finds the type of rows.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if name == rowType {
		return types.NewTypeTypeWithParam(cel.ObjectType(rowType)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames lists a row's columns.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if name != rowType {
		return p.Provider.FindStructFieldNames(name)
	}
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		names[i] = c.Name
	}
	return names, true
}

// FindStructFieldType finds a row's column.
func (p *provider) FindStructFieldType(name, column string) (*types.FieldType, bool) {
	if name != rowType {
		return p.Provider.FindStructFieldType(name, column)
	}
	f, ok := p.fields[column]
	return f, ok
}

// field reads the column at place i. Reading it straight from the row is what makes expressions fast enough: a map would
// have to be filled for each row.
func field(i int, c Column) *types.FieldType {
	f := &types.FieldType{
		Type:  types.NewNullableType(types.StringType),
		IsSet: func(row any) bool { return row.(*Row).Values[i] != nil },
	}
	of := func(v []byte) ref.Val { return types.String(v) }
	switch c.Type {
	case "integer":
		f.Type = types.NewNullableType(types.IntType)
		of = func(v []byte) ref.Val {
			n, err := strconv.ParseInt(string(v), 10, 64)
			if err != nil {
				return types.NewErr("column %q holds a number beyond 64 bits", c.Name)
			}
			return types.Int(n)
		}
	case "boolean":
		f.Type = types.NewNullableType(types.BoolType)
		of = func(v []byte) ref.Val { return types.Bool(v[0] == 't') }
	}
	f.GetFrom = func(row any) (any, error) {
		v := row.(*Row).Values[i]
		switch {
		case v == nil:
			return types.NullValue, nil
		case len(v) > maxInput:
			return nil, errInput
		}
		return of(v), nil
	}
	return f
}

// Row is one row as expressions see it.
type Row struct {
	Customer string
	Values   [][]byte // by place of the column; nil is NULL, and a boolean is never empty
}

// ResolveName gives CEL its two variables.
func (r *Row) ResolveName(name string) (any, bool) {
	switch name {
	case rowName:
		return r, true
	case customer:
		return r.Customer, true
	}
	return nil, false
}

// Parent is none: there are no other variables.
func (r *Row) Parent() cel.Activation { return nil }
