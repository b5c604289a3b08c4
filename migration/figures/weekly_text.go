package figures

import (
	"slices"
	"strings"

	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/governance"
)

// Departments are those that get a part of the report, in the order of pages.
var Departments = governance.Departments

// parts are the reports that each department gets.
var parts = map[string][]string{
	"lead":        {"completion", "reach", "requests", "exports", "choices", "refunds"},
	"product":     {"completion", "choices"},
	"engineering": {"exports"},
	"data":        {"exports"},
	"sales":       {"completion", "choices"},
	"success":     {"completion", "reach", "requests"},
	"support":     {"requests", "exports"},
	"marketing":   {"reach", "choices"},
	"legal":       {"completion", "requests", "refunds"},
	"finance":     {"refunds"},
	"people":      {"completion"},
}

// tasks are a department's items in running workplans.
type tasks struct {
	Department string
	Open, Done int // open now; done in the week
}

// contentOf words a week for each department in each language of the programme: each count beside that of the week before.
func contentOf(p *migration.Programme, reports map[string]Report, items map[string]tasks, week migration.Day) Content {
	c := Content{}
	for department, keys := range parts {
		c[department] = migration.Text{}
		for _, tag := range p.Locales {
			l := locale.For(tag)
			lines := []string{"**" + mail.Escape(l.T("workspace.department."+department)) + "**"}
			if t, ok := items[department]; ok {
				lines = append(lines, "- "+l.T("figures.weekly.items", "Open", l.Number(int64(t.Open)), "Done", l.Number(int64(t.Done))))
			}
			for _, key := range keys {
				lines = append(lines, section(l, reports[key], week)...)
			}
			c[department][tag] = strings.Join(lines, "\n")
		}
	}
	return c
}

// section is one report in a mail: each measure of the week with the one before.
func section(l *locale.Locale, r Report, week migration.Day) []string {
	lines := []string{"", mail.Escape(l.T("figures."+r.Key)) + ":", ""}
	before := week.AddDays(-7)
	empty := true
	for _, m := range r.Measures {
		if m.Kind == Seconds || m.Kind == Amount || m.Kind == Bytes {
			continue // medians and currencies do not add up; the page has them
		}
		now, had := r.sum(m.Key, week)
		was, earlier := r.sum(m.Key, before)
		if !had && !earlier {
			continue
		}
		empty = false
		value := l.Number(now)
		if of, _ := r.sum(m.Of, week); m.Kind == Share && of > 0 {
			value = l.T("figures.weekly.share", "Count", value, "Of", l.Number(of), "Percent", l.Percent(now, of))
		}
		lines = append(lines, "- "+l.T("figures.weekly.line", "Name", mail.Escape(l.T("figures."+r.Key+"."+m.Key)), "Value", value, "Was", l.Number(was)))
	}
	if empty {
		lines = append(lines, "- "+l.T("figures.weekly.nothing"))
	}
	return lines
}

// sum adds a measure up over the slots of a week, and reports whether it was counted at all.
func (r Report) sum(measure string, week migration.Day) (n int64, counted bool) {
	for _, row := range r.Rows {
		if v, ok := row.Values[measure]; ok && row.Week == week {
			n, counted = n+v, true
		}
	}
	return n, counted
}

// quoted sets words of a person as a quotation, letter by letter.
func quoted(note string) string {
	lines := strings.Split(strings.ReplaceAll(note, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = "> " + mail.Escape(line)
	}
	return strings.Join(slices.Clip(lines), "\n")
}
