// Package erasure holds the programme manager's pages about erasing customers' data: who is due and what stands against it, asking,
// agreeing as the second person, legal holds, and certificates.
package erasure

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration/erasure"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Where the pages are.
const (
	Path             = "/console/erasure"
	CustomerPath     = Path + "/customer"
	RunsPath         = Path + "/runs"
	CertificatesPath = Path + "/certificates"
)

const (
	looked   = 200 // customers at whom one page looks
	pageSize = 25
)

var errInput = fault.New(fault.Invalid, "fault.input")

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Erasures *erasure.Service
	Plan     func(context.Context, *db.Tx, []string) error // has a worker make the orders of runs
}

func by(c echo.Context) erasure.By { return erasure.By{ID: page.Of(c).Session.IdentityID} }

func customerURL(ref string) string { return CustomerPath + "?ref=" + url.QueryEscape(ref) }

// Show is all that is due, waits, goes on and is done.
func (p *Pages) Show(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("after", 20))
	if err != nil {
		return err
	}
	after, _ := strconv.ParseInt(query.Get("after"), 10, 64)
	return p.show(c, http.StatusOK, desk{after: max(after, 0)})
}

// desk is what was read for the first page.
type desk struct {
	erasure.Overview
	due       int
	against   map[string]int
	sums      []erasure.Count
	more      bool
	after     int64
	completed []erasure.Order
	follow    bool // more are completed
	ref       string
	faults    map[string]string
}

func (p *Pages) show(c echo.Context, status int, d desk) (err error) {
	v, ctx, me := page.Of(c), c.Request().Context(), by(c).ID
	if d.Overview, err = p.Erasures.Overview(ctx, me); err != nil {
		return err
	}
	if d.due, d.against, d.sums, d.more, err = p.Erasures.DueNow(ctx, me, looked); err != nil {
		return err
	}
	if d.completed, err = p.Erasures.Completed(ctx, me, d.after, pageSize+1); err != nil {
		return err
	}
	if d.follow = len(d.completed) > pageSize; d.follow {
		d.completed = d.completed[:pageSize]
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("erasure.title"), "erasure")
	layout.Path = Path // also after a POST
	return page.Render(c, status, listPage(buildList(v, d, layout)))
}

// ShowCustomer is a dry run for one customer.
func (p *Pages) ShowCustomer(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("ref", 100))
	faults := page.Of(c).Faults(err)
	if err != nil && faults == nil {
		return err
	}
	if ref := query.Get("ref"); ref == "" && faults == nil {
		faults = page.Of(c).Faults(errInput.Field("ref", "erasure.no_ref", nil))
	}
	if faults != nil {
		return p.show(c, http.StatusUnprocessableEntity, desk{ref: query.Get("ref"), faults: faults})
	}
	return p.showCustomer(c, http.StatusOK, query.Get("ref"), "", nil)
}

func (p *Pages) showCustomer(c echo.Context, status int, ref, reason string, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	one, err := p.Erasures.Customer(ctx, by(c).ID, ref)
	if f, ok := fault.As(err); ok && f.Key == erasure.ErrUnknown.Key {
		return p.show(c, http.StatusUnprocessableEntity, desk{ref: ref, faults: map[string]string{"ref": v.Locale.T("erasure.not_found")}})
	}
	if err != nil {
		return err
	}
	overview, err := p.Erasures.Overview(ctx, by(c).ID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, one.Ref, "erasure")
	layout.Path = CustomerPath // also after a POST
	return page.Render(c, status, customerPage(buildCustomer(v, one, overview.Runs, reason, refused, layout)))
}

// Ask asks for the erasure of one customer, or of all who are due.
func (p *Pages) Ask(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("ref", 100), page.Line("all", 3))
	if err != nil {
		return err
	}
	ref := form.Get("ref")
	if (ref == "") != (form.Get("all") == "yes") { // no empty field may come to mean everybody
		faults := page.Of(c).Faults(errInput.Field("ref", "erasure.no_ref", nil))
		return p.show(c, http.StatusUnprocessableEntity, desk{ref: ref, faults: faults})
	}
	id, err := p.Erasures.Ask(c.Request().Context(), by(c), ref)
	if f, ok := fault.As(err); ok && ref != "" && (f.Key == erasure.ErrObstacle.Key || f.Key == erasure.ErrRunning.Key) {
		return p.showCustomer(c, http.StatusConflict, ref, "", err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, RunsPath+"/"+id, "ok", "flash.erasure_asked")
}

