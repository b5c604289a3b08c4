package notice_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/truth"
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
  list:
    - key: announcement
      kind: public
      on: {milestone: announcement}
      words:
        - title: {en: "{product} closes on {date:service_end}", zh-CN: "{product}将于{date:service_end}停止服务"}
          opening: {en: "{thanks}\n\n{reason}", zh-CN: "{thanks}\n\n{reason}"}
          next: {en: "Open [your plan]({link:plan}), **{contact}** of {customer}.", zh-CN: "请打开[您的计划]({link:plan})。"}
          script: {en: "Say that {product} closes.", zh-CN: "请告知客户。"}
    - key: export
      kind: reminder
      step: export
      on: {milestone: export_deadline}
      channels: [email]
      words:
        - title: {en: "{days:export_deadline} left to export", zh-CN: "还剩{days:export_deadline}可导出"}
          next: {en: "[Export]({link:export}).", zh-CN: "[导出]({link:export})。"}
    - key: confirm
      kind: reminder
      step: dates
      on: {milestone: export_deadline}
      channels: [email]
      words:
        - title: {en: "Note your dates", zh-CN: "请确认日期"}
          next: {en: "[Dates]({link:dates}).", zh-CN: "[日期]({link:dates})。"}
`

var (
	anna = migration.Actor{ID: "anna", Kind: audit.Operator}
	ben  = migration.Actor{ID: "ben", Kind: audit.Operator}
)

// harbour is a programme with notices, its customers and a mailbox.
type harbour struct {
	*testing.T
	db         *db.DB
	database   localtest.TestDatabase
	clock      *clock.Manual
	programmes *migration.Programmes
	notices    *notice.Service
	sender     *notice.Sender
	box        *local.Mail
	truth      *truth.Service
}

// seals prove reports of the harbour's mails.
var seals = report.NewSeals([]byte("the harbour's secret of 32 characters"))

func openHarbour(t *testing.T, src string, customers ...string) *harbour {
	t.Helper()
	t.Parallel()
	h := &harbour{T: t, clock: clock.NewManual(time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)), box: localtest.Mail(t)}
	h.database = localtest.Database(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock})
	h.programmes = migration.NewProgrammes(h.db)
	h.apply(src)
	h.notices = notice.NewService(h.db, h.programmes, "https://moving.example", seals)
	h.programmes.Corrects(h.notices)
	h.truth = truth.New(h.db, seals)
	h.sender = &notice.Sender{Service: h.notices, Post: h.post(), Logger: slog.New(slog.DiscardHandler)}
	h.bring(customers...)
	return h
}

// bring imports customers, written as ref,zone,locale.
func (h *harbour) bring(customers ...string) {
	h.Helper()
	var b strings.Builder
	b.WriteString("ref,name,email,contact_name,zone,locale\n")
	for _, c := range customers {
		parts := strings.Split(c, ",")
		fmt.Fprintf(&b, "%s,Customer %s,%s@customer.example,Ann *%s*,%s,%s\n", parts[0], parts[0], strings.ToLower(parts[0]), parts[0], parts[1], parts[2])
	}
	rows := migration.CSVRows(strings.NewReader(b.String()))
	if r, err := migration.NewImporter(h.db, h.programmes).Import(h.Context(), anna, rows, migration.ImportOptions{}); err != nil {
		h.Fatalf("%v %+v", err, r)
	}
}

func (h *harbour) post() notice.Poster {
	h.Helper()
	host, port, _ := strings.Cut(h.box.SMTP, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.Cleanup(cancel)
	p, err := mail.NewPost(ctx, mail.Config{
		Host: host, Port: number, TLS: mail.None, From: "Moving <moving@boats.example>", Timeout: 3 * time.Second, Bounces: "bounces@boats.example", Seals: seals,
	}, nil)
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *harbour) apply(src string) {
	h.Helper()
	p, err := h.programmes.Propose(h.Context(), anna, []byte(src))
	if err != nil {
		h.Fatal(migration.FindingsOf(err), err)
	}
	if _, err := h.programmes.ApproveFor(h.Context(), ben, p.Version.Number, "asked by the board"); err != nil {
		h.Fatal(err)
	}
	h.clock.Advance(time.Minute)
}

func (h *harbour) approveAll() {
	h.Helper()
	p, err := h.programmes.Active(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	for _, n := range p.Notices.List {
		_, hash := notice.ContentOf(p, n)
		if err := h.notices.Approve(h.Context(), ben.ID, n.Key, hash); err != nil {
			h.Fatal(err)
		}
	}
}

// approve approves what one notice says now.
func (h *harbour) approve(key string) {
	h.Helper()
	list, err := h.notices.Overview(h.Context(), ben.ID)
	if err != nil {
		h.Fatal(err)
	}
	for _, one := range list {
		if one.Notice.Key == key {
			if err := h.notices.Approve(h.Context(), ben.ID, key, one.Hash); err != nil {
				h.Fatal(err)
			}
			return
		}
	}
	h.Fatalf("there is no notice %s", key)
}

// at moves the clock and sends what is due.
func (h *harbour) at(instant string) {
	h.Helper()
	at, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		h.Fatal(err)
	}
	h.clock.Set(at)
	if err := h.sender.Sweep(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// got lists the subjects that a customer's contact got, and empties the mailbox.
func (h *harbour) got(ref string) (subjects []string) {
	h.Helper()
	for _, m := range h.box.Messages(strings.ToLower(ref) + "@customer.example") {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

// one reads a single value as the owner of the database sees it.
func (h *harbour) one(sql string, args ...any) (s string) {
	h.Helper()
	if err := h.database.Super(h.T).QueryRow(h.Context(), sql, args...).Scan(&s); err != nil {
		h.Fatal(err)
	}
	return s
}

// workplan starts a workplan whose one gate blocks an act, and is shut.
func (h *harbour) workplan(act string) {
	h.Helper()
	const manager = `
		INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
		VALUES ('mia', 'staff', 'i', 'mia', 'Mia', '{programme_manager}', now(), now())`
	for _, sql := range []string{
		manager,
		`INSERT INTO governance_plan (id, template, source, leads, state, started_by, started_at) VALUES ('p', 'light', '', true, 'running', 'mia', now())`,
		`INSERT INTO governance_phase (plan_id, key, position, blocks) VALUES ('p', 'approve', 0, '{` + act + `}')`,
	} {
		h.exec(sql)
	}
}
