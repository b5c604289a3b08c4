package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"offramp/internal/expression"
)

var (
	dottedPattern    = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
	headerPattern    = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, 5.6.2
	parameterPattern = regexp.MustCompile(`^[A-Za-z0-9_.\-\[\]]+$`)
	secretHeaders    = regexp.MustCompile(`(?i)^(proxy-)?authorization$|^cookie$|api-?key|token|secret`)
)

var waysOfPaging = []string{PagingLink, PagingCursor, PagingPage, PagingNone}

// maxPage bounds the rows of one page of an HTTP API.
const maxPage = 10_000

// origin checks what a dataset is read from: exactly one of a query, a prefix of objects, or an HTTP request.
func (c *checker) origin(path string, d Dataset) {
	var given []string
	for _, one := range []struct {
		name string
		is   bool
	}{{"query", d.SQL != "" || c.has(path+".query")}, {"objects", d.Objects != nil}, {"request", d.Request != nil}} {
		if one.is {
			given = append(given, one.name)
		}
	}
	switch {
	case len(given) > 1:
		c.errorf(path+"."+given[1], "stands beside %s; a dataset comes from exactly one of query, objects and request", given[0])
	case d.Objects != nil:
		c.name(path+".source", d.Source, namePattern)
		c.scoped(path+".objects.prefix", d.Objects.Prefix, "customers/:customer_id/")
	case d.Request != nil:
		c.name(path+".source", d.Source, namePattern)
		c.request(path+".request", *d.Request)
	default:
		c.query(path, d.Query)
		c.bound(path+".query", d.SQL)
	}
	if d.Count == "" && !c.has(path+".count") {
		return
	}
	if d.Objects != nil || d.Request != nil {
		c.errorf(path+".count", "goes with query only; leave it out")
		return
	}
	c.bound(path+".count", d.Count)
}

// scoped checks that a prefix or an address is about one customer, whose number must end where the parameter ends: the
// prefix "c/1" would hold customer 12's objects, too.
func (c *checker) scoped(path, value, example string) {
	names := parameters(value)
	switch {
	case strings.TrimSpace(value) == "":
		c.errorf(path, "is missing; write one such as %s", example)
	case !slices.Contains(names, CustomerParameter):
		c.errorf(path, "does not use :%s and would give everybody's data; write one such as %s", CustomerParameter, example)
	case strings.HasSuffix(path, ".prefix") && strings.HasSuffix(value, ":"+CustomerParameter):
		c.errorf(path, "ends with :%s and so holds other customers whose number begins alike; end it with a slash, as in %s", CustomerParameter, example)
	}
	for _, name := range names {
		if name != CustomerParameter {
			c.errorf(path, "uses the unknown parameter :%s; only :%s is known", name, CustomerParameter)
		}
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.errorf(path, "holds a control character")
	}
}

func (c *checker) request(path string, r Request) {
	c.scoped(path+".path", r.Path, "/v1/notes?account=:customer_id")
	if r.Path != "" && (!strings.HasPrefix(r.Path, "/") || strings.HasPrefix(r.Path, "//")) {
		c.errorf(path+".path", "must begin with one slash; the source's address comes from the configuration")
	}
	for _, name := range sortedKeys(r.Header) {
		at := path + ".header." + name
		switch {
		case !headerPattern.MatchString(name):
			c.errorf(at, "%q is no name of a header", name)
		case secretHeaders.MatchString(name):
			c.errorf(at, "looks like a secret, which would be stored and shown with the programme; configure it with the source")
		case strings.ContainsAny(r.Header[name], "\r\n\x00"):
			c.errorf(at, "must be one line")
		}
	}
	c.dotted(path+".items", r.Items)
	c.dotted(path+".total", r.Total)
	c.paging(path+".paging", r.Paging)
}

func (c *checker) dotted(path, value string) {
	if value != "" && !dottedPattern.MatchString(value) {
		c.errorf(path, "%q must be names with dots between them, such as data.items", value)
	}
}

func (c *checker) paging(path string, p Paging) {
	if !slices.Contains(waysOfPaging, p.By) {
		c.errorf(path+".by", "must be one of %s", strings.Join(waysOfPaging, ", "))
		return
	}
	only := func(key string, given, fits, needed bool, how string) {
		switch {
		case given && !fits:
			c.errorf(path+"."+key, "does not go with by: %s; leave it out", p.By)
		case fits && needed && !given:
			c.errorf(path+"."+key, "is missing; %s", how)
		}
	}
	cursor, page := p.By == PagingCursor, p.By == PagingPage
	only("cursor", p.Cursor != "", cursor, true, "name where the answer holds the cursor, such as meta.next")
	only("more", p.More != "", p.By != PagingNone, false, "")
	only("parameter", p.Parameter != "", cursor || page, page, "name the query parameter that asks for the next page")
	only("first", c.has(path+".first"), page, false, "")
	only("size", c.has(path+".size"), p.By != PagingNone, false, "")
	only("size_parameter", p.SizeParameter != "", p.By != PagingNone, p.Size > 0, "name the query parameter that takes the size")
	c.pages(path, p)
}

