package http

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"offramp/export/source"
	"offramp/migration"
)

// requestError says what the programme's file must mend about a request.
func requestError(r *source.Request) error {
	if err := pathError(r.Path); err != nil {
		return err
	}
	for name, value := range r.Header {
		if err := headerError(name, value); err != nil {
			return err
		}
		if strings.Contains(value, source.Placeholder) {
			return fmt.Errorf("the header %s has %s, which may stand in the path only", name, source.Placeholder)
		}
	}
	return pagingError(r.Path, r.Paging)
}

// pagingError says what must be mended about the paging of a path.
func pagingError(path string, p source.Paging) error {
	switch {
	case !slices.Contains([]string{migration.PagingLink, migration.PagingCursor, migration.PagingPage, migration.PagingNone}, p.By):
		return fmt.Errorf("paging.by is %q; it must be link, cursor, page or none", p.By)
	case p.By == migration.PagingCursor && p.Cursor == "":
		return errors.New("paging by cursor needs paging.cursor: where the answer has the cursor, or the next page's whole address")
	case p.By == migration.PagingPage && p.Parameter == "":
		return errors.New("paging by page needs paging.parameter, the query parameter that takes the page's number")
	case p.Size < 0 || (p.Size > 0) != (p.SizeParameter != ""):
		return errors.New("paging.size and paging.size_parameter need each other")
	}
	_, query, _ := strings.Cut(path, "?")
	for _, name := range []string{p.Parameter, p.SizeParameter} {
		if values, err := url.ParseQuery(query); err != nil || name != "" && values.Has(name) {
			return fmt.Errorf("the path's query cannot be read, or has %q already, which paging sets", name)
		}
	}
	return nil
}

// pathError holds a path to what cannot lead elsewhere.
func pathError(path string) error {
	bare, query, _ := strings.Cut(path, "?")
	switch {
	case !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//"):
		return errors.New("the request's path must begin with one /; the host is the source's")
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '#' }):
		return errors.New("the request's path has a space, control character, backslash or #; percent-encode it")
	case slices.ContainsFunc(strings.Split(bare, "/"), source.IsDots):
		return errors.New("the request's path has .. or . in it")
	}
	if err := source.OnlyPlaceholder(path); err != nil {
		return err
	}
	if !strings.Contains(bare, source.Placeholder) && !strings.Contains(query, source.Placeholder) {
		return fmt.Errorf("the request's path does not use %s, so it would return every customer's rows", source.Placeholder)
	}
	if _, err := url.Parse(path); err != nil {
		return errors.New("the request's path is no path of a URL")
	}
	return nil
}

// reserved are headers that only the client itself may set.
var reserved = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Range", "If-Range", "Accept-Encoding", "Cookie"}

// headerError never repeats the value.
func headerError(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return errors.New("a header's name is not one; write Name: value")
	case slices.Contains(reserved, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("the header %s cannot be set", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the value of the header %s has characters that no header may have", name)
	}
	return nil
}

// bindPath puts a customer's reference into a path that pathError has passed. In the path itself a reference must not have
// what a server or a proxy may take for a separator once it has decoded it, be it twice.
func bindPath(path, customer string) (string, error) {
	if err := source.CheckReference(customer); err != nil {
		return "", err
	}
	bare, query, asked := strings.Cut(path, "?")
	if strings.Contains(bare, source.Placeholder) && (strings.ContainsAny(customer, `/\%`) || source.IsDots(customer)) {
		return "", fmt.Errorf("the customer's reference has /, \\, %% or is dots only, and cannot stand in a path; use it in the query (?account=%s)", source.Placeholder)
	}
	if inside(bare, query) && strings.ContainsFunc(customer, func(r rune) bool { return !source.IsLetterOrDigit(r) && r != '-' && r != '_' }) {
		return "", fmt.Errorf("the customer's reference has other characters than letters, digits, - and _, and %s is only a part of what stands between the separators", source.Placeholder)
	}
	bare = strings.ReplaceAll(bare, source.Placeholder, url.PathEscape(customer))
	if !asked {
		return bare, nil
	}
	return bare + "?" + strings.ReplaceAll(query, source.Placeholder, url.QueryEscape(customer)), nil
}

// inside reports whether the mark is a part of a segment or a query's value, as in ?filter=account:":customer_id": the API
// may have a language there, in which a reference could say more than it should.
func inside(bare, query string) bool {
	for _, part := range append(strings.Split(bare, "/"), strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == '=' })...) {
		if strings.Contains(part, source.Placeholder) && part != source.Placeholder {
			return true
		}
	}
	return false
}

// address returns where the first page is.
func (s *api) address(r *source.Request, customer string) (*url.URL, error) {
	path, err := bindPath(r.Path, customer)
	if err != nil {
		return nil, err
	}
	base := *s.client.base
	u, err := url.Parse(base.Scheme + "://" + base.Host + strings.TrimRight(base.EscapedPath(), "/") + path)
	if err != nil || !sameOrigin(&base, u) {
		return nil, errors.New("the request's path leads away from the source") // not reached: the parts are checked
	}
	if p := r.Paging; p.SizeParameter != "" {
		u = with(u, p.SizeParameter, strconv.Itoa(p.Size))
	}
	if p := r.Paging; p.By == migration.PagingPage {
		u = with(u, p.Parameter, strconv.Itoa(p.First))
	}
	return u, nil
}

// with returns u with a query parameter set, and the others as they were written.
func with(u *url.URL, name, value string) *url.URL {
	next := *u
	parts := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(part string) bool {
		key, _, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		return part == "" || err == nil && key == name
	})
	next.RawQuery = strings.Join(append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)), "&")
	return &next
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b) && b.User == nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
