package application

import (
	"errors"
	"regexp"
	"strings"

	"offramp/internal/fault"
	"offramp/migration/governance"
)

const maxTitle = 200

var (
	amount   = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,2})?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// checked is what is stored. Sections may be empty until the report is submitted. ErrInput names faulty fields.
func (w Words) checked() (Words, error) {
	w.Title = strings.Join(strings.Fields(w.Title), " ")
	w.Currency = strings.ToUpper(strings.TrimSpace(w.Currency))
	w.Budget = strings.NewReplacer(",", "", " ", "", "\u00a0", "", "，", "").Replace(w.Budget)
	wrong := ErrInput
	if n := len([]rune(w.Title)); n == 0 || n > maxTitle {
		wrong = wrong.Field("title", "approval.no_title", nil)
	}
	for key, text := range map[string]*string{
		"background": &w.Background, "feasibility": &w.Feasibility, "timetable": &w.Timetable, "resources": &w.Resources, "benefit": &w.Benefit,
	} {
		*text = strings.TrimSpace(strings.ReplaceAll(*text, "\r\n", "\n"))
		if len([]rune(*text)) > MaxWords {
			wrong = wrong.Field(key, "application.long_section", map[string]any{"Characters": MaxWords})
		}
	}
	if w.Budget == "" {
		w.Budget = "0"
	}
	switch some := strings.Trim(w.Budget, "0.") != ""; {
	case !amount.MatchString(w.Budget):
		wrong = wrong.Field("budget", "approval.no_budget", nil)
	case some && !currency.MatchString(w.Currency), w.Currency != "" && !currency.MatchString(w.Currency):
		wrong = wrong.Field("currency", "approval.no_currency", nil)
	}
	if len(wrong.Fields) > 0 {
		return Words{}, wrong
	}
	return w, nil
}

func isNoPlan(err error) bool { return errors.Is(err, governance.ErrNoPlan) }

// named has a report that is too long for a paper be told as what people can change.
func named(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		for _, field := range f.Fields {
			if field.Name == "body" {
				return ErrInput.Field("background", "application.too_long", nil).Wrap(err)
			}
		}
	}
	return err
}
