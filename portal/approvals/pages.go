// Package approvals is where staff write papers, decide about them, and read what was decided by whom.
package approvals

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Where the pages are.
const (
	Path          = approval.Pages
	DelegatesPath = Path + "/delegates"
	PathsPath     = Path + "/paths"

	ApplicationPath = "/console/application" // portal/application
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Approvals *approval.Service
	Plans     *governance.Service
	Customers *migration.Service
}

func by(c echo.Context) string { return page.Of(c).Session.IdentityID }

func manager(c echo.Context) bool { return page.Of(c).Session.Has(auth.ProgrammeManager) }

func paperURL(id string) string { return Path + "/" + id }

// asked is a form that was refused: what was written, and what is wrong with it.
type asked struct {
	form  page.Form
	what  string
	fault error
}

func fields(err error) []fault.Field {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	return f.Fields
}

// of is the value that was written into a field of a refused form, and what is wrong with it.
func (a asked) of(v *page.Visit, what, name string) (value, wrong string) {
	if a.fault == nil || a.what != what {
		return "", ""
	}
	for _, f := range fields(a.fault) {
		if f.Name == name {
			var kv []any
			for k, arg := range f.Args {
				kv = append(kv, k, arg)
			}
			wrong = v.Locale.T(f.Key, kv...)
		}
	}
	return a.form.Get(name), wrong
}

// Show is the list of papers.
func (p *Pages) Show(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("show", 8), page.Line("after", 40))
	if err != nil {
		return err
	}
	show := query.Get("show")
	if !slices.Contains([]string{"", "waits", "mine", "all"}, show) {
		show = ""
	}
	list, more, err := p.Approvals.List(ctx, by(c), strings.TrimSuffix(show, "all"), query.Get("after"))
	if err != nil {
		return err
	}
	if show == "" && query.Get("after") == "" { // what waits comes first; without any, all
		waits, follow, err := p.Approvals.List(ctx, by(c), "waits", "")
		if err != nil {
			return err
		}
		if show = "all"; len(waits) > 0 {
			list, more, show = waits, follow, "waits"
		}
	}
	names, err := p.names(ctx, c, func(add func(...string)) {
		for _, one := range list {
			add(one.Author)
		}
	})
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("approval.title"), "approvals")
	return page.Render(c, http.StatusOK, listPage(buildList(v, list, names, show, more, manager(c), layout)))
}

func (p *Pages) names(ctx context.Context, c echo.Context, each func(add func(...string))) (map[string]string, error) {
	var ids []string
	each(func(more ...string) {
		for _, id := range more {
			if id != "" {
				ids = append(ids, id)
			}
		}
	})
	slices.Sort(ids)
	return p.Customers.Names(ctx, by(c), slices.Compact(ids))
}

// New is the form of a new paper.
func (p *Pages) New(c echo.Context) error {
	return p.write(c, http.StatusOK, approval.Paper{}, asked{})
}

func (p *Pages) write(c echo.Context, status int, paper approval.Paper, a asked) error {
	v := page.Of(c)
	title := v.Locale.T("approval.new")
	if paper.ID != "" {
		title = v.Locale.T("approval.edit")
	}
	layout := console.Layout(p.Kit, c, title, "approvals")
	layout.Path, layout.Errors = Path+"/new", a.fault != nil
	if paper.ID != "" {
		layout.Path = paperURL(paper.ID) + "/edit"
	}
	return page.Render(c, status, writePage(buildWrite(v, paper, a, layout)))
}

var written = []page.Input{
	page.Line("version", 9), page.Line("kind", 20), page.Line("title", 200), page.Text("body", 30_000), page.Line("budget", 24), page.Line("currency", 3),
}

func wordsOf(f page.Form) approval.Words {
	return approval.Words{Kind: f.Get("kind"), Title: f.Get("title"), Body: f.Get("body"), Budget: f.Get("budget"), Currency: f.Get("currency")}
}

// Create saves a new paper.
func (p *Pages) Create(c echo.Context) error {
	form, err := page.ReadForm(c, written...)
	id := ""
	if err == nil {
		id, err = p.Approvals.Create(c.Request().Context(), by(c), wordsOf(form))
	}
	switch {
	case err == nil:
		return p.Flash(c, paperURL(id), "ok", "flash.paper_saved")
	case len(fields(err)) == 0:
		return err
	}
	return p.write(c, http.StatusUnprocessableEntity, approval.Paper{}, asked{form, "write", err})
}

// ShowEdit is the form of a paper's words.
func (p *Pages) ShowEdit(c echo.Context) error {
	d, err := p.Approvals.Show(c.Request().Context(), by(c), c.Param("id"))
	if err != nil {
		return err
	}
	return p.write(c, http.StatusOK, d.Paper, asked{})
}

