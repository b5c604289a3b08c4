package customer

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/storage"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/limit"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// volumeURL is where a volume of an export is downloaded, by a person who is signed in.
func volumeURL(e export.Export, number int) string {
	return exportURL(e) + "/volumes/" + strconv.Itoa(number)
}

// deliverURL is the page with the other ways to get an export's files: a script, the customer's own bucket.
func deliverURL(e export.Export) string { return exportURL(e) + "/deliver" }

// number reads the volume's number from the address; 0, which no volume has, for anything else.
func number(c echo.Context) int {
	n, err := strconv.Atoi(c.Param("number"))
	if err != nil || n < 1 || strconv.Itoa(n) != c.Param("number") {
		return 0
	}
	return n
}

// DownloadVolume leads to a volume's file. Each time it is checked anew who may have it and whether it is still there.
func (p *Pages) DownloadVolume(c echo.Context) error {
	n := number(c)
	if n == 0 {
		return export.ErrNotFound
	}
	if p.Proxy { // which checks and records
		return c.Redirect(http.StatusFound, c.Request().URL.Path+"/file")
	}
	v := page.Of(c)
	link, err := p.Exports.Link(c.Request().Context(), v.Who(), v.Programme, c.Param("id"), n)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, link)
}

// SendVolume sends a volume's file through the portal, whole or in ranges (RFC 9110, section 14).
func (p *Pages) SendVolume(c echo.Context) error {
	n := number(c)
	if n == 0 {
		return export.ErrNotFound
	}
	if !p.Proxy { // links lead to the bucket, and this way is closed
		return export.ErrNotFound
	}
	v := page.Of(c)
	return p.send(c, v.Who(), v.Programme, n)
}

// mostRanges is how many parts of a file one request gets; each costs a read of the store. Whoever asks for more gets the whole
// file, as RFC 9110, section 14.2, allows.
const mostRanges = 4

// errTransfers asks to wait for the other file.
var errTransfers = fault.New(fault.Limited, "delivery.one_at_a_time")

// send streams a volume for as long as its bytes move. A file that is purged meanwhile is a clear answer as long as nothing
// was sent, and a broken connection afterwards: never half a file that seems whole.
func (p *Pages) send(c echo.Context, who migration.Who, programme *migration.Programme, n int) error {
	if c.Request().Method != http.MethodHead && p.Transfers != nil {
		leave, err := p.Transfers.Enter(c.Request().Context(), who.CustomerID)
		if err != nil && limit.RetryAfter(err) == 0 {
			return err
		}
		if err != nil {
			c.Response().Header().Set("Retry-After", "30")
			return errTransfers.Wrap(err)
		}
		defer leave()
	}
	if r := c.Request(); strings.Count(r.Header.Get("Range"), ",") >= mostRanges {
		r.Header.Del("Range")
	}
	content, err := p.Exports.Content(c.Request().Context(), who, programme, c.Param("id"), n)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	h := c.Response().Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", storage.Disposition(content.Name))
	h.Set("ETag", `"`+content.SHA256+`"`)
	h.Set("Cache-Control", "private, no-store")
	w := &steadyWriter{ResponseWriter: c.Response(), control: page.Control(c)}
	watched := &watchedContent{Content: content}
	http.ServeContent(w, c.Request(), content.Name, time.Time{}, watched)
	if watched.err != nil && w.status != 0 && !w.sent { // nothing has left yet
		for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Length", "Content-Range", "ETag", "Accept-Ranges"} {
			h.Del(name)
		}
		return watched.err
	}
	w.flushHeader()
	return nil
}

// watchedContent remembers why reading ended early.
type watchedContent struct {
	*export.Content
	err error
}

// Read implements io.Reader.
func (c *watchedContent) Read(b []byte) (int, error) {
	n, err := c.Content.Read(b)
	if f, ok := fault.As(err); ok {
		c.err = f
	} else if err != nil && storage.KindOf(err) != "" {
		c.err = err
	}
	return n, err
}

// stallLimit is how long a download may stand still before its connection is closed.
const stallLimit = time.Minute

// steadyWriter holds the header back until the first byte of the file is there, and lets a transfer take as long as it
// moves.
type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	sent    bool // the header has left
}

// WriteHeader implements http.ResponseWriter.
func (w *steadyWriter) WriteHeader(status int) { w.status = status }

