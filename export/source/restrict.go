package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is a query in a database's own words: SQL with places for values, which never become part of its text.
type question struct {
	sql    string
	values []string
}

// dialect is what differs between databases in how a query is restricted.
type dialect interface {
	// name quotes a column's name.
	name(column string) string
	// place adds a value and returns what stands for it.
	place(a *question, value string) string
	// key is the same for a value of the column that a query is cut by.
	key(a *question, column Column, value string) string
	// text makes a column comparable with values in the text form in which it is read.
	text(column string) string
}

// wrapped is the name of a dataset's query as others that are put around it know it.
const wrapped = "rows_of_dataset"

// within puts the dataset's bound query in parentheses. The line's end closes a comment that may be its last word.
func within(sql string) string { return "(\n" + sql + "\n) as " + wrapped }

// restricted reports whether the query is less than its SQL.
func (q Query) restricted() bool { return !q.Range.Whole() || len(q.Where) > 0 }

// conditions are the words of "where" for the query's range and conditions, or nothing. a gets the values.
func conditions(d dialect, a *question, q Query, columns []Column) (string, error) {
	var all []string
	if !q.Range.Whole() {
		column, err := columnNamed(q, columns, q.Key, "which its row_key names")
		if err != nil {
			return "", err
		}
		if q.Range.From != nil {
			all = append(all, d.name(q.Key)+" >= "+d.key(a, column, *q.Range.From))
		}
		if q.Range.Before != nil {
			all = append(all, d.name(q.Key)+" < "+d.key(a, column, *q.Range.Before))
		}
	}
	for _, c := range q.Where {
		some, err := condition(d, a, q, c, columns)
		if err != nil {
			return "", err
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return "", nil
	}
	return " where " + strings.Join(all, " and "), nil
}

func condition(d dialect, a *question, q Query, c Condition, columns []Column) (all []string, err error) {
	column, err := columnNamed(q, columns, c.Column, "which a filter, period or change names")
	if err != nil {
		return nil, err
	}
	if c.In != nil {
		places := make([]string, len(c.In))
		for i, v := range c.In {
			places[i] = d.place(a, v)
		}
		if len(places) == 0 { // nothing was chosen
			return []string{"1 = 0"}, nil
		}
		all = append(all, d.name(c.Column)+" is not null and "+d.text(d.name(c.Column))+" in ("+strings.Join(places, ", ")+")")
	}
	for _, edge := range []struct{ value, operator string }{{c.From, " >= "}, {c.Before, " < "}} {
		if edge.value == "" {
			continue
		}
		value, err := bound(column, edge.value, edge.operator == " < ")
		if err != nil {
			return nil, asError(q, err)
		}
		all = append(all, d.name(c.Column)+edge.operator+d.key(a, column, value))
	}
	return all, nil
}

func asError(q Query, err error) error {
	var own *Error
	if errors.As(err, &own) {
		own.Dataset = q.Dataset
		return own
	}
	return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
}

// columnNamed finds a column; why says who wants it.
func columnNamed(q Query, columns []Column, name, why string) (Column, error) {
	if name == "" {
		return Column{}, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("it has no row_key, so it cannot be read in ranges")}
	}
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, &Error{Kind: Schema, Dataset: q.Dataset, Cause: fmt.Errorf("column %q, %s, is missing", name, why)}
	}
	return columns[i], nil
}

// bound puts an edge, an instant or a day, into the text form of a column. Edges of days are widened to whole days.
func bound(c Column, edge string, up bool) (string, error) {
	at, err := time.Parse(time.RFC3339Nano, edge)
	if err != nil {
		if at, err = time.Parse(time.DateOnly, edge); err != nil {
			return "", fmt.Errorf("%q is neither an instant, such as 2026-03-01T09:00:00Z, nor a day, such as 2026-03-01", edge)
		}
	}
	at = at.UTC()
	switch c.Type {
	case "date":
		if day := at.Truncate(24 * time.Hour); up && !day.Equal(at) {
			at = day.AddDate(0, 0, 1)
		}
		return at.Format(time.DateOnly), nil
	case "timestamp":
		return at.Format("2006-01-02 15:04:05.999999"), nil
	case "instant":
		return at.Format("2006-01-02 15:04:05.999999-07"), nil
	}
	return "", &Error{Kind: Schema, Cause: fmt.Errorf("column %q is %s: a period or a change needs a date, timestamp or instant", c.Name, c.Type)}
}

// tooMany is the error for a query with more rows than it may have.
func tooMany(q Query) error {
	return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: fmt.Errorf("it has more rows than the %s that one export may have of a dataset", strconv.FormatInt(q.MaxRows, 10))}
}

// unclean refuses what no database could hold in a text, before it sees it.
func unclean(q Query, customer string) error {
	if strings.ContainsRune(customer, 0) {
		return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the customer's reference has a NUL character")}
	}
	return nil
}
