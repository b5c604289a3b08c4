package customer

import (
	"time"

	"github.com/a-h/templ"

	"offramp/export"
	"offramp/export/outline"
	"offramp/portal/ui"
)

const outlineID = "outline"

// outlineEvery is how often the form asks whether sizes are known.
const outlineEvery = 2 * time.Second

// outlineView says how much data there is, or that it is being looked up.
type outlineView struct {
	text string
	ask  *ui.Action       // looks it up, for readers without script
	live templ.Attributes // how the page learns more; nil: it need not
}

// outline words what is known about the sizes. Looking them up is posted: a page that is only read changes nothing.
func (w exportWords) outline(o outline.Outline) outlineView {
	const url = "/exports/outline"
	l := w.l
	ask := &ui.Action{URL: url, Button: ui.Button{Label: l.T("export.outline.ask"), Kind: ui.Quiet}}
	switch {
	case o.Fresh(w.p, w.now):
		return outlineView{text: w.total(o)}
	case o.Pending(w.now):
		return outlineView{text: l.T("export.outline.pending"), live: ui.Poll(url, outlineEvery)}
	case o.Failed:
		return outlineView{text: l.T("export.outline.failed"), ask: ask}
	default:
		text := l.T("export.outline.none")
		if !o.MadeAt.IsZero() {
			text = w.total(o)
		}
		return outlineView{text: text, ask: ask, live: templ.Attributes{"hx-post": url, "hx-trigger": "load", "hx-swap": "outerHTML"}}
	}
}

// total says what everything comes to.
func (w exportWords) total(o outline.Outline) string {
	e := outline.EstimateOf(o, w.p, export.Selection{}, outline.Pace{})
	return w.l.T("export.outline.total", "Amount", w.amount(e.Rows, e.Files, e.Bytes), "When", w.When(o.MadeAt))
}

// outlineNews is what a page that waits for sizes learns: the line itself and, once they are known, each dataset's size and
// each filter's values.
type outlineNews struct {
	sizes    outlineView
	datasets ui.Choices
	filters  []picks
}

func (w exportWords) outlineNews(o outline.Outline) outlineNews {
	news := outlineNews{sizes: w.outline(o)}
	if !o.Fresh(w.p, w.now) {
		return news
	}
	news.datasets = ui.Choices{Field: ui.Field{ID: "dataset"}, Options: w.datasetOptions(o, nil)}
	for _, f := range w.p.Export.Filters {
		news.filters = append(news.filters, w.picks(f, o, nil, nil))
	}
	return news
}
