package customer

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"offramp/export"
	"offramp/export/archive/locked"
	"offramp/export/outline"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Answers to the question of scope.
const (
	scopeAll  = "all"
	scopeSome = "some"
)

// formats that a customer may choose, in the order of the form.
var formats = []string{export.CSV, export.JSONL, export.Parquet}

// exportForm is what the form of a new export says.
type exportForm struct {
	scope       string
	datasets    []string
	filters     map[string][]string // by key of the programme's filter
	from, until string
	since       string // id of an earlier export
	formats     []string
	spreadsheet bool
	browse      bool
	locked      bool
	volume      string // GiB
	replacement string // key
}

// newExportForm is the form before anybody has touched it.
func newExportForm() exportForm {
	return exportForm{scope: scopeAll, formats: []string{export.CSV, export.JSONL}, browse: true, volume: strconv.Itoa(export.DefaultVolumeSize)}
}

// formWithout is the form that asks for the same but for one dataset. False: nothing would be left, or it cannot be asked for so.
func formWithout(s export.Selection, without string, p *migration.Programme) (exportForm, bool) {
	chosen := s.Datasets
	if len(chosen) == 0 {
		chosen = datasetKeys(p)
	}
	rest := slices.DeleteFunc(slices.Clone(chosen), func(key string) bool { return key == without })
	if len(rest) == 0 || len(rest) == len(chosen) || s.Repair != "" {
		return exportForm{}, false
	}
	return exportForm{
		scope: scopeSome, datasets: rest, filters: s.Filters, from: s.From.String(), until: s.Until.String(), since: s.Since,
		formats: s.Formats, spreadsheet: s.Spreadsheet, browse: s.Browse, locked: s.Locked, volume: strconv.Itoa(cmp.Or(s.VolumeSize, export.DefaultVolumeSize)),
		replacement: s.Replacement,
	}, true
}

// filterField is the name of a filter's field.
func filterField(key string) string { return "filter-" + key }

func exportInputs(p *migration.Programme) []page.Input {
	inputs := []page.Input{
		page.Line("scope", 10), page.Choices("dataset", len(p.Datasets)), page.Line("from", 20), page.Line("until", 20), page.Line("since", 60),
		page.Choices("format", len(formats)), page.Line("spreadsheet", 3), page.Line("browse", 3), page.Line("locked", 3),
		page.Line("volume", 3), page.Line("replacement", 60),
	}
	for _, f := range p.Export.Filters {
		inputs = append(inputs, page.Choices(filterField(f.Key), outline.MaxChoices))
	}
	return append(inputs, passwordInput)
}

// passwordInput has room for a password that is too long, so that the answer can say what is wrong with it.
var passwordInput = page.Line(passwordField, 10*locked.MaxLength)

const passwordField = "password"

func takeExportForm(f page.Form, p *migration.Programme) exportForm {
	form := exportForm{
		scope: f.Get("scope"), datasets: f.All("dataset"), filters: map[string][]string{}, from: f.Get("from"), until: f.Get("until"), since: f.Get("since"),
		formats: f.All("format"), spreadsheet: f.Get("spreadsheet") == "yes", browse: f.Get("browse") == "yes", locked: f.Get("locked") == "yes", volume: f.Get("volume"), replacement: f.Get("replacement"),
	}
	for _, filter := range p.Export.Filters {
		if chosen := f.All(filterField(filter.Key)); len(chosen) > 0 {
			form.filters[filter.Key] = chosen
		}
	}
	return form
}

// pairs are the values of the form, to be sent again as they are.
func (f exportForm) pairs(p *migration.Programme) (pairs []ui.Pair) {
	add := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				pairs = append(pairs, ui.Pair{Name: name, Value: v})
			}
		}
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return ""
	}
	add("scope", f.scope)
	add("dataset", f.datasets...)
	for _, filter := range p.Export.Filters {
		add(filterField(filter.Key), f.filters[filter.Key]...)
	}
	add("from", f.from)
	add("until", f.until)
	add("since", f.since)
	add("format", f.formats...)
	add("spreadsheet", yes(f.spreadsheet))
	add("browse", yes(f.browse))
	add("locked", yes(f.locked))
	add("volume", f.volume)
	add("replacement", f.replacement)
	return pairs
}

