package customer

import (
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// steps words the five steps of one journey.
type steps struct {
	v *page.Visit
	j migration.Journey
	d dated
}

// urls are the pages of the steps that this release has.
var urls = map[migration.Step]string{
	migration.StepDates: "/plan/dates", migration.StepExport: "/exports", migration.StepChoose: "/replacements", migration.StepSettle: "/refund",
	migration.StepConfirm: "/confirm",
}

func (s steps) tasks() []ui.Task {
	tasks := make([]ui.Task, 0, len(migration.Steps))
	for _, step := range migration.Steps {
		status := s.j.Status[step]
		t := ui.Task{Name: s.v.Locale.T("step." + string(step)), Hint: s.hint(step, status), Status: string(status)}
		if status != migration.CannotStart && status != migration.NotNeeded {
			t.URL = s.url(step)
		}
		tasks = append(tasks, t)
	}
	return tasks
}

// url is where a step goes on.
func (s steps) url(step migration.Step) string {
	if step == migration.StepChoose {
		return s.chooseURL()
	}
	return urls[step]
}

func (s steps) hint(step migration.Step, status migration.Status) string {
	l := s.v.Locale
	switch {
	case step == migration.StepDates:
		return s.datesHint(status)
	case step == migration.StepExport:
		return s.exportHint(status)
	case step == migration.StepSettle:
		return s.settleHint(status)
	case status == migration.NotNeeded && (step == migration.StepChoose || step == migration.StepSettle):
		return l.T("step." + string(step) + ".not_needed")
	case status == migration.NotNeeded:
		return l.T("step.not_needed")
	case step == migration.StepChoose:
		return s.chooseHint()
	case step == migration.StepConfirm:
		return s.confirmHint(status)
	}
	return l.T("step.later")
}

func (s steps) datesHint(status migration.Status) string {
	l := s.v.Locale
	switch {
	case status == migration.ActionNeeded:
		return l.T("step.dates.hint.changed")
	case status == migration.Completed && s.j.Detail.NotedAt != nil:
		return l.T("step.dates.hint.noted", "Date", s.v.Day(*s.j.Detail.NotedAt))
	}
	return l.T("step.dates.hint")
}

func (s steps) exportHint(status migration.Status) string {
	l, e := s.v.Locale, s.j.Detail.Export
	switch {
	case status == migration.NotNeeded:
		return l.T("step.export.hint.none")
	case e == nil:
		return l.T("step.export.hint")
	case e.Checked:
		return l.T("step.export.hint.checked")
	case e.State == "ready" && e.Until != nil:
		return l.T("step.export.hint.ready", "Date", s.v.Day(*e.Until))
	case e.State == "expired" || e.State == "failed":
		return l.T("step.export.hint." + e.State)
	}
	return l.T("step.export.hint")
}

// near is when the export outranks everything else.
const near = 14

// next is the one thing to do now; nil when nothing is open.
func (s steps) next() *ui.NextStep {
	order := migration.Steps[:]
	if date, ok := migration.Find(s.d.dates, migration.ExportDeadline); ok && !date.Past && date.DaysLeft < near {
		order = append([]migration.Step{migration.StepExport}, order...)
	}
	for _, step := range order {
		switch status := s.j.Status[step]; status {
		case migration.Completed, migration.NotNeeded, migration.CannotStart:
		default:
			if step == migration.StepExport && !s.d.open(migration.ExportDeadline) {
				continue // nothing can be done about it any more
			}
			return s.todo(step, status)
		}
	}
	return nil
}

func (s steps) todo(step migration.Step, status migration.Status) *ui.NextStep {
	l := s.v.Locale
	key := "next." + string(step)
	switch e := s.j.Detail.Export; {
	case step == migration.StepDates && status == migration.ActionNeeded:
		key = "next.dates.changed"
	case step == migration.StepExport && status == migration.InProgress:
		key = "next.export.running"
	case step == migration.StepExport && e != nil && (e.State == "ready" || e.State == "expired" || e.State == "failed"):
		key = "next.export." + e.State
	}
	task := ""
	switch step {
	case migration.StepChoose:
		task = s.chooseNext()
	case migration.StepSettle:
		task = l.T(settleNext(status))
	default:
		task = l.T(key)
	}
	link := ui.Link{Label: l.T("next." + string(step) + ".go"), URL: s.url(step), Icon: ui.IconArrow}
	return &ui.NextStep{Task: task, Action: link}
}
