package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"offramp/export/source"
	"offramp/migration"
)

const (
	// maxPages bounds one reading, so that an API that makes up pages is left some day.
	maxPages = 1 << 20
	// maxEmpty is how many pages in a row may be empty although more are promised, as some filtering APIs have it.
	maxEmpty = 20
)

// errEnough ends a reading early.
var errEnough = errors.New("enough")

// pages reads one request page after page, and holds what the API says about itself against what it does.
type pages struct {
	client *client
	query  source.Query
	origin *url.URL // of the first page
	target *url.URL // of the current page

	number int // of the current page, from 1
	first  int // of the first page, as the API counts
	total  int64
	rows   int64
	latest int64 // rows of the page before
	empty  int
	asked  map[uint64]struct{} // addresses
	came   map[uint64]struct{} // lists of rows
	seed   maphash.Seed
}

// page is one answer.
type page struct {
	bytes.Buffer
	header http.Header
	err    error
	next   *url.URL // nil: none is promised
	items  []byte
}

func newPages(c *client, q source.Query, first *url.URL) *pages {
	return &pages{
		client: c, query: q, origin: first, target: first, first: q.Request.Paging.First, total: -1,
		asked: map[uint64]struct{}{}, came: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
}

func (p *pages) fail(kind source.Kind, format string, args ...any) error {
	cause := fmt.Errorf(format, args...)
	if p.number > 1 {
		cause = fmt.Errorf("page %d: %w", p.number, cause)
	}
	return &source.Error{Kind: kind, Dataset: p.query.Dataset, Cause: cause}
}

// failed gives a fault its place. Other errors are final already.
func (p *pages) failed(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return p.fail(f.kind, "%w", f.cause)
	}
	return err
}

// each calls visit for every row, in order. While one page is visited, the next is on its way.
func (p *pages) each(ctx context.Context, visit func(item []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	current, ahead := p.fetch(ctx, p.target, new(page)), make(chan *page, 1)
	spare, flying := new(page), false
	defer func() {
		cancel()
		if flying {
			<-ahead
		}
	}()
	for {
		p.number++
		end, err := p.inspect(current)
		if err != nil && ctx.Err() == nil && p.broken(current, err) {
			var on *page
			if on, err = p.leap(ctx, err, visit); on != nil {
				current = on
				continue
			}
			end = true
		}
		if err != nil || end {
			return err
		}
		next := current.next
		if next != nil {
			into := spare
			flying = true
			go func() { ahead <- p.fetch(ctx, next, into) }()
		}
		before := p.rows
		if err := p.visit(current.items, visit); err != nil {
			return err
		}
		p.latest = max(p.latest, p.rows-before)
		if next == nil {
			return p.balanced()
		}
		p.target, spare, current, flying = next, current, <-ahead, false
	}
}

func (p *pages) fetch(ctx context.Context, target *url.URL, into *page) *page {
	into.header, into.err = p.client.page(ctx, target, p.query.Request.Header, &into.Buffer)
	return into
}

// inspect finds the rows and the way on. end means that the page stands behind the last one.
func (p *pages) inspect(current *page) (end bool, err error) {
	if current.err != nil {
		if p.beyond(current.err) {
			return true, p.balanced()
		}
		return false, p.failed(current.err)
	}
	whole := bytes.TrimPrefix(current.Bytes(), byteOrder)
	if err := soundJSON(whole); err != nil {
		return false, p.fail(source.Inconsistent, "%w", err)
	}
	if err := p.checkTotal(whole); err != nil {
		return false, err
	}
	if current.items, err = p.list(whole); err != nil {
		return false, err
	}
	none := skipSpace(current.items, 1) == len(current.items)-1
	if end, err := p.repeated(current.items, none); end || err != nil {
		return end, err
	}
	current.next, err = p.onward(current.header, whole, none)
	return false, err
}

// beyond reports whether an error says that there is no such page, all rows having come. Some APIs end so.
func (p *pages) beyond(err error) bool {
	var f *fault
	return errors.As(err, &f) && p.query.Request.Paging.By == migration.PagingPage && p.number > 1 && p.total >= 0 && p.rows == p.total &&
		slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestedRangeNotSatisfiable}, f.status)
}

