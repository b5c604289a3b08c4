package schema_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
)

// TestX02_EveryTableAndColumnHasARuleForErasure reads the schema as it is. A table that nobody named, and a column that stays without
// anybody having said so, fail the build.
func TestX02_EveryTableAndColumnHasARuleForErasure(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	rows, err := owner.Query(t.Context(), `SELECT c.table_name::text, array_agg(c.column_name::text ORDER BY c.ordinal_position)
		FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' GROUP BY 1 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string][]string{}
	var table string
	var columns []string
	if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error { there[table] = slices.Clone(columns); return nil }); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range schema.Erasure {
		if seen[r.Table] {
			t.Errorf("%s has two rules", r.Table)
		}
		seen[r.Table] = true
		if there[r.Table] == nil {
			t.Errorf("there is no table %s, which the register of erasure names", r.Table)
		}
		for _, fault := range faultsOf(r, there[r.Table]) {
			t.Errorf("%s: %s", r.Table, fault)
		}
	}
	for table := range there {
		if !seen[table] {
			t.Errorf("the table %s has no rule in schema.Erasure: say there what an erasure does with a customer's rows of it", table)
		}
	}
}

func faultsOf(r schema.ErasureRule, columns []string) (faults []string) {
	named := strings.Fields(r.Columns)
	switch {
	case r.Action == schema.EraseDelete:
		if len(named) > 0 {
			faults = append(faults, "its rows go, so no column stays")
		}
		if r.Where == "" && !slices.Contains(columns, "customer_id") {
			faults = append(faults, "it has no customer_id; say in Where whose its rows are")
		}
		return faults
	case r.Action == schema.EraseNone && r.Why == "", r.Action != schema.EraseNone && (r.Ground == "" || (r.Years < 1) != (r.Table == "audit")):
		faults = append(faults, "nobody says why it stays, or how long")
	case (r.Action == schema.EraseBlank) != (r.Blanks != "" && r.Rest != ""):
		faults = append(faults, "blank needs Blanks and Rest, and nothing else does")
	}
	for _, c := range columns {
		if !slices.Contains(named, c) {
			faults = append(faults, "nobody says that the column "+c+" may stay")
		}
	}
	for _, c := range named {
		if !slices.Contains(columns, c) {
			faults = append(faults, "it has no column "+c)
		}
	}
	return faults
}

// source is every Go file of ours that is not a test, nor of the tools and the machine for demonstrations.
func source(t *testing.T) (files []*ast.File) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() && (slices.Contains([]string{"tools", filepath.Join("deploy", "local"), filepath.Join("cmd", "demo")}, rel) || strings.HasPrefix(d.Name(), ".") && rel != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("read the source: %d files, %v", len(files), err)
	}
	return files
}

// TestX02_EveryJobArgumentHasARuleForErasure reads the source: what has a Kind is a job's arguments.
func TestX02_EveryJobArgumentHasARuleForErasure(t *testing.T) {
	t.Parallel()
	found := 0
	for _, file := range source(t) {
		for kind, arguments := range jobsOf(file) {
			found++
			i := slices.IndexFunc(schema.ErasureJobs, func(j schema.ErasureJob) bool { return j.Kind == kind })
			if i < 0 {
				t.Errorf("jobs of the kind %s are not in schema.ErasureJobs", kind)
				continue
			}
			named := strings.Fields(schema.ErasureJobs[i].Arguments)
			slices.Sort(named)
			slices.Sort(arguments)
			if !slices.Equal(named, arguments) {
				t.Errorf("jobs of the kind %s have the arguments %v; schema.ErasureJobs knows %v", kind, arguments, named)
			}
			if slices.Contains(arguments, "customer_id") != schema.ErasureJobs[i].Customer && kind != "erasure" {
				t.Errorf("jobs of the kind %s: whether they go with a customer is said wrongly", kind)
			}
		}
	}
	if found != len(schema.ErasureJobs) {
		t.Errorf("%d kinds of jobs were found; schema.ErasureJobs has %d", found, len(schema.ErasureJobs))
	}
}

// jobsOf are the kinds of jobs that a file declares, with the names of their arguments.
func jobsOf(file *ast.File) map[string][]string {
	structs, kinds := map[string]*ast.StructType{}, map[string][]string{}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					if body, ok := s.Type.(*ast.StructType); ok {
						structs[s.Name.Name] = body
					}
				}
			}
		}
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "Kind" || f.Recv == nil || len(f.Body.List) != 1 {
			continue
		}
		result, ok := f.Body.List[0].(*ast.ReturnStmt)
		if !ok || len(result.Results) != 1 {
			continue
		}
		literal, ok := result.Results[0].(*ast.BasicLit)
		receiver, named := f.Recv.List[0].Type.(*ast.Ident)
		if !ok || !named || structs[receiver.Name] == nil {
			continue
		}
		kind, _ := strconv.Unquote(literal.Value)
		kinds[kind] = []string{}
		for _, field := range structs[receiver.Name].Fields.List {
			tag := reflect.StructTag("")
			if field.Tag != nil {
				text, _ := strconv.Unquote(field.Tag.Value)
				tag = reflect.StructTag(text)
			}
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			kinds[kind] = append(kinds[kind], name)
		}
	}
	return kinds
}

// TestX02_EveryPrefixOfTheBucketHasARuleForErasure reads the source: constants called ...Prefix that end in a slash, and names given to
// NewKey, NewShelf and NewArchive.
func TestX02_EveryPrefixOfTheBucketHasARuleForErasure(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	note := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, _ := strconv.Unquote(l.Value); strings.HasSuffix(text, "/") && !strings.HasPrefix(text, "/") {
				found[text] = true
			}
		}
	}
	for _, file := range source(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) && strings.HasSuffix(strings.ToLower(name.Name), "prefix") {
						note(n.Values[i])
					}
				}
			case *ast.CallExpr:
				called := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					called = f.Name
				case *ast.SelectorExpr:
					called = f.Sel.Name
				}
				if slices.Contains([]string{"NewKey", "NewShelf", "NewArchive"}, called) {
					for _, a := range n.Args {
						note(a)
					}
				}
			}
			return true
		})
	}
	for prefix := range found {
		if !slices.ContainsFunc(schema.ErasurePrefixes, func(p schema.ErasurePrefix) bool { return p.Prefix == prefix }) {
			t.Errorf("the bucket's prefix %s is not in schema.ErasurePrefixes", prefix)
		}
	}
	for _, p := range schema.ErasurePrefixes {
		if !found[p.Prefix] {
			t.Errorf("nothing uses the bucket's prefix %s", p.Prefix)
		}
		if (p.Table == "") != (p.Why != "") || (p.Table == "") != (p.Column == "") {
			t.Errorf("the rule for the bucket's prefix %s is half a rule", p.Prefix)
		}
	}
}
