// Package connect opens the sources that a programme names by key, puts the programme's datasets and features to them
// as queries, and checks a programme against them before it takes effect. All worker processes share one pace for each
// HTTP API.
package connect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"offramp/export/source"
	"offramp/migration"
)

// Sources are the places of the retired product's data by the keys that the programme file uses. Each is opened when it
// is first asked for. Safe for concurrent use.
type Sources struct {
	urls    map[string]string
	headers map[string]string
	opts    source.Options
	pace    *pacer // of all processes; nil: each has its own

	mu      sync.Mutex
	rows    map[string]source.Source
	objects map[string]source.Objects
}

// New takes addresses by key, as config.Config.Sources holds them.
func New(urls map[string]string, o source.Options) *Sources {
	return &Sources{urls: urls, opts: o, rows: map[string]source.Source{}, objects: map[string]source.Objects{}}
}

// WithHeaders sets the header line with its secret that the source of a key is asked with, as
// config.Config.SourceHeaders holds them. Only HTTP APIs take one.
func (s *Sources) WithHeaders(headers map[string]string) *Sources {
	s.headers = headers
	return s
}

// options are those of one source.
func (s *Sources) options(key string) source.Options {
	o := s.opts
	o.Header, o.Pacer = s.headers[key], s.pacerOf(key)
	return o
}

// Rows returns the database with this key. A key without an address is a source.Error of kind Invalid.
func (s *Sources) Rows(ctx context.Context, key string) (source.Source, error) {
	return opened(s, s.rows, key, func(url string) (source.Source, error) { return Open(ctx, url, s.options(key)) })
}

// Objects returns the place of attachments with this key.
func (s *Sources) Objects(ctx context.Context, key string) (source.Objects, error) {
	return opened(s, s.objects, key, func(url string) (source.Objects, error) { return OpenObjects(ctx, url, s.options(key)) })
}

func opened[T any](s *Sources, have map[string]T, key string, open func(url string) (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := have[key]; ok {
		return v, nil
	}
	var none T
	variable := "OFFRAMP_SOURCE_" + strings.ToUpper(key) + "_URL"
	url, ok := s.urls[key]
	if !ok {
		return none, &source.Error{Kind: source.Invalid, Cause: fmt.Errorf("source %q has no address: set %s", key, variable)}
	}
	v, err := open(url)
	if err != nil {
		return none, fmt.Errorf("source %q (%s): %w", key, variable, err)
	}
	have[key] = v
	return v, nil
}

// Close ends all connections.
func (s *Sources) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		r.Close()
	}
	clear(s.rows)
}

// QueryRows reads a query of the programme that is about all customers, such as the one that lists them. A nil value is
// NULL. yield's error ends the reading and is returned.
func (s *Sources) QueryRows(ctx context.Context, q migration.Query, yield func(columns []string, values []*string) error) error {
	db, err := s.Rows(ctx, q.Source)
	if err != nil {
		return err
	}
	return db.Table(ctx, q.SQL, func(columns []source.Column, values [][]byte) error {
		names, texts := make([]string, len(columns)), make([]*string, len(values))
		for i, c := range columns {
			names[i] = c.Name
		}
		for i, v := range values {
			if v != nil {
				text := string(v)
				texts[i] = &text
			}
		}
		return yield(names, texts)
	})
}

// Problem is what is wrong with one query or source of a programme, in English, for operators.
type Problem struct {
	Path    string // in the programme file, such as datasets[2]
	Message string
	Warning bool  // it works, but slowly
	Err     error // behind Message; nil for a warning
}

// slowScan is the size from which a table without a fitting index is worth a warning.
const slowScan = 100_000