// checkTotal reads how many rows the API says that there are. It must not change its mind.
func (p *pages) checkTotal(whole []byte) error {
	path := p.query.Request.Total
	if path == "" {
		return nil
	}
	value, err := lookUp(whole, path)
	if err != nil {
		return p.fail(source.Inconsistent, "%w", err)
	}
	if value == nil {
		return p.fail(source.Schema, "the answer has no %q, where the total is declared to be", path)
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 {
		return p.fail(source.Schema, "%q, where the total is declared to be, is %s but no whole number that can be", path, nameOf(value))
	}
	if p.total >= 0 && n != p.total {
		return p.fail(source.Inconsistent, "the API said that there are %d rows, then %d: they changed during the read", p.total, n)
	}
	p.total = n
	return nil
}

// repeated notices rows that came before: the API does not know its own paging parameter, goes in circles, or stays at its
// last page. The last is its end, when all rows have come.
func (p *pages) repeated(items []byte, none bool) (end bool, err error) {
	if none {
		if p.empty++; p.empty > maxEmpty {
			return false, p.fail(source.Inconsistent, "%d pages in a row are empty, and more are promised", p.empty)
		}
		return false, nil
	}
	p.empty = 0
	sum := maphash.Bytes(p.seed, items)
	if _, again := p.came[sum]; again {
		if p.query.Request.Paging.By == migration.PagingPage && p.rows == p.total {
			return true, p.balanced()
		}
		return false, p.fail(source.Inconsistent, "the same rows came again (after %d rows): the API goes in circles, or does not know %q", p.rows, p.query.Request.Paging.Parameter)
	}
	p.came[sum] = struct{}{}
	return false, nil
}

// onward finds the next page's address, nil when this is the last.
func (p *pages) onward(header http.Header, whole []byte, none bool) (next *url.URL, err error) { //nolint:cyclop // one flat case for each way of paging
	paging := p.query.Request.Paging
	more, err := p.more(whole)
	if err != nil || more == no {
		return nil, err
	}
	switch paging.By {
	case migration.PagingLink:
		next, err = p.linked(header)
	case migration.PagingCursor:
		next, err = p.cursor(whole)
	case migration.PagingPage:
		if !none {
			next = with(p.target, paging.Parameter, strconv.Itoa(p.first+p.number))
		}
	}
	if err == nil && next == nil && more == yes && paging.By != migration.PagingPage {
		return nil, p.fail(source.Inconsistent, "%q says that there is more, but the answer does not say where", paging.More)
	}
	if err != nil || next == nil {
		return nil, err
	}
	sum := maphash.String(p.seed, next.String())
	if _, again := p.asked[sum]; again || next.String() == p.target.String() {
		if none && more != yes {
			return nil, nil // some APIs give a way on behind their last page, too, which leads to an empty one with the same again
		}
		return nil, p.fail(source.Inconsistent, "the API repeats a cursor or link (after %d rows): its pages go in circles", p.rows)
	}
	p.asked[sum] = struct{}{}
	if p.number >= maxPages {
		return nil, p.fail(source.Inconsistent, "there is no end after %d pages; ask for larger ones with paging.size", maxPages)
	}
	return next, nil
}

func (p *pages) linked(header http.Header) (*url.URL, error) {
	text, err := nextLink(header.Values("Link"))
	if err != nil {
		return nil, p.fail(source.Inconsistent, "%w", err)
	}
	if text == "" {
		return nil, nil
	}
	return p.address("the Link header's next page", text)
}

// address makes an address of what an answer says about its next page. It must lie at the source. An API behind a proxy may take
// itself for one without TLS: its http:// is read as https://, never the other way.
func (p *pages) address(what, text string) (*url.URL, error) {
	next, err := p.target.Parse(text)
	if err != nil {
		return nil, p.fail(source.Inconsistent, "%s is no address", what)
	}
	if next.Scheme == "http" && p.target.Scheme == "https" && next.Port() == "" && p.target.Port() == "" {
		next.Scheme = "https"
	}
	if !sameOrigin(p.target, next) {
		return nil, p.fail(source.Inconsistent, "%s lies at %s://%s, not at the source; the secret is not sent there", what, next.Scheme, next.Host)
	}
	next.Fragment = ""
	return next, nil
}

func (p *pages) cursor(whole []byte) (*url.URL, error) {
	paging := p.query.Request.Paging
	value, err := lookUp(whole, paging.Cursor)
	if err != nil {
		return nil, p.fail(source.Inconsistent, "%w", err)
	}
	if value == nil || string(value) == "false" {
		return nil, nil
	}
	if k := nameOf(value); k != "a string" && k != "a number" {
		return nil, p.fail(source.Schema, "%q, where the cursor is declared to be, is %s", paging.Cursor, k)
	}
	text, ok := asText(nil, value)
	if !ok {
		return nil, p.fail(source.Inconsistent, "the cursor has half a character")
	}
	if len(text) == 0 {
		return nil, nil
	}
	if whole := strings.HasPrefix(string(text), "https://") || strings.HasPrefix(string(text), "http://"); whole || paging.Parameter == "" {
		return p.address(fmt.Sprintf("the next page under %q", paging.Cursor), string(text))
	}
	return with(p.target, paging.Parameter, string(text)), nil
}

// visit hands over one page's rows.
func (p *pages) visit(items []byte, visit func(item []byte) error) error {
	return elements(items, func(item []byte) error {
		if p.total >= 0 && p.rows == p.total {
			return p.fail(source.Inconsistent, "the API said that there are %d rows, and gave more", p.total)
		}
		if p.query.MaxRows > 0 && p.rows == p.query.MaxRows {
			return p.fail(source.Invalid, "there are more than %d rows, which is the most that is allowed", p.query.MaxRows)
		}
		p.rows++
		return visit(item)
	})
}

// maxLeap is how many pages in a row may fail before it is the whole API that does.
const maxLeap = 3

// broken reports whether an error is the page's own: it came, or its server said that it will not give it.
func (p *pages) broken(current *page, err error) bool {
	var f *fault
	if errors.As(current.err, &f) {
		return f.status >= 400
	}
	return current.err == nil && source.KindOf(err) == source.Inconsistent && soundJSON(bytes.TrimPrefix(current.Bytes(), byteOrder)) != nil
}

// leap gives up a page that keeps failing. Where the pages are numbered and one behind it can be read, its rows are named as lost and
// the reading goes on there; where no way leads past it, the rest is. Before that is allowed (Query.Lost), and where it is not one
// page but the API that fails, it returns the error, such that it is tried again.
func (p *pages) leap(ctx context.Context, why error, visit func(item []byte) error) (on *page, err error) {
	why = p.patient(why)
	if p.query.Lost == nil {
		return nil, why
	}
	per := int64(p.query.Request.Paging.Size)
	if per == 0 {
		per = p.latest
	}
	if numbered := p.query.Request.Paging.By == migration.PagingPage; numbered && per > 0 && (p.total < 0 || p.rows+per < p.total) {
		return p.over(ctx, why, per, visit)
	}
	if p.number == 1 || p.fetch(ctx, p.origin, new(page)).err != nil {
		return nil, why // nothing can be read at all
	}
	if p.total < 0 {
		return nil, p.lose(1, p.query.Lost.Rest, visit)
	}
	return nil, p.lose(p.total-p.rows, p.query.Lost.Row, visit)
}

// over finds the next page that can be read behind one that cannot.
func (p *pages) over(ctx context.Context, why error, per int64, visit func(item []byte) error) (*page, error) {
	for k := 1; k <= maxLeap; k++ {
		target := with(p.target, p.query.Request.Paging.Parameter, strconv.Itoa(p.first+p.number-1+k))
		on := p.fetch(ctx, target, new(page))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if on.err != nil || soundJSON(bytes.TrimPrefix(on.Bytes(), byteOrder)) != nil {
			continue
		}
		lost := per * int64(k)
		if p.total >= 0 {
			lost = min(lost, p.total-p.rows)
		}
		p.number, p.target = p.number+k-1, target
		return on, p.lose(lost, p.query.Lost.Row, visit)
	}
	return nil, why
}

// lose names n rows as lost.
func (p *pages) lose(n int64, mark []byte, visit func(item []byte) error) error {
	for range n {
		if p.query.MaxRows > 0 && p.rows == p.query.MaxRows {
			return p.fail(source.Invalid, "there are more than %d rows, which is the most that is allowed", p.query.MaxRows)
		}
		p.rows++
		if err := visit(mark); err != nil {
			return err
		}
	}
	return nil
}

// patient makes of a page's failure one that is worth another try, where others of the same list were read.
func (p *pages) patient(err error) error {
	var own *source.Error
	if p.number == 1 || !errors.As(err, &own) || own.Retryable() {
		return err
	}
	return &source.Error{Kind: source.Unavailable, Dataset: own.Dataset, Cause: own.Cause}
}

// mark returns an item of lose as it is; nil for a row.
func markOf(l *source.Lost, item []byte) []byte {
	if l == nil || len(item) == 0 {
		return nil
	}
	for _, m := range [][]byte{l.Row, l.Rest} {
		if len(m) == len(item) && &m[0] == &item[0] {
			return m
		}
	}
	return nil
}

// balanced is asked after the last page.
func (p *pages) balanced() error {
	if p.total >= 0 && p.rows != p.total {
		return p.fail(source.Inconsistent, "the API said that there are %d rows, and gave %d", p.total, p.rows)
	}
	return nil
}