// SetHold keeps a customer's data.
func (p *Pages) SetHold(c echo.Context) error {
	return p.hold(c, "flash.erasure_hold", p.Erasures.SetHold)
}

// EndHold lets it go.
func (p *Pages) EndHold(c echo.Context) error {
	return p.hold(c, "flash.erasure_release", p.Erasures.EndHold)
}

func (p *Pages) hold(c echo.Context, done string, do func(ctx context.Context, by erasure.By, ref, reason string) error) error {
	form, err := page.ReadForm(c, page.Line("ref", 100), page.Text("reason", 500))
	if err == nil {
		err = do(c.Request().Context(), by(c), form.Get("ref"), form.Get("reason"))
	}
	if page.Of(c).Faults(err)["reason"] != "" {
		return p.showCustomer(c, http.StatusUnprocessableEntity, form.Get("ref"), form.Get("reason"), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, customerURL(form.Get("ref")), "ok", done)
}

// ShowRun is what one manager asked for, for the other one to read.
func (p *Pages) ShowRun(c echo.Context) error { return p.showRun(c, http.StatusOK, nil) }

func (p *Pages) showRun(c echo.Context, status int, refused error) error {
	v, ctx, me := page.Of(c), c.Request().Context(), by(c).ID
	run, err := p.Erasures.Run(ctx, me, c.Param("id"))
	if err != nil {
		return err
	}
	d := runDesk{Run: run, refused: refused}
	if run.State == erasure.RunAsked && run.Ref != "" {
		one, err := p.Erasures.Customer(ctx, me, run.Ref)
		if err != nil {
			return err
		}
		d.counts, d.objects, d.against = one.Counts, one.Objects, one.Against
	} else if run.State == erasure.RunAsked {
		if d.due, _, d.counts, d.more, err = p.Erasures.DueNow(ctx, me, looked); err != nil {
			return err
		}
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("erasure.run"), "erasure")
	layout.Path = RunsPath + "/" + run.ID // also after a POST
	return page.Render(c, status, runPage(buildRun(v, d, layout)))
}

// Agree agrees as the second person, who has confirmed that nothing brings the data back.
func (p *Pages) Agree(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("sure", 3))
	if err != nil {
		return err
	}
	if form.Get("sure") != "yes" {
		return p.showRun(c, http.StatusUnprocessableEntity, errInput.Field("sure", "erasure.not_sure", nil))
	}
	if err := p.Erasures.Agree(c.Request().Context(), by(c), c.Param("id"), p.Plan); err != nil {
		return err
	}
	return p.Flash(c, RunsPath+"/"+c.Param("id"), "ok", "flash.erasure_agreed")
}

// Withdraw takes back, or refuses, what nobody has agreed to.
func (p *Pages) Withdraw(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Erasures.Withdraw(c.Request().Context(), by(c), c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, RunsPath+"/"+c.Param("id"), "ok", "flash.erasure_withdrawn")
}

func (p *Pages) certificate(c echo.Context) (erasure.Order, error) {
	o, err := p.Erasures.Certificate(c.Request().Context(), by(c).ID, c.Param("id"))
	if err == nil && o.Certificate == "" {
		err = erasure.ErrUnknown
	}
	return o, err
}

// ShowCertificate is a certificate in words, also for paper.
func (p *Pages) ShowCertificate(c echo.Context) error {
	v := page.Of(c)
	o, err := p.certificate(c)
	if err != nil {
		return err
	}
	parts := strings.Split(o.Certificate, ".")
	if len(parts) != 3 {
		return erasure.ErrUnknown
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	content, err := erasure.Read(payload)
	if err != nil {
		return err
	}
	layout := p.AsPaper(c, console.Layout(p.Kit, c, v.Locale.T("erasure.certificate"), "erasure"))
	return page.Render(c, http.StatusOK, certificatePage(buildCertificate(v, o.ID, content, layout)))
}

// Download sends the certificate as it was signed.
func (p *Pages) Download(c echo.Context) error {
	o, err := p.certificate(c)
	if err != nil {
		return err
	}
	return page.SendFile(c, "erasure-"+strconv.FormatInt(o.Seq, 10)+".jws", "application/jose", strings.NewReader(o.Certificate))
}