// selection returns what was asked for. Its error names the fields to mend. today is the last day that has begun.
func (f exportForm) selection(p *migration.Programme, o offer, today migration.Day) (export.Selection, error) {
	s, refusal := export.Selection{Spreadsheet: f.spreadsheet, Browse: f.browse, Formats: ordered(formats, f.formats)}, export.ErrSelection
	bad := func(field, key string) { refusal = refusal.Field(field, key, nil) }
	switch f.scope {
	case scopeSome:
		f.narrow(p, o, today, &s, bad)
	case scopeAll:
	default:
		bad("scope", "export.form.scope.none")
	}
	if len(s.Formats) == 0 || len(s.Formats) < len(f.formats) {
		bad("format", "export.form.format.none")
	}
	if s.Locked = f.locked; f.locked && !o.lock {
		bad("locked", "export.locked_not")
	}
	s.VolumeSize = f.size(bad)
	if r, ok := p.Replacement(f.replacement); ok && r.Import != nil {
		s.Replacement = r.Key
	} else if f.replacement != "" {
		bad("replacement", "export.form.replacement.unknown")
	}
	if len(refusal.Fields) > 0 {
		return export.Selection{}, refusal
	}
	return s, nil
}

// size is the volumes' size; 0: the usual one.
func (f exportForm) size(bad func(field, key string)) int {
	size, err := strconv.Atoi(f.volume)
	switch {
	case f.volume == "" || size == export.DefaultVolumeSize:
		return 0
	case err != nil || !slices.Contains(export.VolumeSizes[:], size):
		bad("volume", "export.form.volume.none")
	}
	return size
}

// narrow reads what only counts when not everything is wanted.
func (f exportForm) narrow(p *migration.Programme, o offer, today migration.Day, s *export.Selection, bad func(field, key string)) {
	s.Datasets = ordered(datasetKeys(p), f.datasets)
	if len(s.Datasets) < len(f.datasets) {
		bad("dataset", "export.form.dataset.unknown")
	}
	if len(f.filters) > 0 {
		s.Filters = f.filters
	}
	s.From, s.Until = f.day("from", f.from, today, bad), f.day("until", f.until, today, bad)
	if !s.From.IsZero() && !s.Until.IsZero() && s.Until.Before(s.From) {
		bad("until", "export.form.until.before")
	}
	if s.Since = f.since; f.since != "" && !slices.ContainsFunc(o.earlier, func(e export.Export) bool { return e.ID == f.since }) {
		bad("since", "export.form.since.unknown")
	}
}

// day reads one end of the period.
func (f exportForm) day(field, text string, today migration.Day, bad func(field, key string)) migration.Day {
	if text == "" {
		return migration.Day{}
	}
	d, err := readDay(text)
	switch {
	case err != nil:
		bad(field, "export.form.day.bad")
	case d.After(today):
		bad(field, "export.form.day.future")
	}
	return d
}

// dayMarks stand between the numbers of a date in the ways in which people write it, year first.
var dayMarks = strings.NewReplacer("/", "-", ".", "-", "年", "-", "月", "-", "日", "", " ", "")

// readDay reads a date as browsers send it and as people type it where the browser has no calendar: year, month, day.
func readDay(text string) (migration.Day, error) {
	parts := strings.Split(dayMarks.Replace(text), "-")
	for i, part := range parts {
		if len(part) == 1 {
			parts[i] = "0" + part
		}
	}
	return migration.ParseDay(strings.Join(parts, "-"))
}

// ordered returns those of all that were chosen, each once.
func ordered(all, chosen []string) (list []string) {
	for _, one := range all {
		if slices.Contains(chosen, one) {
			list = append(list, one)
		}
	}
	return list
}

// fieldOf finds the form's field for what the service refuses.
var fieldOf = map[string]string{"datasets": "dataset", "formats": "format", "volume_size": "volume"}

// said are the words for what is wrong with a form, by field.
type said map[string]string

func (w exportWords) fieldErrors(err error) said {
	words := said{}
	if e, ok := fault.As(err); ok {
		for _, f := range e.Fields {
			name := f.Name
			if known, ok := fieldOf[name]; ok {
				name = known
			}
			if words[name] == "" {
				words[name] = w.l.T(f.Key, w.args(f.Args)...)
			}
		}
	}
	return words
}

// list returns the errors in the order of the form's fields, and behind them those of no field.
func (s said) list(names ...string) (errors []ui.FieldError) {
	for _, name := range names {
		if s[name] != "" {
			errors = append(errors, ui.FieldError{FieldID: name, Text: s[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !slices.Contains(names, name) {
			errors = append(errors, ui.FieldError{Text: s[name]})
		}
	}
	return errors
}
