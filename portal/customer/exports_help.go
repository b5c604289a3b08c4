package customer

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration/assistance"
	"offramp/portal/page"
)

// helpURL is where a customer asks for help with an export.
func helpURL(e export.Export) string { return exportURL(e) + "/help" }

// helpForm is what the form of a request for help says.
type helpForm struct {
	dataset, expected, text string
}

// ask returns the request. Its error names the fields to mend.
func (f helpForm) ask(exportID string, datasets []string) (assistance.Ask, error) {
	a, refusal := assistance.Ask{ExportID: exportID, Dataset: f.dataset, Text: f.text}, assistance.ErrAsk
	if f.dataset != "" && !slices.Contains(datasets, f.dataset) {
		refusal = refusal.Field("dataset", "help.dataset.bad", nil)
	}
	if n, err := strconv.ParseInt(digits.Replace(f.expected), 10, 64); err == nil && n >= 0 {
		a.Expected = &n
	} else if f.expected != "" {
		refusal = refusal.Field("expected", "help.expected.bad", nil)
	}
	if len(refusal.Fields) > 0 {
		return a, refusal
	}
	return a.Checked()
}

// digits takes away what people put between thousands.
var digits = strings.NewReplacer(",", "", " ", "", "\u00a0", "", "\u202f", "", "，", "")

// ShowAskHelp asks what is missing from an export.
func (p *Pages) ShowAskHelp(c echo.Context) error {
	return p.askHelp(c, http.StatusOK, helpForm{}, nil)
}

func (p *Pages) askHelp(c echo.Context, status int, f helpForm, refused error) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	asked, err := p.Help.ListForCustomer(c.Request().Context(), v.Who(), e.ID)
	if err != nil {
		return err
	}
	layout := p.Layout(c, v.Locale.T("help.missing"), "exports")
	layout.Path = helpURL(e)
	return page.Render(c, status, askPage(buildAsk(newExportWords(v, plan), e, f, asked, refused, layout)))
}

// AskHelp opens a request for help with an export.
func (p *Pages) AskHelp(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	form, err := page.ReadForm(c, page.Line("dataset", 100), page.Line("expected", 25), page.Text("text", assistance.MaxText))
	f := helpForm{dataset: form.Get("dataset"), expected: form.Get("expected"), text: form.Get("text")}
	var ask assistance.Ask
	if err == nil {
		ask, err = f.ask(c.Param("id"), datasetKeys(v.Programme))
	}
	if err == nil {
		_, err = p.Help.Open(ctx, v.Who(), v.Programme, ask)
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.askHelp(c, http.StatusUnprocessableEntity, f, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, helpURL(export.Export{ID: c.Param("id")}), "ok", "flash.help_sent")
}