// Edit saves a paper's words.
func (p *Pages) Edit(c echo.Context) error {
	ctx, id := c.Request().Context(), c.Param("id")
	form, err := page.ReadForm(c, written...)
	if err == nil {
		err = p.Approvals.Edit(ctx, by(c), id, number(form.Get("version")), wordsOf(form))
	}
	switch {
	case err == nil:
		return p.Flash(c, paperURL(id), "ok", "flash.paper_saved")
	case len(fields(err)) == 0:
		return err
	}
	d, again := p.Approvals.Show(ctx, by(c), id)
	if again != nil {
		return again
	}
	return p.write(c, http.StatusUnprocessableEntity, d.Paper, asked{form, "write", err})
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1 // no paper has it, so that the act is refused as made upon another version
	}
	return n
}

// ShowPaper is one paper: its words, its path, and what the reader may do.
func (p *Pages) ShowPaper(c echo.Context) error { return p.showPaper(c, http.StatusOK, asked{}) }

func (p *Pages) showPaper(c echo.Context, status int, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("path", 40))
	if err != nil {
		return err
	}
	d, err := p.read(c)
	if err != nil {
		return err
	}
	if d.paths, _, err = p.Approvals.Paths(ctx, by(c)); err != nil {
		return err
	}
	if d.people, err = p.Plans.Colleagues(ctx, by(c)); err != nil {
		return err
	}
	d.asked, d.path = a, query.Get("path")
	if a.what == "submit" {
		d.path = a.form.Get("path")
	}
	layout := console.Layout(p.Kit, c, d.Paper.Title, "approvals")
	layout.Path = paperURL(d.Paper.ID) // also after a POST
	return page.Render(c, status, paperPage(buildPaper(v, d, layout)))
}

// desk is what was read for a page about a paper.
type desk struct {
	approval.Desk
	me      string
	manager bool
	names   map[string]string
	people  []governance.Colleague
	paths   []approval.Path
	path    string // chosen to submit it on
	asked   asked
}

func (p *Pages) read(c echo.Context) (d desk, err error) {
	ctx := c.Request().Context()
	d.me, d.manager = by(c), manager(c)
	if d.Desk, err = p.Approvals.Show(ctx, d.me, c.Param("id")); err != nil {
		return d, err
	}
	d.names, err = p.names(ctx, c, func(add func(...string)) {
		add(d.Paper.Author, d.Paper.ChangedBy)
		for _, r := range d.Rounds {
			add(r.SubmittedBy)
			for _, stop := range r.Stops {
				for _, seat := range stop.Seats {
					add(seat.Who, seat.By)
					add(seat.StandIns...)
				}
			}
		}
		for _, t := range d.Talks {
			add(t.By)
		}
	})
	return d, err
}

// ShowRecord is the written record of a paper, on paper as well.
func (p *Pages) ShowRecord(c echo.Context) error {
	d, err := p.read(c)
	if err != nil {
		return err
	}
	layout := p.AsPaper(c, console.Layout(p.Kit, c, page.Of(c).Locale.T("approval.record"), "approvals"))
	return page.Render(c, http.StatusOK, recordPage(buildRecord(page.Of(c), d, layout)))
}

// Submit puts a paper to those who decide.
func (p *Pages) Submit(c echo.Context) error {
	inputs := []page.Input{page.Line("version", 9), page.Line("path", 40)}
	paths, _, err := p.Approvals.Paths(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	for _, key := range nodeKeys(paths) {
		inputs = append(inputs, page.Choices("node-"+key, 50))
	}
	form, err := page.ReadForm(c, inputs...)
	if err == nil {
		chosen := map[string][]string{}
		for _, key := range nodeKeys(paths) {
			if list := form.All("node-" + key); len(list) > 0 {
				chosen[key] = list
			}
		}
		err = p.Approvals.Submit(c.Request().Context(), by(c), c.Param("id"), number(form.Get("version")), form.Get("path"), chosen)
	}
	return p.done(c, err, asked{form, "submit", err}, "flash.paper_submitted")
}

// nodeKeys are the keys of the nodes of paths that ask chosen people.
func nodeKeys(paths []approval.Path) (keys []string) {
	for _, path := range paths {
		for _, n := range path.Nodes() {
			if n.Chosen && !slices.Contains(keys, n.Key) {
				keys = append(keys, n.Key)
			}
		}
	}
	return keys
}

// Decide approves a paper or sends it back.
func (p *Pages) Decide(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("node", 40), page.Line("seat", 64), page.Line("hash", 64), page.Line("decision", 9), page.Text("words", 2000))
	if err == nil {
		err = p.Approvals.Decide(c.Request().Context(), by(c), c.Param("id"), approval.Decision{
			Node: form.Get("node"), Seat: form.Get("seat"), Hash: form.Get("hash"), Approve: form.Get("decision") == "approve", Words: form.Get("words"),
		})
	}
	return p.done(c, err, asked{form, "decide", err}, "flash.paper_decided")
}

