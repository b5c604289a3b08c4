package export

import (
	"context"
	"slices"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// checked returns the selection in one canonical form, or names what is wrong with it. What refers to earlier exports
// is looked up by refer.
func checked(sel Selection, p *migration.Programme) (Selection, error) {
	bad := ErrSelection
	refuse := func(field, key string, args map[string]any) { bad = bad.Field(field, key, args) }
	for _, key := range sel.Datasets {
		if _, ok := p.Dataset(key); !ok {
			refuse("datasets", "export.unknown_dataset", map[string]any{"Dataset": key})
		}
	}
	for _, f := range sel.Formats {
		if !slices.Contains(formats, f) {
			refuse("formats", "export.unknown_format", map[string]any{"Format": f})
		}
	}
	narrowed(sel, p, refuse)
	if r, ok := p.Replacement(sel.Replacement); sel.Replacement != "" && (!ok || r.Import == nil) {
		refuse("replacement", "export.unknown_replacement", map[string]any{"Replacement": sel.Replacement})
	}
	if sel.VolumeSize != 0 && !slices.Contains(VolumeSizes[:], sel.VolumeSize) {
		refuse("volume_size", "export.unknown_volume_size", map[string]any{"Size": sel.VolumeSize})
	}
	if len(bad.Fields) > 0 {
		return sel, bad
	}
	return canonical(sel, p), nil
}

// narrowed checks what makes an export less than everything.
func narrowed(sel Selection, p *migration.Programme, refuse func(field, key string, args map[string]any)) {
	for key := range sel.Filters {
		if !slices.ContainsFunc(p.Export.Filters, func(f migration.Filter) bool { return f.Key == key }) {
			refuse("filters", "export.unknown_filter", map[string]any{"Filter": key})
		}
	}
	if !sel.From.IsZero() && !sel.Until.IsZero() && sel.Until.Before(sel.From) {
		refuse("period", "export.period_backwards", nil)
	}
	if sel.Since != "" && sel.Repair != "" {
		refuse("since", "export.since_or_repair", nil)
	}
}

// formats lists the formats of rows in the order in which archives have them.
var formats = []string{CSV, JSONL, Parquet}

// canonical puts what a selection holds into one order, each thing once.
func canonical(sel Selection, p *migration.Programme) Selection {
	out := sel
	out.Datasets, out.Formats, out.Filters = nil, nil, nil
	for _, d := range p.Datasets {
		if slices.Contains(sel.Datasets, d.Key) {
			out.Datasets = append(out.Datasets, d.Key)
		}
	}
	if len(out.Datasets) == len(p.Datasets) {
		out.Datasets = nil
	}
	for _, f := range formats {
		if len(sel.Formats) == 0 && f != Parquet || slices.Contains(sel.Formats, f) {
			out.Formats = append(out.Formats, f)
		}
	}
	for key, values := range sel.Filters {
		if len(values) == 0 { // nothing chosen is no restriction
			continue
		}
		if out.Filters == nil {
			out.Filters = map[string][]string{}
		}
		values = slices.Clone(values)
		slices.Sort(values)
		out.Filters[key] = slices.Compact(values)
	}
	if out.VolumeSize == DefaultVolumeSize {
		out.VolumeSize = 0
	}
	return out
}

// refer looks up the earlier export that a selection names, among the customer's own. What failed is repaired as it was
// selected.
func (s *Service) refer(ctx context.Context, tx *db.Tx, sel *Selection) error {
	id, field := sel.Since, "since"
	if sel.Repair != "" {
		id, field = sel.Repair, "repair"
	}
	if id == "" {
		return nil
	}
	earlier, err := s.store.lock(ctx, tx, id)
	if fault.KindOf(err) == fault.NotFound {
		return ErrSelection.Field(field, "export.unknown_earlier", nil)
	}
	if err != nil {
		return err
	}
	if earlier.Receipt == nil || earlier.AsOf == nil {
		return ErrSelection.Field(field, "export.earlier_not_ready", map[string]any{"Reference": earlier.Reference()})
	}
	if field == "since" {
		return nil
	}
	if len(failed(*earlier.Receipt)) == 0 {
		return ErrSelection.Field(field, "export.nothing_to_repair", map[string]any{"Reference": earlier.Reference()})
	}
	was := earlier.Selection
	sel.Datasets, sel.Filters, sel.From, sel.Until, sel.Since = was.Datasets, was.Filters, was.From, was.Until, was.Since
	return nil
}
