package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// object is one entry of a lister.
type object struct {
	key      string
	size     int64 // negative: not known, since it cannot be read as a file
	modified time.Time
	etag     string // may be empty
}

// description is what describe adds to an object.
type description struct {
	contentType string
	metadata    map[string]string
}

// lister is a place of objects. It is safe for concurrent use. Errors are *Error or *ObjectError.
type lister interface {
	// list calls yield for each object whose key begins with prefix and is not before from, in the order of the keys' bytes.
	list(ctx context.Context, prefix, from string, yield func(object) error) error
	// describe tells more about one object; an *ObjectError when it is gone.
	describe(ctx context.Context, key string) (description, error)
	// cannot says why a query cannot be answered here.
	cannot(q ObjectQuery) error
	ping(ctx context.Context) error
}

// listing is a Source whose rows are objects: those of a bucket or of a directory. It has no snapshots.
type listing struct {
	lister
	what string // for errors
	opts Options
}

// ListBucket prepares a source whose rows are a bucket's objects.
func ListBucket(ctx context.Context, rawURL string, o Options) (Source, error) {
	b, err := openBucket(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	return &listing{lister: b, what: "a bucket", opts: o.WithDefaults()}, nil
}

// ListDirectory prepares a source whose rows are a directory's files.
func ListDirectory(u *url.URL, o Options) (Source, error) {
	d, err := openDirectory(u)
	if err != nil {
		return nil, err
	}
	return &listing{lister: d, what: "a directory", opts: o.WithDefaults()}, nil
}

// Ping implements Source.
func (l *listing) Ping(ctx context.Context) error { return l.ping(ctx) }

// Close implements Source.
func (l *listing) Close() {}

// Table implements Source.
func (l *listing) Table(context.Context, string, func([]Column, [][]byte) error) error {
	return NoSQL(l.what)
}

// CheckTable implements Source.
func (l *listing) CheckTable(context.Context, string) ([]Column, error) {
	return nil, NoSQL(l.what)
}

// Begin implements Source. Any reader may read any range, so nothing is joined.
func (l *listing) Begin(_ context.Context, customer, join string) (Snapshot, error) {
	if join != "" {
		return nil, &Error{Kind: Invalid, Cause: fmt.Errorf("%s has no snapshots that could be joined", l.what)}
	}
	return &listed{listing: l, customer: customer, info: Info{AsOf: time.Now().UTC(), Free: true}}, nil
}

// errStop ends a listing early.
var errStop = errors.New("enough")

// The columns of every listing, and those with Metadata.
var (
	objectColumns = []Column{{"key", "text"}, {"name", "text"}, {"size", "integer"}, {"modified", "instant"}, {"etag", "text"}}
	metaColumns   = []Column{{"content_type", "text"}, {"metadata", "json"}}
)

// ObjectColumns are the columns of a dataset whose rows are objects. Its key is "key"; "name" is what follows the prefix.
func ObjectColumns(q ObjectQuery) []Column {
	columns := append([]Column{}, objectColumns...)
	if q.Metadata {
		columns = append(columns, metaColumns...)
	}
	return columns
}

// prefixError says what the programme's file must mend about a prefix. Behind the customer's reference there must be a
// separator, since HZ-1 would otherwise see what HZ-10 has.
func prefixError(prefix string) error {
	if err := OnlyPlaceholder(prefix); err != nil {
		return err
	}
	if !strings.Contains(prefix, Placeholder) {
		return fmt.Errorf("the prefix does not use %s, so it would give every customer's objects", Placeholder)
	}
	for rest := prefix; ; {
		_, after, found := strings.Cut(rest, Placeholder)
		if !found {
			return nil
		}
		if after == "" || !isSeparator(after[0]) {
			return fmt.Errorf("the prefix needs a separator behind %s, such as %s/; without it HZ-1 would see what HZ-10 has", Placeholder, Placeholder)
		}
		rest = after
	}
}

func isSeparator(c byte) bool {
	return c > ' ' && c < 0x7f && c != ':' && !IsLetterOrDigit(rune(c))
}

// bindPrefix puts a customer's reference into a prefix that prefixError has passed. The reference must not have a separator
// that ends it: HZ with the prefix :customer_id- would see what HZ-1 has.
func bindPrefix(prefix, customer string) (string, error) {
	if err := CheckReference(customer); err != nil {
		return "", err
	}
	if strings.ContainsAny(customer, `/\`) || IsDots(customer) {
		return "", errors.New("the customer's reference has / or \\ or is dots only, and cannot stand in a prefix")
	}
	for rest := prefix; ; {
		_, after, found := strings.Cut(rest, Placeholder)
		if !found {
			return strings.ReplaceAll(prefix, Placeholder, customer), nil
		}
		if strings.IndexByte(customer, after[0]) >= 0 {
			return "", fmt.Errorf("the customer's reference has %q in it, which ends the reference in the prefix; use / there", after[:1])
		}
		rest = after
	}
}

// listed is one customer's view of a listing.
type listed struct {
	*listing
	customer string
	info     Info
}

// Info implements Snapshot.
func (l *listed) Info() Info { return l.info }

// Close implements Snapshot.
func (l *listed) Close() {}

// Check implements Snapshot. What lies there is not looked at: a customer without any objects is none that is wrong.
func (l *listed) Check(_ context.Context, q Query) ([]Column, error) {
	fail := func(err error) ([]Column, error) {
		return nil, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
	}
	switch {
	case q.Objects == nil || q.SQL != "" || q.CountSQL != "" || q.Request != nil:
		return fail(fmt.Errorf("its source is %s: it needs objects with a prefix, and neither SQL nor a request", l.what))
	case len(q.Where) > 0:
		return fail(fmt.Errorf("its source is %s: it cannot be restricted by a filter, period or change", l.what))
	case q.Key != "" && q.Key != "key":
		return fail(fmt.Errorf("its source is %s, which is read in ranges by the column key only, not by %q", l.what, q.Key))
	}
	if err := prefixError(q.Objects.Prefix); err != nil {
		return fail(err)
	}
	if err := l.cannot(*q.Objects); err != nil {
		return fail(err)
	}
	columns := ObjectColumns(*q.Objects)
	if _, _, err := FindFileColumns(q, columns); err != nil {
		return nil, err
	}
	return columns, compare(q.Dataset, q.Columns, columns)
}

// each lists the query's objects.
func (l *listed) each(ctx context.Context, q Query, yield func(prefix string, o object) error) error {
	if _, err := l.Check(ctx, q); err != nil {
		return err
	}
	prefix, err := bindPrefix(q.Objects.Prefix, l.customer)
	if err != nil {
		return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
	}
	from, rows := "", int64(0)
	if q.Range.From != nil {
		from = *q.Range.From
	}
	err = l.list(ctx, prefix, from, func(o object) error {
		if q.Range.Before != nil && o.key >= *q.Range.Before {
			return errStop
		}
		if rows++; q.MaxRows > 0 && rows > q.MaxRows {
			return &Error{Kind: Invalid, Cause: fmt.Errorf("there are more than %d rows, which is the most that is allowed", q.MaxRows)}
		}
		return yield(prefix, o)
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return ofDataset(q.Dataset, err)
}

// ofDataset names the dataset in an error that does not.
func ofDataset(dataset string, err error) error {
	if e, ok := err.(*Error); ok && e.Dataset == "" { //nolint:errorlint // a wrapped one is the caller's own
		return &Error{Kind: e.Kind, Dataset: dataset, Cause: e.Cause}
	}
	return err
}

// Count implements Snapshot.
func (l *listed) Count(ctx context.Context, q Query) (n int64, err error) {
	w, err := l.Weigh(ctx, q)
	return w.Rows, err
}

// Weigh implements Snapshot. All of it is exact, but for the metadata's bytes.
func (l *listed) Weigh(ctx context.Context, q Query) (Weight, error) {
	shares, err := l.Split(ctx, q, 0, 0)
	if err != nil {
		return Weight{}, err
	}
	return shares[0].Weight, nil
}

// Split implements Snapshot, by listing once. most = 0 does not cut.
func (l *listed) Split(ctx context.Context, q Query, perRow, most int64) ([]Share, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.opts.CountTimeout, &Error{Kind: Locked, Dataset: q.Dataset, Cause: fmt.Errorf("listing took longer than %s", l.opts.CountTimeout)})
	defer cancel()
	shares, row := []Share{{Range: q.Range}}, rowOf{}
	err := l.each(ctx, q, func(prefix string, o object) error {
		var w Weight
		for _, v := range row.values(prefix, o) {
			w.Bytes += int64(len(v))
		}
		if w.Rows = 1; q.Files.Key != "" {
			w.Files, w.FileBytes = 1, max(0, o.size)
		}
		s := &shares[len(shares)-1]
		// A key that is not UTF-8 cannot be told to another worker.
		if most > 0 && s.Rows > 0 && (s.Rows+1)*perRow+s.FileBytes+w.FileBytes > most && utf8.ValidString(o.key) && !strings.ContainsRune(o.key, 0) {
			key := o.key
			next := Share{Range: Range{From: &key, Before: s.Range.Before}}
			s.Range.Before = &key
			shares = append(shares, next)
			s = &shares[len(shares)-1]
		}
		s.Rows, s.Bytes, s.Files, s.FileBytes = s.Rows+w.Rows, s.Bytes+w.Bytes, s.Files+w.Files, s.FileBytes+w.FileBytes
		return nil
	})
	return shares, err
}

// Rows implements Snapshot.
func (l *listed) Rows(ctx context.Context, q Query, yield func(values [][]byte) error) (n int64, err error) {
	row := rowOf{}
	if q.Objects != nil && q.Objects.Metadata {
		return l.described(ctx, q, yield)
	}
	err = l.each(ctx, q, func(prefix string, o object) error {
		if err := yield(row.values(prefix, o)); err != nil {
			return err
		}
		n++
		return nil
	})
	return n, err
}

// rowOf turns objects into values, which are good until the next.
type rowOf struct {
	cells  [7][]byte
	buffer []byte
}

func (r *rowOf) values(prefix string, o object) [][]byte {
	b := append(r.buffer[:0], o.key...)
	k := len(b)
	b = append(b, o.key[len(prefix):]...)
	n := len(b)
	if o.size >= 0 {
		b = strconv.AppendInt(b, o.size, 10)
	}
	s := len(b)
	b = append(o.modified.UTC().AppendFormat(b, "2006-01-02 15:04:05.999999999"), "+00"...)
	m := len(b)
	b = append(b, o.etag...)
	r.buffer = b
	r.cells = [7][]byte{b[:k:k], b[k:n:n], b[n:s:s], b[s:m:m], b[m:]}
	if o.size < 0 {
		r.cells[2] = nil
	}
	if o.etag == "" {
		r.cells[4] = nil
	}
	return r.cells[:len(objectColumns)]
}
