package locale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// actNames are the names under which the code hands the name of an act on, until the audit log takes it.
var actNames = []string{"act", "verb", "record", "Act"}

var actForm = regexp.MustCompile(`^[a-z_]+\.[a-z_.]+$`)

// TestEveryActHasWords collects the acts that the code can write to the audit log and holds them against the catalogues.
func TestEveryActHasWords(t *testing.T) {
	acts := actsOf(t, root(t))
	if len(acts) < 100 {
		t.Fatalf("%d acts found: %v", len(acts), slices.Sorted(maps.Keys(acts)))
	}
	for _, tag := range tags {
		messages := catalogue(t, tag)
		for act, where := range acts {
			_, ok := messages["console.act."+act]
			if head, joined := strings.CutSuffix(act, "."); joined {
				ok = begins(messages, "console.act."+head+".")
			}
			if !ok {
				t.Errorf("%s: no words for the act %s, which %s writes", tag, act, where)
			}
		}
	}
}

// actsOf finds the acts that are literals in the product's source, and the heads of those that are joined. It follows literals into
// fields, variables and parameters that are called as acts are.
func actsOf(t *testing.T, base string) map[string]string {
	t.Helper()
	packages := map[string][]*ast.File{}
	files := token.NewFileSet()
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools") {
			return fs.SkipDir
		}
		if d.IsDir() || !product(path) || !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	acts := map[string]string{}
	for _, list := range packages {
		if !slices.ContainsFunc(list, imports("offramp/internal/audit")) {
			continue
		}
		places := parameters(list)
		for _, file := range list {
			collectActs(file, places, func(act string, at token.Pos) {
				if where, err := filepath.Rel(base, files.Position(at).String()); err == nil && actForm.MatchString(act) {
					acts[act] = where
				}
			})
		}
	}
	return acts
}

func imports(path string) func(*ast.File) bool {
	return func(f *ast.File) bool {
		return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(path) })
	}
}

// parameters finds where functions take the name of an act.
func parameters(list []*ast.File) map[string]int {
	places := map[string]int{}
	for _, file := range list {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := 0
			for _, field := range f.Type.Params.List {
				for _, name := range field.Names {
					if of, ok := field.Type.(*ast.Ident); ok && of.Name == "string" && slices.Contains(actNames, name.Name) {
						places[f.Name.Name] = n
					}
					n++
				}
			}
		}
	}
	return places
}

func collectActs(file *ast.File, places map[string]int, found func(string, token.Pos)) {
	named := func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.Ident:
			return slices.Contains(actNames, x.Name)
		case *ast.SelectorExpr:
			return slices.Contains(actNames, x.Sel.Name)
		}
		return false
	}
	take := func(e ast.Expr) {
		ast.Inspect(e, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && call != e {
				return false
			}
			if x, ok := n.(*ast.BasicLit); ok && x.Kind == token.STRING {
				if text, err := strconv.Unquote(x.Value); err == nil {
					found(text, x.Pos())
				}
			}
			return true
		})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.KeyValueExpr:
			if named(x.Key) {
				take(x.Value)
			}
		case *ast.AssignStmt:
			for i, to := range x.Lhs {
				if named(to) && len(x.Rhs) == len(x.Lhs) {
					take(x.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, name := range x.Names {
				if named(name) && i < len(x.Values) {
					take(x.Values[i])
				}
			}
		case *ast.CallExpr:
			name := ""
			switch f := x.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if place, ok := places[name]; ok && place < len(x.Args) {
				take(x.Args[place])
			}
		}
		return true
	})
}
