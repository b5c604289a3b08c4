package portal_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/portal"
)

var update = flag.Bool("update", false, "write the access table anew")

// principals are the columns of the access table.
var principals = []string{
	"anonymous", "owner", "member", "other", "disabled",
	"support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor", "operator",
}

var accessOf = map[string]portal.Access{
	"anonymous": portal.Anonymous, "disabled": portal.Anonymous, "owner": portal.Owner, "other": portal.Owner, "member": portal.Member,
	"support": portal.Support, "finance_clerk": portal.FinanceClerk, "finance_approver": portal.FinanceApprover,
	"finance_releaser": portal.FinanceReleaser, "programme_manager": portal.ProgrammeManager, "auditor": portal.Auditor, "operator": portal.Operator,
}

// samples stand for the variable parts of addresses.
var samples = strings.NewReplacer(":locale", "en", ":tag", "zh-CN", ":value", "dark", ":token", "x.ics", ":place", "plan", ":file", "x.css", ":id", "x", ":key", "heguang", ":currency", "CNY", ":ref", "RF-2026-000001", ":line", "x", ":kind", "staff", ":plan", "light", ":phase", "approve", ":fact", "words", ":report", "reach", ":week", "2026-11-09", "*", "img/icon.svg")

// TestZ01_AccessTable asks every route as everyone and compares what happens with the table in testdata. A route that is
// not in the table fails. Run with -update after a deliberate change, and read the difference.
func TestZ01_AccessTable(t *testing.T) {
	w := newWorld(t)
	w.offer()
	var table strings.Builder
	for _, r := range w.server.Routes() {
		fmt.Fprintf(&table, "%s %s\n", r.Method, r.Path)
		var outcomes []string
		whose := map[string][]string{}
		for _, who := range principals {
			w.exec(`UPDATE session SET ended_at = NULL`)
			a := w.request(who, r)
			outcome := strings.TrimSpace(fmt.Sprint(a.status, " ", a.location))
			if whose[outcome] == nil {
				outcomes = append(outcomes, outcome)
			}
			whose[outcome] = append(whose[outcome], who)
			if allowed := accessOf[who]&r.Access != 0; !allowed && a.status < 303 {
				t.Errorf("%s %s answers %s with %d", r.Method, r.Path, who, a.status)
			} else if allowed && strings.Contains(a.location, "/sign-in?return_to") {
				t.Errorf("%s %s turns %s away", r.Method, r.Path, who)
			}
		}
		for _, outcome := range outcomes {
			fmt.Fprintf(&table, "    %-40s %s\n", outcome, strings.Join(whose[outcome], " "))
		}
	}
	const file = "testdata/access.golden"
	if *update {
		if err := os.WriteFile(file, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table.String()); diff != "" {
		t.Error("the access table differs (-table +server):\n" + diff)
	}
}

func (w *world) request(who string, r portal.Route) answer {
	w.Helper()
	path := samples.Replace(r.Path)
	switch r.Method {
	case "POST":
		return w.post(who, path, url.Values{})
	case "PUT", "PATCH": // River's pages
		return w.do(who, r.Method, strings.Replace(path, "img/icon.svg", "api/queues/none/pause", 1), "", http.Header{"Sec-Fetch-Site": {"same-origin"}})
	}
	return w.do(who, r.Method, path, "", nil)
}

// stateSum is a checksum of every table, but for when sessions were last seen.
func (w *world) stateSum() string {
	w.Helper()
	const sql = `SELECT string_agg(md5(query_to_xml(format('SELECT * FROM %I.%I t ORDER BY t::text', schemaname, tablename), true, false, '')::text), ' ' ORDER BY tablename)
		FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'session'`
	const sessions = `SELECT coalesce(md5(string_agg(id || token_hash || coalesce(ended_at::text, ''), ' ' ORDER BY id)), '') FROM session`
	var tables, session string
	super := w.super.Super(w.T)
	if err := super.QueryRow(w.Context(), sql).Scan(&tables); err != nil {
		w.Fatal(err)
	}
	if err := super.QueryRow(w.Context(), sessions).Scan(&session); err != nil {
		w.Fatal(err)
	}
	return tables + session
}

func TestA10_NoGetChangesState(t *testing.T) {
	w := newWorld(t)
	w.offer()
	before := w.stateSum()
	for _, r := range w.server.Routes() {
		if r.Method != "GET" {
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			w.do("owner", method, samples.Replace(r.Path), "", nil)
		}
		if w.stateSum() != before {
			t.Fatalf("GET %s changed something", r.Path)
		}
	}
	w.post("owner", "/plan/dates", nil)
	if w.stateSum() == before {
		t.Fatal("the checksum sees no change")
	}
}

func TestA10_FormsOfOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.offer()
	before := w.stateSum()
	for _, r := range w.server.Routes() {
		if r.Method != "POST" {
			continue
		}
		for _, header := range []map[string][]string{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		} {
			h := map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}
			for k, v := range header {
				h[k] = v
			}
			if a := w.do("owner", "POST", samples.Replace(r.Path), "", h); a.status != 403 {
				t.Errorf("%s with %v: %d", r.Path, header, a.status)
			}
		}
	}
	if w.stateSum() != before {
		t.Error("a refused form changed something")
	}
}
