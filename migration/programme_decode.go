package migration

import (
	"encoding"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

type position struct{ line, column int }

// decoder fills a Programme from the document's tree and goes on after each fault, so that one run names them all.
// It remembers where every path stands for the checks that follow.
type decoder struct {
	at       map[string]position
	findings Findings
}

func (d *decoder) report(n ast.Node, path, format string, args ...any) {
	p := where(n)
	d.findings = append(d.findings, Finding{Line: p.line, Column: p.column, Path: path, Message: fmt.Sprintf(format, args...), Level: LevelError})
}

// decode reads n into v, which is addressable.
func (d *decoder) decode(n ast.Node, v reflect.Value, path string) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MappingKeyNode:
		d.report(n, path, "anchors, aliases, tags and ? keys are not read; write the value out")
		return
	case *ast.NullNode:
		d.report(n, path, "has no value; give one or leave the key out")
		return
	}
	if day, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, path, func(s string) error { return day.UnmarshalText([]byte(s)) })
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.sequence(n, v, path)
	case reflect.String:
		d.text(n, path, func(s string) error { v.SetString(s); return nil })
	case reflect.Int, reflect.Int64:
		d.number(n, v, path)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.report(n, path, "must be true or false")
			return
		}
		v.SetBool(b.Value)
	}
}

func (d *decoder) text(n ast.Node, path string, set func(string) error) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		d.report(n, path, "must be text; write it in quotes: %q", n.GetToken().Value)
		return
	default:
		d.report(n, path, "must be text")
		return
	}
	if err := set(s); err != nil {
		d.report(n, path, "%v", err)
	}
}

func (d *decoder) number(n ast.Node, v reflect.Value, path string) {
	i, err := strconv.Atoi(n.GetToken().Value)
	if _, ok := n.(*ast.IntegerNode); !ok || err != nil {
		d.report(n, path, "must be a whole number")
		return
	}
	v.SetInt(int64(i))
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(n, path, "must be a list; begin each entry with a dash")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, entry := range list.Values {
		below := fmt.Sprintf("%s[%d]", path, i)
		d.at[below] = where(entry)
		d.decode(entry, v.Index(i), below)
	}
}

// mapping reads texts by locale or by another key.
func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key string, value ast.Node, below string) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, item, below)
		v.SetMapIndex(reflect.ValueOf(key), item)
	})
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	d.pairs(n, path, func(key string, value ast.Node, below string) {
		index, known := fields[key]
		if !known {
			d.report(value, below, "unknown key; known here: %s", strings.Join(sortedKeys(fields), ", "))
			p := d.at[below+"\x00key"]
			last := &d.findings[len(d.findings)-1]
			last.Line, last.Column = p.line, p.column
			return
		}
		d.decode(value, v.FieldByIndex(index), below)
	})
}

// pairs walks through a mapping, refuses duplicates, and notes where each value stands: the value itself where it is a
// scalar, its key where it is a block below.
func (d *decoder) pairs(n ast.Node, path string, yield func(key string, value ast.Node, below string)) {
	nodes, ok := valuesOf(n)
	if !ok {
		d.report(n, path, "must be a mapping of keys to values")
		return
	}
	seen := map[string]int{}
	for _, pair := range nodes {
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			d.report(pair.Key, path, "a key must be text; write numbers, true, false and null in quotes; merge keys and ? keys are not read")
			continue
		}
		below := strings.TrimPrefix(path+"."+name.Value, ".")
		if line, twice := seen[name.Value]; twice {
			d.report(name, below, "the key is here a second time; it was first on line %d", line)
			continue
		}
		key := where(name)
		seen[name.Value] = key.line
		d.at[below+"\x00key"], d.at[below] = key, key
		if isScalar(pair.Value) {
			d.at[below] = where(pair.Value)
		}
		yield(name.Value, pair.Value, below)
	}
}

func valuesOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func isScalar(n ast.Node) bool {
	_, scalar := n.(ast.ScalarNode)
	_, literal := n.(*ast.LiteralNode)
	return scalar && !literal
}

// where tells where a node begins to the eye. A mapping's own token is the colon of its first pair.
func where(n ast.Node) position {
	if values, ok := valuesOf(n); ok && len(values) > 0 {
		if m, isFlow := n.(*ast.MappingNode); !isFlow || !m.IsFlowStyle {
			n = values[0].Key
		}
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return position{}
	}
	return position{t.Position.Line, t.Position.Column}
}

// fieldsOf maps the file's keys to a struct's fields, inlined ones included.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" || rest == "inline" {
			continue
		}
		fields[name] = f.Index
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
