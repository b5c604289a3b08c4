package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// CustomerParameter is the one parameter of a dataset's query, written :customer_id.
const CustomerParameter = "customer_id"

// columnTypes are the types that a dataset may promise of a column.
var columnTypes = []string{"text", "integer", "number", "boolean", "date", "time", "timestamp", "instant", "duration", "binary", "json", "uuid"}

// reservedNames are no file names on Windows, whatever the extension.
var reservedNames = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])$`)

// customers checks the query from which customers are imported. It reads all of them and so knows no parameter.
func (c *checker) customers() {
	q := c.p.Customers
	if q == nil {
		return
	}
	c.query("customers", *q)
	if names := parameters(q.SQL); len(names) > 0 {
		c.errorf("customers.query", "uses :%s; the query for customers reads all of them and knows no parameter", names[0])
	}
}

func (c *checker) query(path string, q Query) {
	c.name(path+".source", q.Source, namePattern)
	if strings.TrimSpace(q.SQL) == "" {
		c.errorf(path+".query", "is missing")
	}
}

func (c *checker) datasets() {
	if len(c.p.Datasets) == 0 {
		c.errorf("datasets", "is missing; a programme lets customers export at least one dataset")
	}
	for i, d := range c.p.Datasets {
		path := fmt.Sprintf("datasets[%d]", i)
		c.name(path+".key", d.Key, keyPattern)
		if reservedNames.MatchString(d.Key) {
			c.errorf(path+".key", "%q cannot be a file's name on Windows", d.Key)
		}
		if at := slices.IndexFunc(c.p.Datasets, func(o Dataset) bool { return o.Key == d.Key }); at < i && d.Key != "" {
			c.errorf(path+".key", "there are two datasets %q", d.Key)
		}
		c.text(path+".name", d.Name, true)
		c.text(path+".description", d.Description, false)
		c.origin(path, d)
		c.columns(path, d)
		c.files(path, d)
		c.cuts(path, d)
	}
}

// bound checks that a dataset's query is about one customer: without the parameter it would hand out everybody's rows.
func (c *checker) bound(path, sql string) {
	if strings.TrimSpace(sql) == "" {
		c.errorf(path, "is missing")
		return
	}
	names := parameters(sql)
	if !slices.Contains(names, CustomerParameter) {
		c.errorf(path, "does not use :%s and would return the rows of all customers; restrict it to one", CustomerParameter)
	}
	for _, name := range names {
		if name != CustomerParameter {
			c.errorf(path, "uses the unknown parameter :%s; only :%s is known", name, CustomerParameter)
		}
	}
}

func (c *checker) columns(path string, d Dataset) {
	for i, col := range d.Columns {
		at := fmt.Sprintf("%s.columns[%d]", path, i)
		if col.Name == "" {
			c.errorf(at+".name", "is missing; name the column as the query returns it")
		} else if slices.IndexFunc(d.Columns, func(o Column) bool { return o.Name == col.Name }) < i {
			c.errorf(at+".name", "the column %q is listed twice", col.Name)
		}
		if col.Type != "" && !slices.Contains(columnTypes, col.Type) {
			c.errorf(at+".type", "%q is no type; known: %s", col.Type, strings.Join(columnTypes, ", "))
		}
		c.text(at+".meaning", col.Meaning, false)
	}
}

// files checks that the columns that name a dataset's attachments are among those that it promises.
func (c *checker) files(path string, d Dataset) {
	f := d.Files
	if f == nil {
		return
	}
	c.name(path+".files.source", f.Source, namePattern)
	for _, col := range []struct{ key, name string }{{"key", f.Key}, {"name", f.Name}, {"size", f.Size}} {
		at := path + ".files." + col.key
		switch {
		case col.name == "" && (col.key != "size" || c.has(at)):
			c.errorf(at, "is missing; name the column of the query that holds it")
		case col.name != "" && len(d.Columns) > 0 && !slices.ContainsFunc(d.Columns, func(o Column) bool { return o.Name == col.name }):
			c.errorf(at, "%q is not among the dataset's columns", col.name)
		}
	}
}

// literal finds the parts of a query in which a colon is no parameter: strings, quoted names, comments, dollar quotes,
// casts and assignments. Source: PostgreSQL documentation, chapter 4.1, "Lexical Structure".
var literal = regexp.MustCompile(`(?s)\b[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"[^"]*"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$|::|:=`)

var parameter = regexp.MustCompile(`:([A-Za-z_][A-Za-z0-9_]*)`)

// parameters lists the names that a query uses as :name. The source checks the query once more before it runs it.
func parameters(sql string) []string {
	var names []string
	for _, m := range parameter.FindAllStringSubmatch(literal.ReplaceAllString(sql, " "), -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}
