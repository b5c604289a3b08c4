package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/internal/db"
)

func TestA08_StaffConfirmWhoTheyAreBeforeMoneyMoves(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	asked := 0
	for _, r := range w.server.Routes() {
		if !r.Recent {
			continue
		}
		asked++
		who, path := visitorOf(r.Access), strings.NewReplacer(":id", "1", ":ref", "RF-10001", ":line", "1", ":kind", "staff", ":plan", "light", ":phase", "approve").Replace(r.Path)
		ask := func() answer { return w.do(who, r.Method, path, "", http.Header{"Referer": {w.url + "/console"}}) }
		w.confirmed(who, now.Add(-11*time.Minute))
		a := ask()
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "Confirm that it is you") || !strings.Contains(a.body, "/staff/sign-in/start?fresh=1&amp;return_to=%2Fconsole") {
			t.Errorf("%s %s with old credentials: %d", r.Method, path, a.status)
		}
		w.confirmed(who, now.Add(-9*time.Minute))
		if a := ask(); strings.Contains(a.body, "Confirm that it is you") {
			t.Errorf("%s %s with fresh credentials: %d", r.Method, path, a.status)
		}
	}
	if asked < 11 {
		t.Errorf("only %d routes ask", asked)
	}
}

// What was typed stands on the page that asks for credentials and nowhere else: the switches of language and theme, which would lose it,
// are not on that page.
func TestWhatIsKeptForLaterIsNotLostToASwitch(t *testing.T) {
	w := newPrepaid(t)
	path := queue + "/" + w.asked("owner") + "/review"
	w.confirmed("finance_clerk", w.clock.Now().Add(-11*time.Minute))
	for sent, switches := range map[string]bool{"version=1&text=A+long+reason": false, "": true} {
		a := w.do("finance_clerk", "POST", path, sent, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Referer": {w.url + "/console"}})
		if a.status != http.StatusForbidden || strings.Contains(a.body, `value="A long reason"`) == switches {
			t.Errorf("with %q: %d\n%s", sent, a.status, a.body)
		}
		for _, action := range []string{`action="/language/`, `action="/theme/`} {
			if strings.Contains(a.body, action) != switches {
				t.Errorf("with %q: %s is there: %t", sent, action, !switches)
			}
		}
	}
}

func TestOperatorsCannotTouchPayoutJobs(t *testing.T) {
	w := newWorld(t)
	var pay, other string
	w.tx(func(tx *db.Tx) error {
		add := func(queue string) (id string, err error) {
			err = tx.Pgx.QueryRow(t.Context(), `INSERT INTO river_job (kind, args, queue, state, max_attempts, finalized_at, scheduled_at)
				VALUES ('test', '{}', $1, 'cancelled', 3, now(), now()) RETURNING id::text`, queue).Scan(&id)
			return id, err
		}
		var err error
		if pay, err = add("payout"); err != nil {
			return err
		}
		other, err = add("default")
		return err
	})
	change := func(act, ids string) answer {
		return w.do("operator", "POST", "/console/ops/jobs/api/jobs/"+act, `{"ids":[`+ids+`]}`, http.Header{"Content-Type": {"application/json"}})
	}
	for _, act := range []string{"retry", "cancel", "delete"} {
		for _, ids := range []string{pay, other + "," + pay, `"` + pay + `"`} {
			if a := change(act, ids); a.status != http.StatusForbidden {
				t.Errorf("%s %s: %d", act, ids, a.status)
			}
		}
	}
	for _, body := range []string{`{"ids":[` + pay + `]} x`, `{"ids":[` + pay + `],}`, `{"ids":"` + pay + `"}`, `[` + pay + `]`} { // what River could read otherwise than we do
		if a := w.do("operator", "POST", "/console/ops/jobs/api/jobs/retry", body, http.Header{"Content-Type": {"application/json"}}); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", body, a.status)
		}
	}
	for _, path := range []string{"payout/pause", "payout/resume", "payout"} {
		method := map[bool]string{true: "PUT", false: "PATCH"}[strings.Contains(path, "/")]
		if a := w.do("operator", method, "/console/ops/jobs/api/queues/"+path, `{}`, http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}); a.status != http.StatusForbidden {
			t.Errorf("%s %s: %d", method, path, a.status)
		}
	}
	if a := change("retry", other); a.status != http.StatusOK {
		t.Errorf("another queue's job: %d %s", a.status, a.body)
	}
	if a := w.post("operator", "/console/ops/jobs/api/jobs/retry", url.Values{}); a.status >= 500 {
		t.Errorf("no body: %d", a.status)
	}
}
