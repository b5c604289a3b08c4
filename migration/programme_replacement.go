package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"offramp/internal/expression"
)

var filePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}\.(csv|jsonl)$`)

const (
	maxReplacements = 50
	maxImportFiles  = 50
)

func (c *checker) replacements() {
	if n := len(c.p.Replacements); n > maxReplacements {
		c.errorf("replacements", "has %d entries; at most %d are read", n, maxReplacements)
		return
	}
	for i, r := range c.p.Replacements {
		path := fmt.Sprintf("replacements[%d]", i)
		c.name(path+".key", r.Key, keyPattern)
		if reservedNames.MatchString(r.Key) {
			c.errorf(path+".key", "%q cannot be a folder's name on Windows", r.Key)
		}
		if at := slices.IndexFunc(c.p.Replacements, func(o Replacement) bool { return o.Key == r.Key }); at < i && r.Key != "" {
			c.errorf(path+".key", "there are two replacements %q", r.Key)
		}
		c.text(path+".name", r.Name, true)
		c.catalogue(path, r)
		if r.Import != nil {
			c.profile(path+".import", *r.Import)
		}
	}
}

func (c *checker) profile(path string, p ImportProfile) {
	switch n := len(p.Files); {
	case n == 0:
		c.warnf(path+".files", "names no file: the replacement takes nothing of any dataset; leave import out if it reads no files")
	case n > maxImportFiles:
		c.errorf(path+".files", "has %d entries; at most %d are read", n, maxImportFiles)
		return
	}
	for i, f := range p.Files {
		at := fmt.Sprintf("%s.files[%d]", path, i)
		stem, _, _ := strings.Cut(f.Name, ".")
		switch {
		case f.Name == "":
			c.errorf(at+".name", "is missing; name the file as the replacement expects it, such as issues.csv")
		case !filePattern.MatchString(f.Name):
			c.errorf(at+".name", "%q must be small letters, digits, dots, _ and -, at most 100, and end with .csv or .jsonl", f.Name)
		case reservedNames.MatchString(stem):
			c.errorf(at+".name", "%q cannot be a file's name on Windows", f.Name)
		case slices.IndexFunc(p.Files, func(o ImportFile) bool { return o.Name == f.Name }) < i:
			c.errorf(at+".name", "there are two files %q", f.Name)
		}
		c.importFile(at, f)
	}
	for i, l := range p.Loses {
		c.loss(fmt.Sprintf("%s.loses[%d]", path, i), l)
	}
}

// importFile checks a file against the dataset that it is made from. Without a sound dataset its columns cannot be judged.
func (c *checker) importFile(path string, f ImportFile) {
	if len(f.Columns) == 0 {
		c.errorf(path+".columns", "is missing; list what the file holds")
	}
	d, ok := c.dataset(path+".dataset", f.Dataset, true)
	if !ok {
		return
	}
	if len(d.Columns) == 0 {
		c.errorf(path+".dataset", "the dataset %q does not declare its columns; list them there, so that this file can be checked", f.Dataset)
		return
	}
	rows, err := rowsOf(d)
	if err != nil {
		c.errorf(path, "expressions cannot be compiled: %v", err)
		return
	}
	if f.Where != "" || c.has(path+".where") {
		if _, err := rows.Condition(f.Where); err != nil {
			c.errorf(path+".where", "%v", err)
		}
	}
	for i, col := range f.Columns {
		at := fmt.Sprintf("%s.columns[%d]", path, i)
		switch {
		case strings.TrimSpace(col.Name) == "":
			c.errorf(at+".name", "is missing; name the column as the replacement expects it")
		case strings.ContainsFunc(col.Name, func(r rune) bool { return isControl(r) || r == '\n' }):
			c.errorf(at+".name", "holds a control character")
		case slices.IndexFunc(f.Columns, func(o ImportColumn) bool { return o.Name == col.Name }) < i:
			c.errorf(at+".name", "the column %q is listed twice", col.Name)
		}
		c.importColumn(at, d, rows, col)
	}
}

func (c *checker) importColumn(path string, d Dataset, rows *expression.Rows, col ImportColumn) {
	var given []string
	for _, one := range []struct {
		key string
		is  bool
	}{{"from", col.From != "" || c.has(path+".from")}, {"value", col.Value != "" || c.has(path+".value")}, {"constant", col.Constant != nil}} {
		if one.is {
			given = append(given, one.key)
		}
	}
	switch strings.Join(given, " and ") {
	case "":
		c.errorf(path, oneOrigin, "none")
		return
	case "from":
		c.among(path+".from", d, col.From)
	case "value":
		if _, err := rows.Value(col.Value); err != nil {
			c.errorf(path+".value", "%v", err)
		}
	case "constant":
	default:
		c.errorf(path+"."+given[1], oneOrigin, strings.Join(given, " and "))
		return
	}
	c.mapped(path, col)
}

const oneOrigin = "has %s; give exactly one of from (a column as it is), value (an expression) and constant"

func (c *checker) mapped(path string, col ImportColumn) {
	if col.Constant != nil && (col.Map != nil || col.Otherwise != nil) {
		c.errorf(path+".constant", "has neither map nor otherwise; a constant is always the same")
	}
	if col.Map != nil && len(col.Map) == 0 {
		c.errorf(path+".map", "is empty; list the values to replace, or leave it out")
	}
	if col.Otherwise != nil && col.Map == nil {
		c.errorf(path+".otherwise", "goes with map only; leave it out")
	}
}

// dataset finds a dataset that something names.
func (c *checker) dataset(path, key string, needed bool) (Dataset, bool) {
	d, ok := c.p.Dataset(key)
	switch {
	case key == "" && needed:
		c.errorf(path, "is missing; name a dataset")
	case key != "" && !ok:
		c.errorf(path, "there is no dataset %q", key)
	}
	return d, ok && key != ""
}

func (c *checker) loss(path string, l Loss) {
	d, ok := c.dataset(path+".dataset", l.Dataset, false)
	switch {
	case l.Dataset == "" && l.Column != "":
		c.errorf(path+".dataset", "is missing; name the dataset of the column")
	case ok && l.Column != "":
		c.among(path+".column", d, l.Column)
	}
	c.text(path+".text", l.Text, l.Dataset == "")
}