// CheckProgramme tries every dataset's query and every source that the programme names, without reading customers'
// data.
func (s *Sources) CheckProgramme(ctx context.Context, p *migration.Programme) []Problem {
	var problems []Problem
	say := func(path string, err error) {
		if err != nil {
			problems = append(problems, Problem{Path: path, Message: err.Error(), Err: err})
		}
	}
	for i, d := range p.Datasets {
		path := fmt.Sprintf("datasets[%d]", i)
		warnings, err := s.checkDataset(ctx, d)
		say(path, err)
		for _, w := range warnings {
			problems = append(problems, Problem{Path: path, Message: w, Warning: true})
		}
		if files := FilesOf(d); files != nil {
			say(path+".files", s.checkFiles(ctx, files.Source))
		}
	}
	for i, f := range p.Export.Filters {
		say(fmt.Sprintf("export.filters[%d]", i), s.checkFilter(ctx, f))
	}
	for i, f := range p.Features {
		if f.SQL != "" {
			say(fmt.Sprintf("features[%d]", i), s.checkFeature(ctx, f))
		}
	}
	if p.Customers != nil {
		_, err := s.checkTable(ctx, *p.Customers)
		say("customers", err)
	}
	if p.Entitlements != nil {
		say("entitlements", s.checkPayments(ctx, *p.Entitlements))
	}
	return problems
}

func (s *Sources) checkDataset(ctx context.Context, d migration.Dataset) (warnings []string, err error) {
	db, err := s.Rows(ctx, d.Source)
	if err != nil {
		return nil, err
	}
	snap, err := db.Begin(ctx, "0", "") // a number that is nobody's will do for planning
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	q := Query(d)
	found, err := snap.Check(ctx, q)
	if err != nil {
		return nil, err
	}
	if _, err := Places(d, found); err != nil {
		return nil, err
	}
	if err := roles(d, found); err != nil {
		return nil, err
	}
	unproved, err := tryNobody(ctx, db, q)
	if err != nil {
		return nil, err
	}
	if unproved != "" {
		warnings = append(warnings, unproved)
	}
	if adviser, ok := snap.(source.Adviser); ok {
		scans, err := adviser.Scans(ctx, q, slowScan)
		if source.KindOf(err) == source.Denied { // planning asks for rights that preparing does not
			return nil, err
		}
		if err != nil {
			return warnings, nil //nolint:nilerr // advice only: the customers' numbers may not be of a kind that 0 is
		}
		for _, t := range scans {
			warnings = append(warnings, fmt.Sprintf("reads all %d rows of %s for one customer; an index on the customer's column makes it up to a hundred times faster", t.Rows, t.Table))
		}
	}
	return warnings, nil
}

// roles checks the columns by which a dataset is cut and restricted.
func roles(d migration.Dataset, found []source.Column) error {
	wrong := func(column, what string) error {
		return &source.Error{Kind: source.Schema, Dataset: d.Key, Cause: fmt.Errorf("column %q, which is its %s, is missing", column, what)}
	}
	has := func(column string) bool {
		return column == "" || slices.ContainsFunc(found, func(f source.Column) bool { return f.Name == column })
	}
	for _, role := range []struct{ column, what string }{{d.RowKey, "row_key"}, {d.Period, "period"}, {d.Changed, "changed"}} {
		if !has(role.column) {
			return wrong(role.column, role.what)
		}
	}
	for filter, column := range d.Filters {
		if !has(column) {
			return wrong(column, "column for the filter "+filter)
		}
	}
	for _, c := range found {
		timed := slices.Contains([]string{"date", "timestamp", "instant"}, c.Type)
		if !timed && (c.Name == d.Period || c.Name == d.Changed) {
			return &source.Error{Kind: source.Schema, Dataset: d.Key, Cause: fmt.Errorf("column %q is %s; a period or a change needs a date, timestamp or instant", c.Name, c.Type)}
		}
	}
	return nil
}

