package portal

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
	"offramp/static"
)

var files = static.Handler()

func (s *Server) serveStatic(c echo.Context) error {
	files.ServeHTTP(c.Response(), c.Request())
	return nil
}

// serveBrand answers with a brand's colours under the hash of its content.
func (s *Server) serveBrand(c echo.Context) error {
	hash, ok := strings.CutSuffix(c.Param("file"), ".css")
	if !ok {
		return echo.ErrNotFound
	}
	css, ok := s.kit.Brand(c.Request().Context(), hash)
	if !ok {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return page.Send(c, http.StatusOK, "text/css; charset=utf-8", css)
}

// serveIcon leads browsers that look for an icon where none was named, as beside a plain text, to ours.
func serveIcon(c echo.Context) error {
	return c.Redirect(http.StatusFound, static.URL(static.Icon))
}
