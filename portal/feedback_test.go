package portal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"offramp/migration"
)

const feedbackToken = "QWERTYUIOPASDFGHJKLZXCVBNM"

// surveyed has the programme ask for feedback, and the owner be asked by feedbackToken.
func (w *world) surveyed(anonymous bool) {
	w.Helper()
	p := *w.programme.p
	p.Feedback = &migration.Feedback{Anonymous: anonymous, CalmDays: 7, EndDays: 30}
	w.programme.p = &p
	sum := sha256.Sum256([]byte(feedbackToken))
	w.exec(`INSERT INTO feedback_invitation (contact_id, customer_id, token_hash, anonymous, mail_id, state, invited_at) VALUES ($1, $2, $3, $4, 'm', 'accepted', $5)`,
		w.ids["owner"], w.ids["a"], hex.EncodeToString(sum[:]), anonymous, day)
}

func TestK02_LookingAtALinkRecordsNothing(t *testing.T) {
	w := newWorld(t)
	w.surveyed(true)
	before := w.stateSum()
	at := "/feedback/" + feedbackToken
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{at, at + "?score=9", at + "?page=1", at + "?page=9", at + "?page=99&score=x"} {
			if a := w.do("", method, path, "", nil); a.status != 200 {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
		}
	}
	if w.stateSum() != before {
		t.Error("a look at the form recorded something")
	}
	body := w.do("", "GET", at+"?score=9", "", nil).body
	if !strings.Contains(body, `value="9" checked`) || !strings.Contains(body, "Question 1 of 8") {
		t.Errorf("the score of the link is not chosen: %s", body)
	}
	if a := w.do("", "GET", "/feedback/WRONG", "", nil); a.status != 404 || !strings.Contains(a.body, "This link does not work") {
		t.Errorf("a wrong link: %d %s", a.status, a.body)
	}
}

func TestK01_AFormIsFilledPageByPageAndSentOnce(t *testing.T) {
	w := newWorld(t)
	w.surveyed(false)
	at := "/feedback/" + feedbackToken
	save := func(page int, answer string, status int) answer {
		t.Helper()
		return w.sent("", at, url.Values{"page": {fmt.Sprint(page)}, "answer": {answer}}, status)
	}
	w.shows("", at, "not anonymous", "There are 8 questions", "do not forward it", "Start", `href="`+at+`?page=1"`)
	w.sent("", at, url.Values{"go": {"send"}, "page": {"9"}}, 422)
	a := save(1, "11", 422)
	if !strings.Contains(a.body, "Choose a number from 0 to 10.") || !strings.Contains(a.body, `id="answer-error"`) {
		t.Error("no word beside the field about a score of 11")
	}
	if a := save(1, "9", 303); a.location != at+"?page=2" {
		t.Errorf("after page 1: %s", a.location)
	}
	if a := save(2, strings.Repeat("长", 4001), 422); !strings.Contains(a.body, `id="answer-error"`) || !strings.Contains(a.body, "长长长") {
		t.Error("what was too long is lost, or not said")
	}
	save(2, "=It was <b>there</b>.", 303)
	w.shows("", at, "Continue where you stopped", `href="`+at+`?page=3"`)
	w.shows("", at+"?page=9", "Check your answers", "=It was &lt;b&gt;there&lt;/b&gt;.", "Skipped")
	w.sent("", at, url.Values{"go": {"send"}, "page": {"9"}}, 303)
	w.shows("", at, "Thank you", "These are the answers that were sent.", "&lt;b&gt;there")
	if a := save(2, "again", 200); !strings.Contains(a.body, "This form was sent") {
		t.Error("another tab is not told that the form was sent")
	}
	if n := w.count(`SELECT count(*) FROM feedback_answer`); n != 1 {
		t.Errorf("%d answers", n)
	}
}

func TestK06_ResultsSayHowFarTheyCanBeTrusted(t *testing.T) {
	w := newWorld(t)
	w.shows("programme_manager", "/console/feedback", "No survey")
	w.surveyed(true)
	w.shows("programme_manager", "/console/feedback", "Fewer than 5 people have answered")
	w.shows("programme_manager", "/console/feedback/waiting", "Has not moved yet", "HZ-20418")
	w.hides(w.shows("programme_manager", "/console/feedback/waiting?why=moving"), "Lin owner")
	w.shows("programme_manager", "/console/feedback/waiting?why=help", "Nobody here")
	answers := func(n int) {
		w.exec(`INSERT INTO feedback_answer (anonymous, locale, content, shown)
			SELECT true, 'en', jsonb_build_object('recommend', (ARRAY['0','7','9','10'])[1 + i % 4], 'advice', '=cmd ' || i), true FROM generate_series(1, $1) i`, n)
	}
	answers(20)
	body := w.shows("programme_manager", "/console/feedback", "n = 20", "Promoters (9 and 10)", "50.0%", "29.9% to 70.1%", "There is no overall score below 30 answers", "=cmd 1")
	w.hides(body, "Net Promoter Score")
	answers(20)
	w.shows("programme_manager", "/console/feedback", "n = 40", "Net Promoter Score", "+25", "-1 to +51")
	csv := w.shows("programme_manager", "/console/feedback.csv", "Net Promoter Score", "'=cmd 1")
	w.hides(csv, "\r\n=cmd", ",=cmd")
	f, err := excelize.OpenReader(bytes.NewReader([]byte(w.get("programme_manager", "/console/feedback.xlsx").body)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows("Sheet1")
	if err != nil || len(rows) != strings.Count(csv, "\r\n") {
		t.Errorf("the workbook has %d lines, the CSV file %d, %v", len(rows), strings.Count(csv, "\r\n"), err)
	}
	w.exec(`UPDATE identity SET locale = 'zh-CN' WHERE id = 'identity-programme_manager'`)
	if a := w.get("support", "/console/feedback"); a.status == 200 {
		t.Error("support reads the results")
	}
}