// checkFilter tries the query that offers a filter's values: two columns, value and label.
func (s *Sources) checkFilter(ctx context.Context, f migration.Filter) error {
	if f.SQL == "" {
		return nil
	}
	db, err := s.Rows(ctx, f.Source)
	if err != nil {
		return err
	}
	snap, err := db.Begin(ctx, "0", "")
	if err != nil {
		return err
	}
	defer snap.Close()
	q := source.Query{Dataset: f.Key, SQL: f.SQL}
	found, err := snap.Check(ctx, q)
	if err == nil && len(found) != 2 {
		err = &source.Error{Kind: source.Schema, Dataset: f.Key, Cause: fmt.Errorf("the query of a filter returns value and label; this one has %d columns", len(found))}
	}
	if err == nil && strings.Contains(f.SQL, ":"+migration.CustomerParameter) {
		_, err = tryNobody(ctx, db, q)
	}
	return err
}

func (s *Sources) checkFiles(ctx context.Context, key string) error {
	objects, err := s.Objects(ctx, key)
	if err != nil {
		return err
	}
	return objects.Ping(ctx)
}

func (s *Sources) checkTable(ctx context.Context, q migration.Query) ([]source.Column, error) {
	db, err := s.Rows(ctx, q.Source)
	if err != nil {
		return nil, err
	}
	return db.CheckTable(ctx, q.SQL)
}

// checkPayments also holds the columns against those that an import of payments knows.
func (s *Sources) checkPayments(ctx context.Context, q migration.Query) error {
	found, err := s.checkTable(ctx, q)
	if err != nil {
		return err
	}
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.Name
	}
	if err := migration.CheckPaymentColumns(names); err != nil {
		return &source.Error{Kind: source.Schema, Cause: err}
	}
	return nil
}

// Query is a dataset's question to its source.
func Query(d migration.Dataset) source.Query {
	q := source.Query{Dataset: d.Key, SQL: d.SQL, CountSQL: d.Count, Key: d.RowKey}
	for _, c := range d.Columns {
		q.Columns = append(q.Columns, source.Column{Name: c.Name, Type: c.Type})
	}
	if files := FilesOf(d); files != nil {
		q.Files = source.FileColumns{Key: files.Key, Size: files.Size}
	}
	if o := d.Objects; o != nil {
		q.Objects = &source.ObjectQuery{Prefix: o.Prefix, Metadata: o.Metadata}
		q.Key = "key"
	}
	if r := d.Request; r != nil {
		q.Request = &source.Request{Path: r.Path, Items: r.Items, Total: r.Total, Header: r.Header, Paging: source.Paging{
			By: r.Paging.By, Cursor: r.Paging.Cursor, Parameter: r.Paging.Parameter, First: r.Paging.First,
			More: r.Paging.More, Size: r.Paging.Size, SizeParameter: r.Paging.SizeParameter,
		}}
	}
	return q
}

// FilesOf says where a dataset's attachments are. A dataset whose rows are objects has those objects.
func FilesOf(d migration.Dataset) *migration.Files {
	if d.Files == nil && d.Objects != nil {
		return &migration.Files{Source: d.Source, Key: "key", Name: "name", Size: "size"}
	}
	return d.Files
}

// FilePlaces are the positions of the columns that name attachments; -1 where there is none.
type FilePlaces struct{ Key, Name, Size int }

// Places finds a dataset's columns for attachments among those that its query returns.
func Places(d migration.Dataset, found []source.Column) (FilePlaces, error) {
	at := FilePlaces{-1, -1, -1}
	files := FilesOf(d)
	if files == nil {
		return at, nil
	}
	for _, c := range []struct {
		name string
		to   *int
	}{{files.Key, &at.Key}, {files.Name, &at.Name}, {files.Size, &at.Size}} {
		if c.name == "" {
			continue
		}
		*c.to = slices.IndexFunc(found, func(f source.Column) bool { return f.Name == c.name })
		if *c.to < 0 {
			return at, &source.Error{Kind: source.Schema, Dataset: d.Key, Cause: fmt.Errorf("column %q, which names its attachments, is missing", c.name)}
		}
	}
	return at, nil
}