// pages checks the form of what paging says.
func (c *checker) pages(path string, p Paging) {
	c.dotted(path+".cursor", p.Cursor)
	c.dotted(path+".more", p.More)
	for _, named := range []struct{ key, value string }{{"parameter", p.Parameter}, {"size_parameter", p.SizeParameter}} {
		if named.value != "" && !parameterPattern.MatchString(named.value) {
			c.errorf(path+"."+named.key, "%q is no name of a query parameter", named.value)
		}
	}
	if c.has(path+".first") && (p.First < 0 || p.First > 1) {
		c.errorf(path+".first", "must be 0 or 1, the number of the API's first page")
	}
	if c.has(path+".size") && (p.Size < 1 || p.Size > maxPage) {
		c.errorf(path+".size", "must lie between 1 and %d", maxPage)
	}
}

// cuts checks the columns by which a dataset is cut into volumes and restricted.
func (c *checker) cuts(path string, d Dataset) {
	c.among(path+".row_key", d, d.RowKey)
	c.among(path+".period", d, d.Period, "date", "timestamp", "instant")
	c.among(path+".changed", d, d.Changed, "timestamp", "instant")
	for _, key := range sortedKeys(d.Filters) {
		at := path + ".filters." + key
		if !slices.ContainsFunc(c.p.Export.Filters, func(f Filter) bool { return f.Key == key }) {
			c.errorf(at, "there is no filter %q under export.filters", key)
			continue
		}
		if d.Filters[key] == "" {
			c.errorf(at, "is missing; name the column that the filter restricts")
		}
		c.among(at, d, d.Filters[key])
	}
	if d.SQL != "" && d.RowKey == "" {
		c.warnf(path+".row_key", "is missing: an export of more than one volume cannot be cut within this dataset")
	}
	if d.SQL == "" && (d.Objects != nil || d.Request != nil) {
		for _, one := range []struct{ key, value string }{{"period", d.Period}, {"changed", d.Changed}} {
			if one.value != "" {
				c.errorf(path+"."+one.key, "goes with query only; leave it out")
			}
		}
		if len(d.Filters) > 0 {
			c.errorf(path+".filters", "goes with query only; leave it out")
		}
	}
}

// among checks that a column is one of the dataset's, and that its type, where it is declared, is one of types.
func (c *checker) among(path string, d Dataset, column string, types ...string) {
	switch {
	case column == "" && c.has(path):
		c.errorf(path, "is missing; name a column of the dataset")
		return
	case column == "" || len(d.Columns) == 0:
		return
	}
	i := slices.IndexFunc(d.Columns, func(o Column) bool { return o.Name == column })
	switch {
	case i < 0:
		c.errorf(path, "%q is not among the dataset's columns", column)
	case len(types) > 0 && d.Columns[i].Type != "" && !slices.Contains(types, d.Columns[i].Type):
		c.errorf(path, "%q is %s; choose a column of type %s", column, d.Columns[i].Type, strings.Join(types, " or "))
	}
}

// rows prepares expressions over a dataset's rows.
func rowsOf(d Dataset) (*expression.Rows, error) {
	columns := make([]expression.Column, len(d.Columns))
	for i, c := range d.Columns {
		columns[i] = expression.Column{Name: c.Name, Type: c.Type}
	}
	return expression.Over(columns)
}

// exportRules checks what bounds exports.
func (c *checker) exportRules() {
	e := c.p.Export
	if c.has("export.keep_days") && (e.KeepDays < 1 || e.KeepDays > 90) {
		c.errorf("export.keep_days", "must lie between 1 and 90; a ready export can be downloaded for so many days")
	}
	if c.has("export.promise_hours") && (e.PromiseHours < 1 || e.PromiseHours > 168) {
		c.errorf("export.promise_hours", "must lie between 1 and 168; an export that takes longer moves the customer's deadline")
	}
	for i, f := range e.Filters {
		path := fmt.Sprintf("export.filters[%d]", i)
		c.name(path+".key", f.Key, keyPattern)
		if at := slices.IndexFunc(e.Filters, func(o Filter) bool { return o.Key == f.Key }); at < i && f.Key != "" {
			c.errorf(path+".key", "there are two filters %q", f.Key)
		}
		c.text(path+".name", f.Name, true)
		c.query(path, f.Query)
		c.bound(path+".query", f.SQL)
		if !slices.ContainsFunc(c.p.Datasets, func(d Dataset) bool { _, ok := d.Filters[f.Key]; return ok }) && f.Key != "" {
			c.warnf(path+".key", "no dataset uses the filter %q; name the column that it restricts under filters of a dataset", f.Key)
		}
	}
}
