package briefing_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/briefing"
)

const boats = `programme: boats
product: {name: {en: Boats, zh-CN: 小船}, company: {en: Boat Works, zh-CN: 船厂}, kind: business}
locales: [en, zh-CN]
zone: Asia/Shanghai
thanks: {en: Thank you., zh-CN: 谢谢。}
reason: {en: We stop., zh-CN: 我们停止。}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - {key: service_end, day: 2027-01-31}
  - {key: export_deadline, day: 2027-03-02}
tiers:
  - {key: core, name: {en: Core, zh-CN: 核心}, core: true, spoken_to: 2026-05-20, rule: 'ref.startsWith("K-")'}
  - {key: standard, name: {en: Standard, zh-CN: 标准}, rule: "true"}
datasets:
  - {key: boats, name: {en: Boats, zh-CN: 小船}, source: product, query: "select :customer_id::text as id", row_key: id}
help: {email: help@boats.example}
notices:
  briefing:
    audience: [support, programme_manager]
    voice:
      why: {en: We build ferries now., zh-CN: 我们改造渡轮。}
      say: {en: "Until {date:service_end}.", zh-CN: "到{date:service_end}。"}
      never: {en: Perhaps., zh-CN: 也许。}
    questions:
      - topic: {en: Data, zh-CN: 数据}
        question: {en: Is my data safe?, zh-CN: 数据安全吗？}
        answer: {en: Yes., zh-CN: 安全。}
    role_play:
      - title: {en: An angry captain, zh-CN: 愤怒的船长}
        situation: {en: Rings at night., zh-CN: 半夜来电。}
        customer: {en: My boat!, zh-CN: 我的船！}
        say: {en: Let us look., zh-CN: 我们一起看。}
        never: {en: Not my job., zh-CN: 不归我管。}
  list:
    - key: talk
      kind: personal
      on: {milestone: announcement, days: [-11]}
      words: [{script: {en: Talk., zh-CN: 沟通。}}]
    - key: announcement
      kind: public
      on: {milestone: announcement}
      channels: [email]
      words:
        - title: {en: "{product} closes on {date:service_end}", zh-CN: "{product}将于{date:service_end}停止服务"}
          opening: {en: "{thanks} {reason}", zh-CN: "{thanks}{reason}"}
          next: {en: "[Plan]({link:plan}).", zh-CN: "[计划]({link:plan})。"}
`

// yard is a programme with a briefing, two customers, and staff: ann and max manage, sue and sam are support, and otto runs machines.
type yard struct {
	*testing.T
	database   localtest.TestDatabase
	db         *db.DB
	clock      *clock.Manual
	programmes *migration.Programmes
	notices    *notice.Service
	briefing   *briefing.Service
	post       *box
}

// box is a mail server that keeps what it takes.
type box struct{ got []mail.Envelope }

func (b *box) Hand(_ context.Context, e mail.Envelope) mail.Result {
	b.got = append(b.got, e)
	return mail.Result{State: mail.Accepted}
}

