package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/page"
)

// Cookies with what a reader has chosen.
const (
	languageCookie = page.LanguageCookie
	themeCookie    = "offramp-theme"
)

var errForbidden = fault.New(fault.Forbidden, "fault.forbidden")

// enter is what happens to a request between its route and its handler: limits, who it is, whether they may.
func (s *Server) enter(r Route) echo.HandlerFunc {
	limit := r.Body
	if limit == 0 {
		limit = page.MaxBody
	}
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		if !r.Long {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, workTimeout)
			defer cancel()
		}
		request := c.Request().WithContext(ctx)
		if request.Body != nil && request.Body != http.NoBody {
			request.Body = http.MaxBytesReader(c.Response(), request.Body, limit)
		}
		c.SetRequest(request)
		if request.Header.Get("Content-Encoding") != "" { // nothing packed is ever unpacked
			return page.Refuse(http.StatusUnsupportedMediaType)
		}
		if request.ContentLength > limit {
			return page.Refuse(http.StatusRequestEntityTooLarge)
		}
		if err := s.paced(c, r); err != nil {
			return err
		}
		leave, err := s.turn(ctx, c, r)
		if err != nil {
			return err
		}
		defer leave()
		if !r.Bare {
			if err := s.admit(c, r); err != nil {
				return err
			}
		}
		if err := s.pace(ctx, c, r); err != nil {
			return err
		}
		return r.Handler(c)
	}
}

// admit learns who visits and refuses those who may not. On a public route somebody who has lost the right to be signed
// in is nobody.
func (s *Server) admit(c echo.Context, r Route) error {
	v := page.Of(c)
	v.Fragment = r.Quiet
	var also []auth.Also
	if r.Plan {
		also = append(also, withPlan(v))
	}
	if r.Glance {
		also = append(also, withGlance(v))
	}
	cookie := s.kit.Cookie(c, page.SessionCookie)
	session, err := s.sessions.Resolve(c.Request().Context(), cookie, !r.Quiet, also...)
	switch {
	case err == nil:
		v.Session = &session
		c.SetRequest(c.Request().WithContext(auth.Prove(c.Request().Context(), cookie)))
		if v.Plan != nil {
			v.Plan.Journey.CustomerID = session.CustomerID
		}
		s.settle(c, v)
	case r.Access&Anonymous != 0 && fault.KindOf(err) != fault.Internal:
	default:
		return err
	}
	if accessOf(v.Session)&r.Access == 0 {
		return errForbidden
	}
	if r.Recent && v.Session != nil && !v.Session.SteppedUp(v.Now, auth.StepUpFor) {
		return auth.ErrStale.With(map[string]any{"Minutes": int(auth.StepUpFor / time.Minute)})
	}
	if r.Access&Anonymous == 0 && !r.Early && v.Programme == nil {
		return migration.ErrNoProgramme
	}
	return nil
}

// withPlan reads the customer's plan in the session's round trip. Without a plan, as for staff, there is none.
func withPlan(v *page.Visit) auth.Also {
	return auth.Also{
		Queue: func(b *pgx.Batch) {
			b.Queue(migration.PlanSQL + ` WHERE j.customer_id = current_setting('offramp.customer')`)
			notice.QueueLatest(b)
		},
		Read: func(r pgx.BatchResults) error {
			plan, err := migration.ScanPlan(r.QueryRow(), "")
			switch {
			case err == nil:
				v.Plan = &plan
			case !errors.Is(err, migration.ErrUnknownCustomer):
				return err
			}
			v.Messages, err = notice.ReadLatest(r)
			return err
		},
	}
}

// visit is what is known of a request before its session.
func (s *Server) visit(c echo.Context, incident string) *page.Visit {
	v := &page.Visit{Now: s.kit.Clock.Now(), Theme: s.kit.Cookie(c, themeCookie), Incident: incident}
	if p, err := s.programme(c.Request().Context()); err == nil {
		v.Programme = p
	}
	s.settle(c, v)
	return v
}

// settle decides the language: what this browser has chosen, else the person's own, else what the browser asks for. Only
// languages of the programme are on offer.
func (s *Server) settle(c echo.Context, v *page.Visit) {
	offered := s.offered(v.Programme)
	chosen := s.kit.Cookie(c, languageCookie)
	switch {
	case slices.Contains(offered, chosen):
	case v.Session != nil && slices.Contains(offered, v.Session.Locale):
		chosen = v.Session.Locale
	default:
		chosen = locale.Negotiate(c.Request().Header.Get("Accept-Language"), offered)
	}
	v.Locale = locale.For(chosen)
	if forStaff(c.Request().URL.Path) || v.Session != nil && v.Session.Realm == auth.Staff {
		v.Locale = v.Locale.Staff()
	}
}

// forStaff reports whether an address is one where staff come, signed in or not.
func forStaff(path string) bool {
	return strings.HasPrefix(path, "/console") || strings.HasPrefix(path, "/staff/")
}

// offered are the languages that both the programme and the product speak.
func (s *Server) offered(p *migration.Programme) []string {
	if p == nil {
		return locale.Tags()
	}
	offered := slices.DeleteFunc(slices.Clone(p.Locales), func(tag string) bool { return !slices.Contains(locale.Tags(), tag) })
	if len(offered) == 0 {
		return locale.Tags()
	}
	return offered
}

// sameSite refuses forms that other sites send, whatever their route.
func (s *Server) sameSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.cross.Check(c.Request()); err != nil {
			return errCrossSite.Wrap(err)
		}
		return next(c)
	}
}
