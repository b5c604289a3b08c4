package export

import (
	"slices"

	"offramp/export/archive"
	"offramp/migration"
)

// narrowings says in which ways the choice makes the export less than everything, and of each way which of the datasets that
// are read come whole all the same.
func (c *choice) narrowings(p *migration.Programme, locale string) (list []archive.Narrowing) {
	read := c.read(p)
	if len(c.Datasets) > 0 {
		list = append(list, archive.Narrowing{By: archive.ByDatasets, Datasets: slices.Clone(c.Datasets)})
	}
	narrow := func(n archive.Narrowing, narrows func(migration.Dataset) bool) {
		n.Datasets = []string{}
		for _, d := range read {
			if d.SQL != "" && narrows(d) { // conditions are for databases
				n.Datasets = append(n.Datasets, d.Key)
			} else {
				n.Whole = append(n.Whole, d.Key)
			}
		}
		list = append(list, n)
	}
	for _, f := range p.Export.Filters {
		values, chosen := c.Filters[f.Key]
		if !chosen {
			continue
		}
		name, _ := f.Name.In(locale, p.Fallback())
		narrow(archive.Narrowing{By: archive.ByFilter, Filter: f.Key, Name: name, Values: values},
			func(d migration.Dataset) bool { return d.Filters[f.Key] != "" })
	}
	if !c.From.IsZero() || !c.Until.IsZero() {
		narrow(archive.Narrowing{By: archive.ByPeriod, From: dayText(c.From), Until: dayText(c.Until)},
			func(d migration.Dataset) bool { return d.Period != "" })
	}
	if c.SinceOf != "" {
		narrow(archive.Narrowing{By: archive.ByChanges, Since: c.SinceOf},
			func(d migration.Dataset) bool { return d.Changed != "" && c.Since[d.Key] != "" })
	}
	if c.RepairOf != "" {
		narrow(archive.Narrowing{By: archive.ByRepair, Since: c.RepairOf},
			func(d migration.Dataset) bool { return d.Files != nil && len(c.Repair[d.Key].Files) > 0 })
	}
	return list
}

// read lists the datasets that are read at all.
func (c *choice) read(p *migration.Programme) (list []migration.Dataset) {
	for _, d := range p.Datasets {
		if (len(c.Datasets) == 0 || slices.Contains(c.Datasets, d.Key)) && !c.leaves(d.Key) {
			list = append(list, d)
		}
	}
	return list
}

// dayText is a day as receipts have it; empty for none.
func dayText(d migration.Day) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