func (w *steadyWriter) flushHeader() {
	if !w.sent && w.status != 0 {
		w.sent = true
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// Write implements io.Writer.
func (w *steadyWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.flushHeader()
	_ = w.control.SetWriteDeadline(time.Now().Add(stallLimit))
	return w.ResponseWriter.Write(b)
}

// DownloadByToken leads a program that shows a download token to a volume's file. Its answers are for a script to show.
func (p *Pages) DownloadByToken(c echo.Context) error {
	err := p.downloadByToken(c)
	f, ok := fault.As(err)
	status := map[fault.Kind]int{
		fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
		fault.Gone: http.StatusGone, fault.Conflict: http.StatusConflict, fault.Limited: http.StatusTooManyRequests,
		fault.Unavailable: http.StatusServiceUnavailable,
	}[fault.KindOf(err)]
	if err == nil || !ok || status == 0 {
		return err
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="offramp"`)
	}
	return page.Send(c, status, "text/plain; charset=utf-8", []byte(page.Of(c).Locale.T(f.Key)+"\n"))
}

func (p *Pages) downloadByToken(c echo.Context) error {
	v, ctx, id := page.Of(c), c.Request().Context(), c.Param("id")
	random, ok := strings.CutPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
	if !ok {
		return delivery.ErrToken
	}
	if v.Programme == nil {
		return migration.ErrNoProgramme
	}
	who, err := p.Deliveries.Bearer(ctx, id, random)
	if err != nil {
		return err
	}
	n := number(c)
	if n == 0 {
		return export.ErrNotFound
	}
	if p.Proxy {
		return p.send(c, who, v.Programme, n)
	}
	link, err := p.Exports.Link(ctx, who, v.Programme, id, n)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, link)
}

// errScript is a kind of script that there is not.
var errScript = fault.New(fault.Invalid, "delivery.script.kind")

// MakeScript makes a download token and answers with the script that uses it. The token is in the script and nowhere else.
func (p *Pages) MakeScript(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("kind", 5))
	if err != nil {
		return err
	}
	v, ctx := page.Of(c), c.Request().Context()
	e, err := p.Exports.Get(ctx, v.Who(), c.Param("id"))
	if err != nil {
		return err
	}
	kind := form.Get("kind")
	if scripts[kind] == nil {
		return errScript.Field("kind", "delivery.script.kind", nil)
	}
	random, token, err := p.Deliveries.NewToken(ctx, v.Who(), v.Programme, e.ID)
	if err != nil {
		return err
	}
	text, err := p.script(v, e, token, random).render(kind)
	if err != nil {
		return err
	}
	name := v.Locale.T("delivery.script.file") + "-" + e.Reference() + "." + kind
	c.Response().Header().Set("Content-Disposition", storage.Disposition(name))
	c.Response().Header().Set("Cache-Control", "private, no-store")
	return page.Send(c, http.StatusOK, "application/octet-stream", text)
}

func (p *Pages) script(v *page.Visit, e export.Export, t delivery.Token, random string) script {
	l := v.Locale
	s := script{
		l: l, Title: oneLine(l.T("delivery.script.title", "Product", l.Pick(v.Programme.Product.Name), "Reference", e.Reference())),
		Until: v.When(t.ExpiresAt), Address: p.URL("/download/" + e.ID), Token: random, Direct: p.Proxy,
	}
	for _, x := range e.Volumes {
		name := export.FileName(v.Programme.Key, v.Session.CustomerRef, e, x.Number, len(e.Volumes))
		s.Files = append(s.Files, scriptFile{Number: x.Number, Name: localName(name), Size: x.Size, SHA256: x.SHA256})
	}
	return s
}

// RevokeScript ends the token of the scripts that were made.
func (p *Pages) RevokeScript(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v, id := page.Of(c), c.Param("id")
	if err := p.Deliveries.RevokeToken(c.Request().Context(), v.Who(), v.Programme, id); err != nil {
		return err
	}
	return p.Flash(c, deliverURL(export.Export{ID: id}), "ok", "flash.token_revoked")
}

// ShowDeliver offers the other ways to get the files.
func (p *Pages) ShowDeliver(c echo.Context) error {
	return p.askTarget(c, http.StatusOK, nil, nil)
}

// askTarget shows the page, with what a form held and why it came back.
func (p *Pages) askTarget(c echo.Context, status int, sent *delivery.Target, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	last, err := p.latest(c, e)
	if err != nil {
		return err
	}
	token, err := p.Deliveries.Token(ctx, v.Who(), e.ID)
	if err != nil {
		return err
	}
	view := buildDeliver(newExportWords(v, plan), e, token, last, sent, refused)
	view.layout = p.Layout(c, v.Locale.T("delivery.title", "Reference", e.Reference()), "exports")
	view.layout.Errors, view.layout.HTMX = len(view.errors) > 0, last != nil && last.Live()
	view.help = help(v, page.SupportCode(p.Secret, v.Who().CustomerID))
	view.rights(p.Deliveries.Principal(), p.Deliveries.ExternalID(v.Who().CustomerID))
	return page.Render(c, status, deliverPage(view))
}

// latest is the delivery that was asked for last; nil when none was.
func (p *Pages) latest(c echo.Context, e export.Export) (*delivery.Delivery, error) {
	last, err := p.Deliveries.Latest(c.Request().Context(), page.Of(c).Who(), e.ID)
	if errors.Is(err, delivery.ErrNotFound) {
		return nil, nil
	}
	return &last, err
}

// PollDelivery answers the polls of the page while a delivery is under way.
func (p *Pages) PollDelivery(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	last, err := p.latest(c, e)
	if err != nil {
		return err
	}
	if last == nil {
		return delivery.ErrNotFound
	}
	card := newExportWords(page.Of(c), plan).delivery(e, *last)
	if card.bar != nil {
		return page.Render(c, http.StatusOK, ui.ProgressBar(*card.bar))
	}
	if last.State == delivery.Failed { // the form is to be mended, with what is wrong beside its field
		c.Response().Header().Set("HX-Refresh", "true")
		return c.NoContent(http.StatusOK)
	}
	c.Response().Header().Set("HX-Retarget", "#"+deliveryCardID)
	return page.Render(c, http.StatusOK, deliveryEnded(card))
}

// StartDelivery has the customer's bucket checked and the files copied there.
func (p *Pages) StartDelivery(c echo.Context) error {
	form, err := page.ReadForm(c, targetInputs...)
	t := takeTarget(form)
	v, ctx, id := page.Of(c), c.Request().Context(), c.Param("id")
	if err == nil {
		_, err = p.Deliveries.Start(ctx, v.Who(), v.Programme, id, t)
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.askTarget(c, http.StatusUnprocessableEntity, &t, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, deliverURL(export.Export{ID: id}), "ok", "flash.delivery_started")
}

// CancelDelivery ends a delivery.
func (p *Pages) CancelDelivery(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v, id := page.Of(c), c.Param("id")
	if err := p.Deliveries.Cancel(c.Request().Context(), v.Who(), v.Programme, id); err != nil {
		return err
	}
	return p.Flash(c, deliverURL(export.Export{ID: id}), "ok", "flash.delivery_cancelled")
}