func open(t *testing.T) *yard {
	t.Helper()
	t.Parallel()
	y := &yard{T: t, clock: clock.NewManual(time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)), database: localtest.Database(t), post: &box{}}
	y.db = y.database.Open(t, db.Options{Clock: y.clock})
	y.programmes = migration.NewProgrammes(y.db)
	y.notices = notice.NewService(y.db, y.programmes, "https://moving.example", report.Seals{})
	y.briefing = briefing.New(y.db, y.programmes)
	y.staff("ann", "programme_manager", "")
	y.staff("max", "programme_manager", "")
	y.staff("sue", "support", "zh-CN")
	y.staff("sam", "support", "en")
	y.staff("otto", "operator", "")
	y.exec(`UPDATE identity SET email = '' WHERE id = 'sam'`)
	y.apply(boats)
	rows := migration.CSVRows(strings.NewReader("ref,name,email,contact_name,zone,locale\nK-1,K,k@customer.example,K,Asia/Shanghai,en\nA-1,A,a@customer.example,A,Asia/Shanghai,en\n"))
	if r, err := migration.NewImporter(y.db, y.programmes).Import(t.Context(), migration.Actor{ID: "op", Kind: audit.Operator}, rows, migration.ImportOptions{}); err != nil {
		t.Fatalf("%v %+v", err, r)
	}
	for _, n := range y.active().Notices.List {
		_, hash := notice.ContentOf(y.active(), n)
		if err := y.notices.Approve(t.Context(), "max", n.Key, hash); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

func (y *yard) exec(sql string, args ...any) {
	y.Helper()
	if _, err := y.database.Super(y.T).Exec(y.Context(), sql, args...); err != nil {
		y.Fatal(err)
	}
}

func (y *yard) text(sql string, args ...any) (s string) {
	y.Helper()
	if err := y.database.Super(y.T).QueryRow(y.Context(), sql, args...).Scan(&s); err != nil {
		y.Fatal(err)
	}
	return s
}

func (y *yard) staff(id, role, tag string) {
	y.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, locale, created_at, signed_in_at)
		VALUES ($1, 'staff', 'i', $1, initcap($1), $1 || '@boats.example', ARRAY[$2], $3, '2026-05-01T02:00Z', '2026-05-01T02:00Z')`, id, role, tag)
}

func (y *yard) apply(src string) {
	y.Helper()
	p, err := y.programmes.Propose(y.Context(), migration.Actor{ID: "ann", Kind: audit.Operator}, []byte(src))
	if err != nil {
		y.Fatal(migration.FindingsOf(err), err)
	}
	if _, err := y.programmes.ApproveFor(y.Context(), migration.Actor{ID: "op", Kind: audit.Operator}, p.Version.Number, "asked by the board"); err != nil {
		y.Fatal(err)
	}
	y.clock.Advance(time.Minute)
}

func (y *yard) active() *migration.Programme {
	y.Helper()
	p, err := y.programmes.Active(y.Context())
	if err != nil {
		y.Fatal(err)
	}
	return p
}

func (y *yard) hash() string {
	_, hash := briefing.ContentOf(y.active())
	return hash
}

// held plans, and says what keeps each notice and how many are waited for.
func (y *yard) held(want string) {
	y.Helper()
	list, err := y.notices.Plan(y.Context())
	if err != nil {
		y.Fatal(err)
	}
	var got []string
	for _, one := range list {
		got = append(got, one.Notice+" "+one.Held+" "+string(rune('0'+one.Open)))
	}
	if strings.Join(got, ", ") != want {
		y.Errorf("held: %s\nwant: %s", strings.Join(got, ", "), want)
	}
}

func (y *yard) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// TestN07_TalksAndThePublicNoticeWaitForTheBriefing goes from a briefing that nobody approved to one that everybody has read, and changes
// its words.
func TestN07_TalksAndThePublicNoticeWaitForTheBriefing(t *testing.T) {
	y := open(t)
	y.held("talk briefing 0, announcement briefing 0")
	if err := y.briefing.Acknowledge(t.Context(), "sue", "en", y.hash()); !errors.Is(err, briefing.ErrUnapproved) {
		t.Errorf("words that nobody approved are acknowledged: %v", err)
	}
	if err := y.briefing.Approve(t.Context(), "ann", y.hash()); !errors.Is(err, briefing.ErrSamePerson) {
		t.Errorf("the author approves: %v", err)
	}
	if err := y.briefing.Approve(t.Context(), "max", strings.Repeat("0", 64)); !errors.Is(err, briefing.ErrChanged) {
		t.Errorf("words that nobody saw are approved: %v", err)
	}
	y.must(y.briefing.Approve(t.Context(), "max", y.hash()))
	if err := y.briefing.Approve(t.Context(), "max", y.hash()); !errors.Is(err, briefing.ErrApproved) {
		t.Errorf("twice: %v", err)
	}
	y.held("talk briefing 4, announcement briefing 4") // the operator need not
	for _, who := range []string{"ann", "max", "sue", "sue", "otto"} {
		y.must(y.briefing.Acknowledge(t.Context(), who, "zh-CN", y.hash()))
	}
	y.held("talk briefing 1, announcement briefing 1")
	y.exec(`UPDATE identity SET state = 'disabled' WHERE id = 'sam'`)
	y.held("talk  0, announcement talks 1") // who was disabled is waited for no longer
	y.exec(`UPDATE identity SET state = 'active' WHERE id = 'sam'`)
	y.held("talk briefing 1, announcement briefing 1")
	y.must(y.briefing.Acknowledge(t.Context(), "sam", "en", y.hash()))

	// An edit voids the approval and what was read; a date that moves does not.
	y.apply(strings.Replace(boats, "export_deadline, day: 2027-03-02", "export_deadline, day: 2027-03-09", 1))
	y.held("talk  0, announcement talks 1")
	y.apply(strings.Replace(boats, "answer: {en: Yes., ", "answer: {en: Always., ", 1))
	st, err := y.briefing.State(t.Context(), "max")
	y.must(err)
	if st.Approved || st.Unread != 4 || st.MineAt != nil || len(st.Readers) != 4 {
		t.Errorf("after an edit: %+v", st)
	}
	changes := notice.Differences(st.Last, st.Content)
	if len(changes) != 1 || changes[0].Path != "Briefing.Questions.Is my data safe?.Answer.en" {
		t.Errorf("the difference to what was approved: %+v", changes)
	}
	y.must(y.briefing.Approve(t.Context(), "max", y.hash()))
	if st, err := y.briefing.State(t.Context(), "sue"); err != nil || st.Unread != 4 || st.MineAt != nil {
		t.Errorf("what was said of other words counts: %+v %v", st, err)
	}
	if got := y.text(`SELECT string_agg(act, ' ' ORDER BY seq) FROM audit WHERE act LIKE 'briefing.%'`); got != "briefing.approve briefing.read briefing.read briefing.read briefing.read briefing.read briefing.read briefing.approve" {
		t.Errorf("recorded: %s", got)
	}

	// Once the public notice has gone out, nothing waits: customers who are left are told.
	y.exec(`INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, next_at, planned_at, sent_at)
		SELECT 'm', id, 'announcement', 0, '2026-06-01', now(), 'h', 'sent', now(), now(), now() FROM customer WHERE ref = 'A-1'`)
	y.held("talk  0, announcement talks 1")
}

// TestN07_OnlyTwoManagersWaiveTheBriefing has one person ask, another confirm, and an edit end it.
func TestN07_OnlyTwoManagersWaiveTheBriefing(t *testing.T) {
	y := open(t)
	for reason, key := range map[string]string{" ": "reach.no_reason", strings.Repeat("x", 501): "reach.long_reason"} {
		if err := y.briefing.AskWaiver(t.Context(), "ann", reason); !errors.Is(err, briefing.ErrNoReason) || !strings.Contains(err.Error(), "reason") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := y.briefing.ConfirmWaiver(t.Context(), "max"); !errors.Is(err, briefing.ErrNoWaiver) {
		t.Errorf("nobody asks: %v", err)
	}
	y.must(y.briefing.AskWaiver(t.Context(), "ann", "The press knows."))
	y.held("talk briefing 0, announcement briefing 0")
	if err := y.briefing.ConfirmWaiver(t.Context(), "ann"); !errors.Is(err, briefing.ErrSameWaiver) {
		t.Errorf("one person alone: %v", err)
	}
	y.must(y.briefing.RefuseWaiver(t.Context(), "max"))
	y.must(y.briefing.AskWaiver(t.Context(), "ann", "The press knows."))
	y.must(y.briefing.ConfirmWaiver(t.Context(), "max"))
	y.held("talk  0, announcement talks 1")
	if err := y.briefing.AskWaiver(t.Context(), "max", "Once more."); !errors.Is(err, briefing.ErrWaived) {
		t.Errorf("a waiver that counts is asked for: %v", err)
	}
	if err := y.briefing.RefuseWaiver(t.Context(), "ann"); !errors.Is(err, briefing.ErrNoWaiver) {
		t.Errorf("a waiver that counts is taken away: %v", err)
	}
	y.apply(strings.Replace(boats, "answer: {en: Yes., ", "answer: {en: Always., ", 1))
	y.held("talk briefing 0, announcement briefing 0")
}

// TestN07_NobodyAcknowledgesForAnother asks the database itself, as the web side's role without a person's session, and past the service.
func TestN07_NobodyAcknowledgesForAnother(t *testing.T) {
	y := open(t)
	y.must(y.briefing.Approve(t.Context(), "max", y.hash()))
	web := y.database.Web(t)
	for name, sql := range map[string]string{
		"notice_briefing_self":      `INSERT INTO notice_briefing_read (identity_id, hash, locale, at) VALUES ('sue', '` + y.hash() + `', 'en', now())`,
		"notice_briefing_approved":  `INSERT INTO notice_briefing_read (identity_id, hash, locale, at) VALUES ('sue', 'other', 'en', now())`,
		"notice_role":               `INSERT INTO notice_briefing_waiver (hash, reason, asked_by, asked_at) VALUES ('h', 'r', 'sue', now())`,
		"permission denied":         `UPDATE notice_briefing_read SET at = now()`,
		"permission denied for":     `DELETE FROM notice_briefing_read`,
		"permission denied for tab": `INSERT INTO notice_briefing_waiver (hash, reason, asked_by, asked_at, confirmed_by) VALUES ('h', 'r', 'ann', now(), 'max')`,
	} {
		err := web.InTx(t.Context(), db.StaffScope("sue"), func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), sql)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), name) && !db.IsCheck(err, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	y.exec(`INSERT INTO notice_briefing_waiver (hash, reason, asked_by, asked_at) VALUES ('h', 'r', 'ann', now())`)
	if _, err := y.database.Super(t).Exec(t.Context(), `UPDATE notice_briefing_waiver SET confirmed_by = 'ann'`); !db.IsCheck(err, "notice_briefing_two_people") {
		t.Errorf("one person alone, past the service: %v", err)
	}
	customer := y.text(`SELECT id FROM customer WHERE ref = 'A-1'`)
	err := web.InTx(t.Context(), db.CustomerScope(customer), func(tx *db.Tx) error {
		var n int
		if err := tx.Pgx.QueryRow(t.Context(), `SELECT count(*) FROM notice_briefing_waiver`).Scan(&n); err != nil || n != 0 {
			t.Errorf("a customer sees %d waivers: %v", n, err)
		}
		return nil
	})
	y.must(err)
}

// TestColleaguesAreRemindedOnceADay sends what waits, in each reader's language.
func TestColleaguesAreRemindedOnceADay(t *testing.T) {
	y := open(t)
	ctx := t.Context()
	if _, err := y.briefing.Remind(ctx, "max"); !errors.Is(err, briefing.ErrUnapproved) {
		t.Errorf("of words that nobody approved: %v", err)
	}
	y.must(y.briefing.Approve(ctx, "max", y.hash()))
	y.must(y.briefing.Acknowledge(ctx, "max", "en", y.hash()))
	remind := func(want int) {
		t.Helper()
		if n, err := y.briefing.Remind(ctx, "max"); err != nil || n != want {
			t.Errorf("%d are reminded, want %d: %v", n, want, err)
		}
	}
	sender := &notice.Sender{Service: y.notices, Post: y.post, Logger: slog.New(slog.DiscardHandler)}
	remind(2) // ann and sue; sam has no address
	remind(0)
	y.must(y.briefing.Acknowledge(ctx, "ann", "en", y.hash())) // between the button and the worker
	y.must(sender.Sweep(ctx))
	if len(y.post.got) != 1 || y.post.got[0].Address != "sue@boats.example" {
		t.Fatalf("sent: %+v", y.post.got)
	}
	e := y.post.got[0]
	for _, want := range []string{"Sue，您好", "小船即将停止服务", "https://moving.example/console/briefing"} {
		if !strings.Contains(e.Plain, want) || !strings.Contains(e.HTML, want) {
			t.Errorf("no %q:\n%s", want, e.Plain)
		}
	}
	if e.Subject != "请阅读小船停止服务的内部说明" || e.Tag != "zh-CN" {
		t.Errorf("%s: %s", e.Tag, e.Subject)
	}
	if got := y.text(`SELECT string_agg(identity_id || ' ' || state, ', ' ORDER BY identity_id) FROM notice_briefing_reminder`); got != "ann dropped, sue accepted" {
		t.Errorf("reminders: %s", got)
	}
	y.clock.Set(time.Date(2026, 5, 1, 15, 59, 0, 0, time.UTC)) // a minute to midnight where the programme is
	remind(0)
	y.clock.Set(time.Date(2026, 5, 1, 16, 1, 0, 0, time.UTC))
	y.exec(`UPDATE identity SET locale = '' WHERE id = 'sue'`)
	remind(1)
	y.must(sender.Sweep(ctx))
	if last := y.post.got[len(y.post.got)-1]; last.Subject != "Read the briefing on the closure of Boats" || !strings.Contains(last.Plain, "Hello Sue,") {
		t.Errorf("without a language: %s\n%s", last.Subject, last.Plain)
	}
	// A process that died while it sent leaves "unknown", and nothing is sent again.
	y.exec(`UPDATE notice_briefing_reminder SET state = 'sending', asked_at = '2026-05-01T02:00Z' WHERE state = 'accepted'`)
	y.must(sender.Sweep(ctx))
	if got := y.text(`SELECT string_agg(state, ' ' ORDER BY identity_id, day) FROM notice_briefing_reminder`); got != "dropped unknown unknown" || len(y.post.got) != 2 {
		t.Errorf("%s, %d mails", got, len(y.post.got))
	}
	st, err := y.briefing.State(ctx, "max")
	y.must(err)
	if r := st.Readers[0]; r.ID != "sam" || r.Email != "" || r.ReadAt != nil || !r.Since.Equal(*st.ApprovedAt) {
		t.Errorf("first of the list: %+v", r)
	}
}

// TestAProgrammeWithoutABriefingGoesOn holds nothing.
func TestAProgrammeWithoutABriefingGoesOn(t *testing.T) {
	y := open(t)
	start, end := strings.Index(boats, "  briefing:\n"), strings.Index(boats, "  list:\n")
	y.apply(boats[:start] + boats[end:])
	y.held("talk  0, announcement talks 1")
	if _, err := y.briefing.State(t.Context(), "max"); !errors.Is(err, briefing.ErrNone) {
		t.Errorf("%v", err)
	}
	if err := y.briefing.Acknowledge(t.Context(), "max", "en", strings.Repeat("0", 64)); !errors.Is(err, briefing.ErrNone) {
		t.Errorf("%v", err)
	}
}
