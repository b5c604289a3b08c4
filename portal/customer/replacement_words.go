package customer

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// phrase is a text with the language it is written in, where that is not the page's.
type phrase struct{ text, lang string }

// replacementWords words replacements for one reader.
type replacementWords struct {
	dated
	v    *page.Visit
	tier string
}

func newReplacementWords(v *page.Visit) replacementWords {
	return replacementWords{dated: newDated(v, nil), v: v, tier: v.Session.CustomerTier}
}

// replacementURL is the page about a replacement, or one below it.
func replacementURL(key string, below ...string) string {
	return strings.Join(append([]string{"/replacements", url.PathEscape(key)}, below...), "/")
}

// say picks the wording of a programme's text.
func say(l *locale.Locale, t migration.Text) phrase {
	text, tag := l.PickLang(t)
	if tag == l.Tag() {
		tag = ""
	}
	return phrase{text, tag}
}

func (w replacementWords) say(t migration.Text) phrase { return say(w.l, t) }

// plain is a text of ours, in the page's language.
func plain(text string) phrase { return phrase{text: text} }

// name is the programme's name for a product to move to.
func (w replacementWords) name(r migration.Replacement) string { return replacementName(w.l, r) }

func replacementName(l *locale.Locale, r migration.Replacement) string {
	if name := l.Pick(r.Name); name != "" {
		return name
	}
	return r.Key
}

// kind says whose product it is.
func (w replacementWords) kind(r migration.Replacement) string {
	if r.Kind == "" {
		return w.l.T("choice.kind." + migration.KindPartner)
	}
	return w.l.T("choice.kind." + r.Kind)
}

// listPrice is the price that everybody pays.
func (w replacementWords) listPrice(r migration.Replacement) []phrase {
	if r.Price == nil {
		return []phrase{plain(w.l.T("choice.not_said"))}
	}
	lines := []phrase{plain(w.l.T("choice.price."+r.Price.Model, "Amount", w.l.Money(r.Price.Amount, r.Price.Currency)))}
	return w.note(lines, r.Price.Note)
}

// note adds the programme's own words behind ours.
func (w replacementWords) note(lines []phrase, t migration.Text) []phrase {
	if p := w.say(t); p.text != "" {
		lines = append(lines, p)
	}
	return lines
}

// price is what the customer pays, and how that comes about.
func (w replacementWords) price(p replacement.Price) (lines []string) {
	l := w.l
	switch p.Model {
	case "":
		return []string{l.T("choice.not_said")}
	case migration.PriceFree:
		return []string{l.T("choice.price.free")}
	}
	scope := l.T("choice.pay.once")
	if p.Months > 0 {
		scope = l.N("choice.months", p.Months)
	}
	seats := ""
	switch {
	case p.Seats > 0:
		seats = l.N("choice.seats", int(p.Seats))
	case !p.Summed:
		seats = l.T("choice.pay.seat")
	}
	if seats != "" {
		scope = l.T("choice.pay.scope", "Seats", seats, "Months", scope)
	}
	lines = append(lines, l.Money(p.ToPay, p.Currency), scope)
	if p.Discount > 0 {
		lines = append(lines, l.T("choice.pay.before", "Amount", l.Money(p.Total, p.Currency), "Discount", w.discount(p.Discount)))
	}
	return lines
}

// join writes parts as one line; empty ones are left out.
func (w replacementWords) join(parts ...string) string {
	text := ""
	for _, part := range parts {
		switch {
		case part == "":
		case text == "":
			text = part
		default:
			text = w.l.T("export.list.and", "First", text, "Then", part)
		}
	}
	return text
}

// discount writes basis points: 50%, 12.5%.
func (w replacementWords) discount(basisPoints int) string {
	return strconv.FormatFloat(float64(basisPoints)/100, 'f', -1, 64) + "%"
}

// offer says what a replacement's offer is to the reader's customer, and how it stands.
func (w replacementWords) offer(r migration.Replacement) (lines []phrase) {
	state, until := replacement.OfferFor(w.p, r, w.tier, w.now)
	switch state {
	case replacement.OfferOpen:
		lines = w.note(nil, r.Offer.Text)
		if r.Offer.Discount > 0 && len(lines) == 0 {
			lines = append(lines, plain(w.l.T("choice.offer.discount", "Discount", w.discount(r.Offer.Discount))))
		}
		if !until.IsZero() {
			lines = append(lines, plain(w.l.T("choice.offer.until", "Date", w.OurDay(until))))
		}
	case replacement.OfferEnded:
		lines = []phrase{plain(w.l.T("choice.offer.ended", "Date", w.OurDay(until)))}
	default:
		lines = []phrase{plain(w.l.T("choice.offer.none"))}
	}
	return lines
}