// Withdraw takes a paper back.
func (p *Pages) Withdraw(c echo.Context) error {
	_, err := page.ReadForm(c)
	if err == nil {
		err = p.Approvals.Withdraw(c.Request().Context(), by(c), c.Param("id"))
	}
	return p.done(c, err, asked{}, "flash.paper_withdrawn")
}

// Discuss notes a talk.
func (p *Pages) Discuss(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("whom", 200), page.Line("concern", 20), page.Text("said", 2000), page.Text("agreed", 2000), page.Text("unsolved", 2000))
	if err == nil {
		err = p.Approvals.Discuss(c.Request().Context(), by(c), c.Param("id"), approval.Talk{
			Whom: form.Get("whom"), Concern: form.Get("concern"), Said: form.Get("said"), Agreed: form.Get("agreed"), Unsolved: form.Get("unsolved"),
		})
	}
	return p.done(c, err, asked{form, "talk", err}, "flash.talk_noted")
}

// Replace puts a colleague in another one's place.
func (p *Pages) Replace(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("from", 120), page.Line("to", 64))
	if err == nil {
		node, from, _ := strings.Cut(form.Get("from"), "/")
		err = p.Approvals.Replace(c.Request().Context(), by(c), c.Param("id"), node, from, form.Get("to"))
	}
	return p.done(c, err, asked{form, "replace", err}, "flash.paper_replaced")
}

// done leads back to the paper, with the form as it was written where it was refused.
func (p *Pages) done(c echo.Context, err error, a asked, said string) error {
	switch {
	case err == nil:
		return p.Flash(c, paperURL(c.Param("id")), "ok", said)
	case len(fields(err)) == 0:
		return err
	}
	return p.showPaper(c, http.StatusUnprocessableEntity, a)
}

// ShowDelegates is who decides for whom.
func (p *Pages) ShowDelegates(c echo.Context) error {
	return p.showDelegates(c, http.StatusOK, asked{})
}

func (p *Pages) showDelegates(c echo.Context, status int, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	list, err := p.Approvals.Delegations(ctx, by(c))
	if err != nil {
		return err
	}
	people, err := p.Plans.Colleagues(ctx, by(c))
	if err != nil {
		return err
	}
	names, err := p.names(ctx, c, func(add func(...string)) {
		for _, d := range list {
			add(d.Principal, d.Delegate)
		}
	})
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("approval.delegates"), "approvals")
	layout.Path = DelegatesPath
	return page.Render(c, status, delegatesPage(buildDelegates(v, list, people, names, by(c), a, layout)))
}

// Delegate names who decides for the reader.
func (p *Pages) Delegate(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("to", 64), page.Line("first", 10), page.Line("last", 10), page.Line("reason", 500))
	if err == nil {
		err = p.Approvals.Delegate(c.Request().Context(), by(c), form.Get("to"), form.Get("first"), form.Get("last"), form.Get("reason"))
	}
	switch {
	case err == nil:
		return p.Flash(c, DelegatesPath, "ok", "flash.delegated")
	case len(fields(err)) == 0:
		return err
	}
	return p.showDelegates(c, http.StatusUnprocessableEntity, asked{form, "delegate", err})
}

// EndDelegation takes a delegation back.
func (p *Pages) EndDelegation(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Approvals.EndDelegation(c.Request().Context(), by(c), c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, DelegatesPath, "ok", "flash.delegation_ended")
}

// ShowPaths is the paths that papers can take.
func (p *Pages) ShowPaths(c echo.Context) error { return p.showPaths(c, http.StatusOK, "", nil) }

func (p *Pages) showPaths(c echo.Context, status int, source string, refused migration.Findings) error {
	v := page.Of(c)
	list, sources, err := p.Approvals.Paths(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("approval.paths"), "approvals")
	layout.Path, layout.Errors = PathsPath, len(refused) > 0
	return page.Render(c, status, pathsPage(buildPaths(v, list, sources, source, refused, manager(c), layout)))
}

// AddPath adds a path of the company.
func (p *Pages) AddPath(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("source", 20_000))
	if err != nil {
		return err
	}
	err = p.Approvals.AddPath(c.Request().Context(), by(c), form.Get("source"))
	if found := migration.FindingsOf(err); len(found) > 0 {
		return p.showPaths(c, http.StatusUnprocessableEntity, form.Get("source"), found)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, PathsPath, "ok", "flash.path_added")
}

// named is a person's name, or their id where it is not known.
func named(names map[string]string, id string) string {
	if names[id] != "" {
		return names[id]
	}
	return id
}

var tones = map[string]ui.Tone{
	approval.Draft: console.Over, approval.Open: console.Ours, approval.Approved: console.Done, approval.SentBack: console.Problem,
	approval.Void: console.Problem, approval.Withdrawn: console.Over, approval.Stale: console.Problem,
	approval.Waiting: console.Theirs, approval.Skipped: console.Over, approval.Over: console.Over,
	approval.Asked: console.Ours, approval.Replaced: console.Over,
}
