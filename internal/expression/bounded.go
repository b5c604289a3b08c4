package expression

import (
	"errors"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxResult bounds a text that is made out of others. The limit on cost comes too late for it: a customer's two long
// texts, one put into the other at each letter, would fill the memory in one call.
const maxResult = 16 << 20

var errLong = errors.New("the text would be longer than 16 MiB")

// bounded replaces the functions of the strings extension whose result is of another order of size than what they are given.
func bounded() []cel.EnvOption {
	text := cel.StringType
	return []cel.EnvOption{
		cel.Function(
			"replace",
			cel.MemberOverload("string_replace_string_string", []*cel.Type{text, text, text}, text, cel.FunctionBinding(replace)),
			cel.MemberOverload("string_replace_string_string_int", []*cel.Type{text, text, text, cel.IntType}, text, cel.FunctionBinding(replace)),
		),
		cel.Function(
			"join",
			cel.MemberOverload("list_join", []*cel.Type{cel.ListType(text)}, text,
				cel.UnaryBinding(func(list ref.Val) ref.Val { return join(list, types.String("")) })),
			cel.MemberOverload("list_join_string", []*cel.Type{cel.ListType(text), text}, text, cel.BinaryBinding(join)),
		),
	}
}

func replace(args ...ref.Val) ref.Val {
	s, was, is := string(args[0].(types.String)), string(args[1].(types.String)), string(args[2].(types.String))
	most := strings.Count(s, was)
	if len(args) > 3 {
		if n := int64(args[3].(types.Int)); n >= 0 {
			most = int(min(int64(most), n))
		}
	}
	if len(is) > len(was) && (len(s) > maxResult || most > (maxResult-len(s))/(len(is)-len(was))) {
		return types.WrapErr(errLong)
	}
	return types.String(strings.Replace(s, was, is, most))
}

func join(list, between ref.Val) ref.Val {
	l, sep := list.(traits.Lister), string(between.(types.String))
	var b strings.Builder
	for it, first := l.Iterator(), true; it.HasNext() == types.True; first = false {
		s, ok := it.Next().(types.String)
		switch {
		case !ok:
			return types.NewErr("join takes texts only")
		case b.Len()+len(sep)+len(s) > maxResult:
			return types.WrapErr(errLong)
		case !first:
			b.WriteString(sep)
		}
		b.WriteString(string(s))
	}
	return types.String(b.String())
}