// effort is how much work the move is.
func (w replacementWords) effort(r migration.Replacement) []phrase {
	if r.Effort == nil {
		return []phrase{plain(w.l.T("choice.not_said"))}
	}
	var lines []phrase
	if r.Effort.Hours > 0 {
		lines = append(lines, plain(w.l.N("choice.effort", r.Effort.Hours)))
	}
	return w.note(lines, r.Effort.Text)
}

// dataset is the programme's name for a dataset.
func (w replacementWords) dataset(key string) phrase {
	if d, ok := w.p.Dataset(key); ok && w.l.Pick(d.Name) != "" {
		return w.say(d.Name)
	}
	return plain(key)
}

// feature is the programme's name for a feature.
func (w replacementWords) feature(f migration.Feature) phrase {
	if p := w.say(f.Name); p.text != "" {
		return p
	}
	return plain(f.Key)
}

// losses says in sentences what is given up, each once. The comparison, the import's page and the choice show this list.
func (w replacementWords) losses(list []replacement.Loss) []string {
	sentences := []string{}
	for _, x := range list {
		if text := w.loss(x); !slices.Contains(sentences, text) {
			sentences = append(sentences, text)
		}
	}
	return sentences
}

// loss says in one line what is given up: in the programme's words where it has some, and never by the name of a column.
func (w replacementWords) loss(x replacement.Loss) string {
	l, name, own := w.l, w.l.Pick(x.Name), w.l.Pick(x.Text)
	key := "choice.loss.dataset"
	switch {
	case x.Feature != "" && x.Count.Known:
		key = "choice.loss.used"
	case x.Feature != "":
		key = "choice.loss.feature"
	case x.Column != "" && own != "", x.Dataset == "" && own != "":
		return own
	case x.Column != "" && l.Pick(x.Detail) != "":
		key = "choice.loss.column"
	case x.Column != "":
		key = "choice.loss.some"
	case x.Dataset == "":
		return l.T("profile.loss.declared")
	case x.Partly:
		key = "choice.loss.part"
	}
	text := l.T(key, "Name", name, "Detail", l.Pick(x.Detail), "Count", l.Number(x.Count.Uses))
	if own == "" {
		return text
	}
	return l.T("choice.loss.why", "Loss", text, "Why", own)
}

// moment is an instant in the reader's own zone.
func (w replacementWords) moment(at time.Time) string { return w.When(at) }

// forms words what is wrong with a form, as everywhere.
func (w replacementWords) forms() exportWords { return exportWords{dated: w.dated, v: w.v} }

// changed is the message about what has changed since the page was read; empty when nothing has.
func changed(err error) string {
	switch {
	case errors.Is(err, replacement.ErrLossesChanged):
		return "choice.changed.losses"
	case errors.Is(err, replacement.ErrOfferEnded):
		return "choice.changed.offer"
	case errors.Is(err, replacement.ErrCarriedOut):
		return "choice.changed.carried_out"
	}
	return ""
}

// choiceTones of the states of a choice.
var choiceTones = map[replacement.State]ui.Tone{
	replacement.Made: ui.ToneCompleted, replacement.Accepted: ui.ToneInProgress, replacement.Importing: ui.ToneInProgress, replacement.Moved: ui.ToneCompleted,
	replacement.Failed: ui.ToneProblem, replacement.Withdrawn: ui.ToneActionNeeded, replacement.Undone: ui.ToneNotNeeded, replacement.Replaced: ui.ToneNotNeeded,
}

// ChoiceTone is the tone of a decision's tag.
func ChoiceTone(c replacement.Choice) ui.Tone { return choiceTones[c.State] }

// ChoiceWord says in a few words where a decision stands; staff read the same.
func ChoiceWord(l *locale.Locale, c replacement.Choice) string {
	if c.Decision != replacement.Chosen && c.State == replacement.Made {
		return l.T("choice.word." + string(c.Decision))
	}
	return l.T("choice.state." + string(c.State))
}
