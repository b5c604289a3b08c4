package portal

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/customer"
	"offramp/portal/help"
	"offramp/portal/limit"
	"offramp/portal/page"
	"offramp/portal/signin"
	"offramp/portal/ui"
)

// statuses is the one table from kinds of faults to answers.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Gone:            http.StatusGone,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

// words names the messages of answers that are no fault of a noun's.
var words = map[int]string{
	http.StatusBadRequest:            "fault.invalid",
	http.StatusUnauthorized:          "fault.signed_out",
	http.StatusForbidden:             "fault.forbidden",
	http.StatusNotFound:              "fault.not_found",
	http.StatusMethodNotAllowed:      "fault.method",
	http.StatusRequestTimeout:        "fault.too_slow",
	http.StatusConflict:              "fault.conflict",
	http.StatusGone:                  "fault.gone",
	http.StatusRequestEntityTooLarge: "fault.too_large",
	http.StatusUnsupportedMediaType:  "fault.media_type",
	http.StatusUnprocessableEntity:   "fault.input",
	http.StatusTooManyRequests:       "fault.limited",
	http.StatusMisdirectedRequest:    "fault.misdirected",
	http.StatusServiceUnavailable:    "fault.unavailable",
	http.StatusInternalServerError:   "fault.internal",
}

// errCrossSite is a form that another site has sent in the reader's name.
var errCrossSite = fault.New(fault.Forbidden, "fault.cross_site")

// statusOf returns the answer for an error.
func statusOf(err error) int {
	var big *http.MaxBytesError
	var unreachable *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &unreachable):
		return http.StatusServiceUnavailable
	case refusedByDatabase(err):
		return http.StatusBadRequest
	case errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53")):
		return http.StatusServiceUnavailable // the server stops, or has no room
	}
	if status, ok := page.RefusedStatus(err); ok {
		return status
	}
	if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
		return http.StatusUnprocessableEntity
	}
	return statuses[fault.KindOf(err)]
}

// unfit are the faults of PostgreSQL that a value has which no page lets in: characters that no text has, numbers and instants
// beyond its types (PostgreSQL documentation, appendix A, class 22).
var unfit = []string{"22021", "22P05", "22P02", "22003", "22007", "22008"}

// refusedByDatabase reports whether a value that came with the request was none that the database takes.
func refusedByDatabase(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(unfit, pg.Code)
}

// fail answers with a page that says what happened and what to do. What was our fault is logged with the incident number
// that the page shows.
func (s *Server) fail(c echo.Context, err error) {
	status := statusOf(err)
	v := page.Of(c)
	// net/http ends the request's context, too, when the time to send a body is over; that reader waits for an answer.
	if v.Left = left(c.Request()) && !errors.Is(err, os.ErrDeadlineExceeded); v.Left {
		return // there is nobody to tell, and nothing to mend
	}
	if status < http.StatusInternalServerError && refusedByDatabase(err) {
		s.log.LogAttrs(c.Request().Context(), slog.LevelWarn, "the database refused what a request holds",
			slog.String("incident", v.Incident), slog.String("route", c.Path()), slog.String("error", err.Error()))
	}
	if status >= http.StatusInternalServerError {
		s.log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("incident", v.Incident), slog.String("route", c.Path()), slog.Int("status", status), slog.String("error", err.Error()))
	}
	if begun, _, _ := page.Sent(c); begun {
		return
	}
	if wait := limit.RetryAfter(err); wait > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	if status == http.StatusUnauthorized {
		s.askSignIn(c)
		return
	}
	if status < http.StatusInternalServerError { // else it may be the database that does not answer
		s.recognise(c, v)
	}
	if err := page.Render(c, status, failPage(s.buildFail(c, v, status, err))); err != nil {
		if begun, _, _ := page.Sent(c); !begun {
			http.Error(c.Response(), http.StatusText(status), status)
		}
	}
}

// recogniseWithin is how long an error page waits to learn whose it is.
const recogniseWithin = 2 * time.Second

// recognise learns who visits where no route has asked, as at an address where nothing is, so that the error page speaks their
// language. It lets nobody in and keeps no session alive. Whoever cannot be found out is nobody.
func (s *Server) recognise(c echo.Context, v *page.Visit) {
	cookie := s.kit.Cookie(c, page.SessionCookie)
	if v.Session != nil || cookie == "" {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), recogniseWithin)
	defer cancel()
	session, err := s.sessions.Resolve(ctx, cookie, false)
	if err != nil {
		return
	}
	v.Session = &session
	s.settle(c, v)
}

