package page

import (
	"errors"
	"net"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"
)

// What echo's next major version calls otherwise stands here and nowhere else, so that the change is one file's: see
// docs/adr/0015-echo-is-behind-one-folder.md. A test holds the rest of the portal to it.

// NewEcho returns a router that prints nothing of its own.
func NewEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	return e
}

// ClientAddress tells which address a request comes from: the peer's, unless the peer is one of the proxies, whose
// X-Forwarded-For is then read from its end up to the first address that is no proxy's. What others claim is not looked at.
func ClientAddress(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		bits := p.Addr().BitLen()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// Refuse is the answer to what none of our pages would ask for: its status says all there is to say.
func Refuse(status int) error { return echo.NewHTTPError(status) }

// RefusedStatus returns the status of an error that Refuse or the router has made.
func RefusedStatus(err error) (status int, ok bool) {
	var refused *echo.HTTPError
	if !errors.As(err, &refused) {
		return 0, false
	}
	return refused.Code, true
}

// Control reaches the deadlines of a request's connection.
func Control(c echo.Context) *http.ResponseController {
	return http.NewResponseController(c.Response().Writer)
}

// Sent says what has left already: whether anything has, the status, and the bytes of the body.
func Sent(c echo.Context) (begun bool, status int, bytes int64) {
	r := c.Response()
	return r.Committed, r.Status, r.Size
}

// Match returns the pattern of the route that answers an address.
func Match(e *echo.Echo, method, path string) string {
	c := e.NewContext(nil, nil)
	e.Router().Find(method, path, c)
	return c.Path()
}
