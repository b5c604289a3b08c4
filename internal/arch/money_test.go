package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bearing are the folders whose code bears money. No number in them is a floating-point one.
var bearing = []string{"internal/money", "migration/refund", "migration/programme_refund", "portal/finance", "portal/customer/settle"}

// floating are the names by which a floating-point number comes into being or is read.
var floating = []string{
	"float32", "float64", "complex64", "complex128", "ParseFloat", "FormatFloat", "AppendFloat", "ParseComplex",
	"Float", "Float32", "Float64", "InexactFloat64", "NewFloat", "Float8", "Float8Value", "Float64Value", "NullFloat64", "FlexibleFloat64",
}

// TestI03_MoneyIsNeverAFloat reads every file that bears money, tests included.
func TestI03_MoneyIsNeverAFloat(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if !bearsMoney(folder, filepath.Base(path)) {
				continue
			}
			seen++
			for _, fault := range floats(t, path, nil) {
				t.Errorf("%s/%s", folder, fault)
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d files bear money; does the list of folders still hold?", seen)
	}
}

// counts are the files that count things for Prometheus, whose numbers are floating-point ones, and bear no money.
var counts = []string{"migration/refund/metrics.go"}

// bearsMoney takes whole folders, and single files of a folder by the beginning of their names.
func bearsMoney(folder, file string) bool {
	return !slices.Contains(counts, folder+"/"+file) && slices.ContainsFunc(bearing, func(b string) bool {
		return folder == b || strings.HasPrefix(folder, b+"/") || folder == filepath.Dir(b) && strings.HasPrefix(file, filepath.Base(b))
	})
}

// floats names each floating-point literal, type and reader in a file.
func floats(t *testing.T, path string, src any) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		what := ""
		switch n := n.(type) {
		case *ast.Ident:
			if slices.Contains(floating, n.Name) {
				what = n.Name
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				what = n.Value
			}
		case *ast.ImportSpec:
			if p, _ := strconv.Unquote(n.Path.Value); p == "math/cmplx" {
				what = p
			}
		}
		if what != "" {
			at := set.Position(n.Pos())
			found = append(found, filepath.Base(at.Filename)+":"+strconv.Itoa(at.Line)+" uses "+what+"; money is int64 in minor units")
		}
		return true
	})
	return found
}

// TestFloatsAreFound keeps the check honest.
func TestFloatsAreFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"var x = 1.5":                             true,
		"var x = 1e3":                             true,
		"var x float64":                           true,
		"func f(x any) { _ = x.(float32) }":       true,
		"var x, _ = strconv.ParseFloat(s, 64)":    true,
		"var x pgtype.Float8":                     true,
		"var x = 2i":                              true,
		"var x int64 = 150 // 1.5":                false,
		`var x = "1.5"`:                           false,
		"func g() int64 { return 3 / 2 }":         false,
		"type floatingPoint struct{ afloat bool}": false,
	} {
		if found := floats(t, "x.go", "package x\n"+source); (len(found) > 0) != want {
			t.Errorf("%s: %v", source, found)
		}
	}
	for place, want := range map[string]bool{
		"migration/refund|store.go": true, "migration/refund/quote|quote.go": true, "migration/refunds|x.go": false,
		"portal/customer/settle|estimate_page.go": true, "portal/customer|exports_page.go": false, "internal/money|money.go": true,
	} {
		folder, file, _ := strings.Cut(place, "|")
		if got := bearsMoney(folder, file); got != want {
			t.Errorf("%s: %t", place, got)
		}
	}
}