// askSignIn sends a reader to sign in, where their kind of people do, and back again. A page that refreshes a part of itself is told to go there whole.
func (s *Server) askSignIn(c echo.Context) {
	to, r := "/sign-in", c.Request()
	if strings.HasPrefix(r.URL.Path, "/console") {
		to = "/staff/sign-in"
	}
	if page.Of(c).Fragment {
		c.Response().Header().Set("HX-Redirect", to)
		c.Response().WriteHeader(http.StatusUnauthorized)
		return
	}
	if back, ok := auth.LocalPath(r.URL.RequestURI()); ok && r.Method != http.MethodPost {
		to += "?" + url.Values{"return_to": {back}}.Encode()
	}
	_ = c.Redirect(http.StatusSeeOther, to)
}

// failView is an error page.
type failView struct {
	layout   ui.Page
	heading  ui.Heading
	fields   []ui.FieldError
	incident string
	wayOut   *ui.Link   // what to do about it, where there is more than going home
	again    *ui.Action // sends once more what was typed; wayOut is there, too, and leads through another tab
	home     ui.Link
	ask      *ui.Link // where a customer asks for help with it
	help     string   // address to write to; may be empty
}

// said is what a fault says of itself, where it has words of its own.
func said(l *locale.Locale, f *fault.Error, title, text string) (string, string) {
	if l.Has(f.Key) {
		title = l.T(f.Key, pairs(f.Args)...)
	}
	if l.Has(f.Key + ".text") {
		text = l.T(f.Key+".text", pairs(f.Args)...)
	}
	return title, text
}

// asks leads a customer to help with what failed; nil for everybody else.
func asks(c echo.Context, v *page.Visit, incident string) *ui.Link {
	if v.Session == nil || v.Session.CustomerID == "" || v.Programme == nil {
		return nil
	}
	link := &ui.Link{Label: v.Locale.T("help.new.go"), URL: help.NewPath}
	if incident != "" {
		link.URL = help.NewURL(c.Request().URL.Path, incident)
	}
	return link
}

// buildFail words an error. What does not exist and what is another customer's look the same to the byte, so a page of
// that kind says nothing of its own and bears no number.
func (s *Server) buildFail(c echo.Context, v *page.Visit, status int, err error) failView {
	l, key := v.Locale, words[status]
	if key == "" {
		key = "fault.internal"
	}
	title, text := l.T(key), l.T(key+".text")
	view := failView{incident: v.Incident}
	if f, ok := fault.As(err); ok && status != http.StatusNotFound && status != http.StatusInternalServerError {
		title, text = said(l, f, title, text)
		for _, field := range f.Fields {
			view.fields = append(view.fields, ui.FieldError{Text: l.T(field.Key, pairs(field.Args)...)})
		}
	}
	if status == http.StatusNotFound {
		view.incident = ""
	}
	view.layout = s.kit.Layout(c, title, "")
	view.layout.Path, view.layout.Narrow, view.layout.NoIndex = "/", true, true
	view.heading = ui.Heading{Title: title, Lead: text}
	if errors.Is(err, auth.ErrStale) {
		view.wayOut, view.again = s.confirmAgain(c, l), typed(c, l)
		view.layout.Held = view.again != nil
	} else if way, ok := signin.WayOut(l, c.Request().URL.Path, err); ok {
		view.wayOut = &way
	} else if way, ok := customer.WayOut(l, c.Param("id"), err); ok && v.Session != nil {
		view.wayOut = &way
	}
	view.home = ui.Link{Label: l.T("fault.home"), URL: "/"}
	view.ask = asks(c, v, view.incident)
	if v.Programme != nil {
		view.help = v.Programme.Help.Email
	}
	return view
}

// confirmAgain leads through a sign-in with credentials and back to the page that was left.
func (s *Server) confirmAgain(c echo.Context, l *locale.Locale) *ui.Link {
	back := "/console"
	if from, err := url.Parse(c.Request().Referer()); err == nil && from.Host == c.Request().Host {
		if path, ok := auth.LocalPath(from.RequestURI()); ok && s.landing(from.Path) {
			back = path
		}
	}
	return &ui.Link{Label: l.T("auth.confirm"), URL: "/staff/sign-in/start?" + url.Values{"fresh": {"1"}, "return_to": {back}}.Encode()}
}

// typed keeps what a form holds that came with old credentials on the page that says so, to be sent once more: it stays in the reader's
// browser and is written nowhere. A form with a file is chosen again. nil where nothing was typed.
func typed(c echo.Context, l *locale.Locale) *ui.Action {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return nil
	}
	body, err := io.ReadAll(r.Body) // bounded by enter
	if err != nil {
		return nil
	}
	sent, err := url.ParseQuery(string(body))
	if err != nil || len(sent) == 0 {
		return nil
	}
	again := &ui.Action{URL: r.URL.RequestURI(), Button: ui.Button{Label: l.T("auth.stale.again"), Kind: ui.Plain}}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		for _, value := range sent[name] {
			again.Hidden = append(again.Hidden, ui.Pair{Name: name, Value: value})
		}
	}
	return again
}

func pairs(args map[string]any) []any {
	kv := make([]any, 0, 2*len(args))
	for name, value := range args {
		kv = append(kv, name, value)
	}
	return kv
}
