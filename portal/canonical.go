package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/portal/ops"
)

// canonical lets through the one spelling of each address. Every other spelling (escapes, double slashes, dots) is an
// address where nothing is, so that no two parts of the house can read one address differently. A slash too many or too
// few at the end is mended by a redirect for those who read.
func (s *Server) canonical(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		path := r.URL.EscapedPath()
		if !plain(path) {
			return echo.ErrNotFound
		}
		if !allowed(r.Method, path) {
			return echo.ErrMethodNotAllowed
		}
		if mended := mend(path); mended != path {
			if r.Method == http.MethodPost {
				return echo.ErrNotFound
			}
			u := url.URL{Path: mended, RawQuery: r.URL.RawQuery}
			return c.Redirect(http.StatusPermanentRedirect, u.RequestURI())
		}
		return next(c)
	}
}

// allowed reports whether any route takes a method: reading and forms everywhere, changes by program in River's pages.
func allowed(method, path string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return true
	case http.MethodPut, http.MethodPatch:
		return strings.HasPrefix(path, ops.JobsPath+"/api/")
	}
	return false
}

// plain reports whether a path has only the characters that ours have.
func plain(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.Contains(path, "/.") {
		return false
	}
	for _, b := range []byte(path) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("/-._~", b) >= 0:
		default:
			return false
		}
	}
	return true
}

// mend returns the path as the routes have it: the public start pages end with a slash, no other page does.
func mend(path string) string {
	bare := strings.TrimSuffix(path, "/")
	switch {
	case slices.Contains(locale.Tags(), strings.TrimPrefix(bare, "/")):
		return bare + "/"
	case bare == "":
		return "/"
	}
	return bare
}
