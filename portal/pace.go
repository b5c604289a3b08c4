package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/portal/limit"
	"offramp/portal/page"
)

// Limits bound how often one person, and else one address, may ask. Rates are numbers a minute, held on all replicas together.
type Limits struct {
	Limiter *limit.Limiter // nil: nothing is counted
	AtOnce  *limit.Gate    // requests of one browser at once in this process; nil: no bound
	Acts    limit.Rate     // what changes something
	Pages   limit.Rate     // what only reads
	SignIns limit.Rate     // ways to and from a provider, by address
}

// readAdvance is how many reads a process counts at a time: reads are many, and each round trip is somebody's wait.
const readAdvance = 10

// GatePatience is how long a request waits for its turn behind others of the same browser.
const GatePatience = 3 * time.Second

// kind is what a route's requests count as.
func (r Route) kind() string {
	switch {
	case r.SignIn:
		return " signs in"
	case r.Method == http.MethodGet:
		return " reads"
	}
	return " acts"
}

// browser names who sends a request by the cookie alone, before anybody has looked at who it is; empty: there is none.
func (s *Server) browser(c echo.Context) string {
	cookie := s.kit.Cookie(c, page.SessionCookie)
	if cookie == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(cookie))
	return "browser " + hex.EncodeToString(sum[:8])
}

// paced refuses a browser whose person was refused a moment ago: a flood is not worth a look into the database for each request. Only
// the first refusal is logged with the person.
func (s *Server) paced(c echo.Context, r Route) error {
	browser := s.browser(c)
	if r.Free || browser == "" {
		return nil
	}
	return s.limits.Limiter.Still(browser + r.kind())
}

// pace counts a request against who sends it: the person who is signed in, or the address where nobody is.
func (s *Server) pace(ctx context.Context, c echo.Context, r Route) error {
	err := s.count(ctx, c, r)
	if browser := s.browser(c); browser != "" {
		s.limits.Limiter.Refuse(browser+r.kind(), err)
	}
	return err
}

func (s *Server) count(ctx context.Context, c echo.Context, r Route) error {
	if r.Free {
		return nil
	}
	who := "address " + limit.Network(c.RealIP())
	if v := page.Of(c); v.Session != nil {
		who = "identity " + v.Session.IdentityID
	}
	switch {
	case r.SignIn:
		return s.limits.Limiter.Take(ctx, who+r.kind(), s.limits.SignIns, 1)
	case r.Method == http.MethodGet:
		return s.limits.Limiter.Take(ctx, who+r.kind(), s.limits.Pages, readAdvance)
	}
	return s.limits.Limiter.Take(ctx, who+r.kind(), s.limits.Acts, 1)
}

// turn waits until fewer requests of the same browser are under way, so that one browser does not take all connections to the
// database before anybody has looked at who it is.
func (s *Server) turn(ctx context.Context, c echo.Context, r Route) (leave func(), err error) {
	browser := s.browser(c)
	if r.Free || r.Long || r.Bare || browser == "" {
		return func() {}, nil
	}
	return s.limits.AtOnce.Enter(ctx, browser)
}

// addressed refuses what is meant for another host: a page must not be made, or kept by a cache, under a name that is not ours
// (RFC 9110, section 15.5.20).
func (s *Server) addressed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(s.hosts) == 0 {
			return next(c)
		}
		host := strings.TrimSuffix(strings.ToLower(c.Request().Host), s.port())
		for _, ours := range s.hosts {
			if host == strings.TrimSuffix(strings.ToLower(ours), s.port()) {
				return next(c)
			}
		}
		return page.Refuse(http.StatusMisdirectedRequest)
	}
}

// port is the one that need not be named.
func (s *Server) port() string {
	if s.kit.Secure() {
		return ":443"
	}
	return ":80"
}
