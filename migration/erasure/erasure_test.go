package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/erasure"
)

const boats = `programme: boats
product: {name: {en: Boats}, company: {en: Boat Works}, kind: business}
locales: [en]
zone: Asia/Shanghai
thanks: {en: Thank you.}
reason: {en: We stop.}
milestones:
  - {key: announcement, day: 2026-01-01}
  - {key: sales_stop, day: 2026-02-01}
  - {key: service_end, day: 2026-08-31}
  - {key: export_deadline, day: 2026-09-30}
  - {key: erasure, day: 2026-10-31}
tiers: [{key: standard, name: {en: Standard}, rule: "true"}]
datasets:
  - {key: boats, name: {en: Boats}, source: product, query: "select :customer_id::text as id", row_key: id}
help: {email: help@boats.example}
`

// canary is in everything that is a customer's own.
const canary = "Canary-7f3a"

// store is a real bucket in the words of erasure.
type store struct{ *storage.Bucket }

func (s store) Purge(ctx context.Context, key string) (erasure.Purged, error) {
	p, err := s.Bucket.Purge(ctx, key)
	return erasure.Purged(p), err
}

type house struct {
	*testing.T
	*erasure.Service
	db       *db.DB
	database localtest.TestDatabase
	super    *pgxpool.Pool
	clock    *clock.Manual
	bucket   *storage.Bucket
	eraser   *erasure.Eraser
	queue    *jobs.Client
}

func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, clock: clock.NewManual(time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC))}
	h.database = localtest.Database(t)
	h.super = h.database.Super(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock})
	programmes := migration.NewProgrammes(h.db)
	p, err := programmes.Propose(t.Context(), migration.Actor{ID: "anna", Kind: audit.Operator}, []byte(boats))
	if err != nil {
		t.Fatal(migration.FindingsOf(err), err)
	}
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "ben", Kind: audit.Operator}, p.Version.Number); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"mia", "max", "leo"} {
		roles := "{programme_manager}"
		if id == "leo" {
			roles = "{support}"
		}
		h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'i', $1, $1, $2, now(), now())`, id, roles)
	}
	s := localtest.S3(t)
	if h.bucket, err = storage.Open(t.Context(), storage.Config{
		Endpoint: s.Endpoint, Bucket: s.LockedBucket(t), AccessKey: s.AccessKey, SecretKey: s.SecretKey, PathStyle: true,
	}); err != nil {
		t.Fatal(err)
	}
	if h.queue, err = jobs.NewInserter(h.db); err != nil {
		t.Fatal(err)
	}
	h.Service = erasure.NewService(h.db, programmes)
	h.eraser = erasure.New(erasure.Config{
		DB: h.db, Programmes: programmes, Store: store{h.bucket}, Logger: slog.New(slog.DiscardHandler), Enqueue: erasure.Enqueuer(h.queue),
		Ledgers: []erasure.Ledger{storage.NewArchive(h.bucket, "erasures/"), erasure.File(filepath.Join(t.TempDir(), "erasures.jsonl"))},
		Sign:    func(payload []byte) (string, error) { return "signed:" + string(payload), nil },
	})
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.super.Exec(h.Context(), sql, args...); err != nil {
		h.Fatalf("%s: %v", sql, err)
	}
}

// fill gives a customer a row of every table that the register erases and that this test knows how to fill, two objects of two
// versions each, and a document. Guards and references are off meanwhile: rows of tables stand for themselves.
func (h *house) fill(ref string) (id string) {
	h.Helper()
	id = "c-" + ref
	word := canary + "-" + ref
	exports, documents := storage.NewKey("exports/"), storage.NewKey("documents/")
	for _, key := range []string{exports, documents, exports} {
		if _, err := h.bucket.Put(h.Context(), key, []byte(word), "text/plain"); err != nil {
			h.Fatal(err)
		}
	}
	conn, err := h.super.Acquire(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Release()
	b := &pgx.Batch{}
	b.Queue(`SET session_replication_role = replica`)
	replace := strings.NewReplacer("$ID", id, "$REF", ref, "$W", word, "$EX", exports, "$DOC", documents, "$HEX", strings.Repeat("a", 64))
	for line := range strings.SplitSeq(filled, ";\n") {
		if strings.TrimSpace(line) != "" {
			b.Queue(replace.Replace(line))
		}
	}
	b.Queue(`SET session_replication_role = origin`)
	if err := conn.SendBatch(h.Context(), b).Close(); err != nil {
		h.Fatal(err)
	}
	return id
}

const filled = `
INSERT INTO customer (id, ref, name, tier, locale, zone, attributes, imported_at, updated_at) VALUES ('$ID', '$W', '$W', 'standard', 'en', 'UTC', '{"owner": "$W"}', now(), now());
INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('k-$REF', '$ID', '$W@x.example', '$W', 'owner', now(), now());
INSERT INTO contact (id, customer_id, email, name, role, state, imported_at, updated_at, joined_to) VALUES ('l-$REF', '$ID', '$W@y.example', '$W', 'owner', 'disabled', now(), now(), 'k-$REF');
INSERT INTO identity (id, realm, issuer, subject, customer_id, contact_id, name, email, created_at, signed_in_at) VALUES ('i-$REF', 'customer', 'i', '$W', '$ID', 'k-$REF', '$W', '$W@x.example', now(), now());
INSERT INTO session (id, token_hash, identity_id, customer_id, user_agent, created_at, seen_at, expires_at) VALUES ('s-$REF', '$REF', 'i-$REF', '$ID', '$W', now(), now(), now() + interval '1 day');
INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ('$ID', 'export_deadline', '2026-10-01', '$W', 'mia', now());
INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, detail, updated_at) VALUES ('$ID', 1, 'completed', 'completed', 'completed', 'completed', 'completed', '{"x": "$W"}', now());
INSERT INTO journey_event (customer_id, version, kind, actor, at, data) VALUES ('$ID', 1, 'x', 'k-$REF', now(), '{"x": "$W"}');
INSERT INTO invitation (token_hash, customer_id, contact_id, created_by, created_at, expires_at) VALUES ('$W', '$ID', 'k-$REF', 'mia', now(), now());
INSERT INTO calendar_feed (contact_id, customer_id, token, token_hash, created_at) VALUES ('k-$REF', '$ID', '$W', '$W', now());
INSERT INTO contact_phone (contact_id, customer_id, number, origin, changed_at) VALUES ('k-$REF', '$ID', '+8613800138000', 'person', now());
INSERT INTO help_request (id, number, customer_id, contact_id, reference, dataset, text, state, created_at, answer, answered_by, closed_at) VALUES ('h-$REF', nextval('help_number'), '$ID', 'k-$REF', 'x', '', '$W', 'closed', now(), '$W', 'leo', now());
INSERT INTO export (id, customer_id, requested_by, selection, locale, state, cause, requested_at) VALUES ('e-$REF', '$ID', 'k-$REF', '{"x": "$W"}', 'en', 'expired', '$W', now());
INSERT INTO export_object (key, export_id, customer_id, attempt, state, created_at) VALUES ('$EX', 'e-$REF', '$ID', 1, 'deleted', now());
INSERT INTO export_download (export_id, customer_id, contact_id, at) VALUES ('e-$REF', '$ID', 'k-$REF', now());
INSERT INTO export_outline (customer_id, asked_at, made_at, data) VALUES ('$ID', now(), now(), '{"x": "$W"}');
INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, channel, next_at, planned_at) VALUES ('m-$REF', '$ID', 'n', 1, '2026-01-01', now(), 'x', 'sent', 'email', now(), now());
INSERT INTO notice_delivery (message_id, customer_id, contact_id, channel, mail_id, state, detail, subject, body_hash, locale, body, started_at) VALUES ('m-$REF', '$ID', 'k-$REF', 'email', 'x-$REF', 'accepted', '$W', '$W', 'x', 'en', '$W', now());
INSERT INTO notice_trial (id, notice, customer_id, asked_by, asked_at, address, name, locale, subject, html, plain, body_hash, state) VALUES ('t-$REF', 'n', '$ID', 'mia', now(), 'mia@x.example', '$W', 'en', '$W', '$W', '$W', 'x', 'asked');
INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at) VALUES ('o-$REF', '$ID', 1, 'x', '$W', '{"x": "$W"}', now());
INSERT INTO outbox_delivery (event_id, sink, customer_id, version, state, next_at, last_error, created_at) VALUES ('o-$REF', 'crm', '$ID', 1, 'pending', now(), '$W', now());
INSERT INTO offer_code (id, replacement, digest, sealed, imported_at, customer_id, drawn_at) VALUES ('q-$REF', 'r', '$W', '$W', now(), '$ID', now());
INSERT INTO replacement_choice (id, customer_id, decision, replacement, programme, own, state, losses, with_offer, reason, text, chosen_by, chosen_at, changed_at) VALUES ('p-$REF', '$ID', 'none', '', 1, false, 'made', '{}', false, 'price', '$W', 'k-$REF', now(), now());
INSERT INTO river_job (kind, args, max_attempts, queue, state, scheduled_at) VALUES ('mail', '{"customer_id": "$ID", "data": {"name": "$W"}}', 5, 'mail', 'available', now());
INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ('f-$REF', 'file', 'op', now());
INSERT INTO entitlement (customer_id, version, import_id, due, programme, changed_at, due_at) VALUES ('$ID', 1, 'f-$REF', '{}', 1, now(), now());
INSERT INTO payment (customer_id, ref, invoice_ref, paid_at, method, provider, provider_ref, currency, gross, tax, discount, period_start, period_end, units, units_used, refunded, credited, import_id, changed_at) VALUES ('$ID', 'p1', 'inv1', now(), 'card', '', '', 'EUR', 100, 0, 0, '2026-01-01', '2026-12-31', 0, 0, 0, 0, 'f-$REF', now());
INSERT INTO refund (id, ref, customer_id, tier, name_key, state, method, currency, amount, settled, quote, quote_digest, policy_version, account, account_kind, account_last4, requested_by, requested_at, reviewed_by, reviewed_at, approved_by, approved_at, approved_content, released_by, released_at, settled_at, question, answer, objection, updated_at, review_days, pay_days, bank_days) VALUES ('r-$REF', 'RF-2026-' || lpad(abs(hashtext('$REF'))::text, 10, '0'), '$ID', 'standard', lower('$W'), 'paid', 'bank', 'EUR', 100, 100, '{}', '$HEX', 'v', '$W', 'iban', '1234', 'k-$REF', now(), 'a', now(), 'b', now(), refund_content(100, 'EUR', 'bank', '', '$W', '$HEX'), 'c', now(), '2026-09-01', '$W', '$W', '$W', now(), 1, 1, 1);
INSERT INTO refund_event (refund_id, customer_id, version, kind, actor, actor_kind, from_state, to_state, text, at) VALUES ('r-$REF', '$ID', 1, 'x', 'k-$REF', 'customer', '', 'submitted', '$W', now());
INSERT INTO refund_document (id, refund_id, customer_id, object_key, name, kind, size, sha256, uploader, uploader_kind, shown, begun_at, attached_at) VALUES ('d-$REF', 'r-$REF', '$ID', '$DOC', '$W', 'pdf', 5, '$HEX', 'k-$REF', 'customer', true, now(), now());
INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) VALUES ('r-$REF', '$ID', 'standard', 'accrue', 'v1', now());
INSERT INTO erasure_hold (id, customer_id, reason, set_by, set_at, ended_by, ended_at, ended_for) VALUES ('g-$REF', '$ID', '$W', 'mia', now(), 'mia', now(), '$W');
`

// found lists the tables in which a text stands, whoever's rows they are.
func (h *house) found(text string) (list []string) {
	h.Helper()
	return foundIn(h.T, h.super, text)
}

func foundIn(t *testing.T, super *pgxpool.Pool, text string) (list []string) {
	t.Helper()
	rows, err := super.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := super.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s t WHERE t::text ILIKE '%%' || $1 || '%%'`, table), text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			list = append(list, table)
		}
	}
	return list
}

// objects counts versions and delete markers in the bucket, the ledger's own aside.
func (h *house) objects() (n int) {
	h.Helper()
	for _, prefix := range []string{"exports/", "documents/"} {
		if err := h.bucket.List(h.Context(), prefix, "", func(storage.Listed) error { n++; return nil }); err != nil {
			h.Fatal(err)
		}
	}
	return n
}

func (h *house) asked(ref string) string {
	h.Helper()
	id, err := h.Ask(h.Context(), erasure.By{ID: "mia"}, ref)
	if err != nil {
		h.Fatalf("ask for %q: %v", ref, err)
	}
	return id
}

// ordered asks, agrees and plans, and returns the customer's order.
func (h *house) ordered(ref, customerID string) string {
	h.Helper()
	run := h.asked(ref)
	if err := h.Agree(h.Context(), erasure.By{ID: "max"}, run, erasure.PlanEnqueuer(h.queue)); err != nil {
		h.Fatal(err)
	}
	if err := h.eraser.Plan(h.Context(), run); err != nil {
		h.Fatal(err)
	}
	var id string
	if err := h.super.QueryRow(h.Context(), `SELECT id FROM erasure_order WHERE customer_id = $1`, customerID).Scan(&id); err != nil {
		h.Fatal("no order: ", err)
	}
	return id
}

func (h *house) order(id string) erasure.Order {
	h.Helper()
	o, err := h.Certificate(h.Context(), "mia", id)
	if err != nil {
		h.Fatal(err)
	}
	return o
}

func TestX08_EverythingOfACustomerGoesAndNothingOfAnother(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id, other := h.fill("one"), h.fill("two")
	word, spared := canary+"-one", canary+"-two"
	before := h.found(spared)
	if len(before) < 20 || !slices.Equal(before, h.found(word)) {
		t.Fatalf("the customers are not filled: %v", before)
	}
	order := h.ordered(word, id)
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	o := h.order(order)
	if o.State != erasure.Complete || o.Problem != "" || o.Report.Rows["contact"] != 2 || o.Report.Rows["refund"] != 1 || o.Report.Rows["river_job"] != 1 {
		t.Fatalf("order %+v", o)
	}
	if o.Report.Objects != 2 || o.Report.Versions != 3 {
		t.Errorf("of the bucket: %+v", o.Report)
	}
	if left := h.found(word); len(left) > 0 {
		t.Errorf("the customer's words are still in %v", left)
	}
	if after := h.found(spared); !slices.Equal(before, after) {
		t.Errorf("of the other customer's tables %v, %v are left", before, after)
	}
	if n := h.objects(); n != 2 {
		t.Errorf("%d objects are left, of 2 of the other customer's", n)
	}
	for _, table := range []string{"refund", "payment", "ledger_entry"} { // the books
		var n int
		if err := h.super.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE customer_id = $1`, id).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", table, n, err)
		}
	}
	if strings.Contains(o.Certificate, canary) || !strings.Contains(o.Certificate, `"table":"contact","rows":2`) || !strings.Contains(o.Certificate, `"ground":"books"`) {
		t.Errorf("certificate %s", o.Certificate)
	}
	if err := h.eraser.Run(t.Context(), order); err != nil || h.order(order).Passes != o.Passes {
		t.Errorf("a complete erasure runs again: %v", err)
	}
	_ = other
}

// TestX01_AProcessMayDieBetweenAnyTwoStatements dies at each place in turn, and starts again.
func TestX01_AProcessMayDieBetweenAnyTwoStatements(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	order := h.ordered(canary+"-one", id)
	var mu sync.Mutex
	died := map[string]int{}
	h.eraser.Fault = func(at string) error {
		mu.Lock()
		defer mu.Unlock()
		if died[at] > 0 && at != "purged an object" || died[at] > 2 {
			return nil
		}
		died[at]++
		if h.state(order) == erasure.Complete {
			t.Errorf("it was complete at %s", at)
		}
		return fmt.Errorf("at %s: %w", at, erasure.ErrDied)
	}
	attempts := 0
	for ; attempts < 300; attempts++ {
		err := h.eraser.Run(t.Context(), order)
		if err == nil {
			break
		}
		if !errors.Is(err, erasure.ErrDied) {
			t.Fatal(err)
		}
	}
	o := h.order(order)
	if o.State != erasure.Complete || attempts < 60 {
		t.Fatalf("after %d deaths: %+v", attempts, o)
	}
	if o.Report.Rows["contact"] != 2 || o.Report.Objects != 2 || o.Report.Versions != 3 {
		t.Errorf("the report is not the sum of all attempts: %+v", o.Report)
	}
	if left := h.found(canary); len(left) > 0 {
		t.Errorf("left in %v", left)
	}
	if _, dead := died["before keeping"]; !dead {
		t.Error("it did not die before the order was kept outside")
	}
}

func (h *house) state(order string) (state string) {
	h.Helper()
	if err := h.super.QueryRow(h.Context(), `SELECT state FROM erasure_order WHERE id = $1`, order).Scan(&state); err != nil {
		h.Fatal(err)
	}
	return state
}

// TestX01_NothingIsDeletedBeforeTheOrderIsKeptOutside has a ledger that does not answer.
func TestX01_NothingIsDeletedBeforeTheOrderIsKeptOutside(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	order := h.ordered(canary+"-one", h.fill("one"))
	before := h.found(canary)
	ledgers := h.eraser.Ledgers
	h.eraser.Ledgers = []erasure.Ledger{ledgers[0], erasure.File(filepath.Join(t.TempDir(), "no", "such", "folder"))}
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if o := h.order(order); o.State != erasure.Ordered || o.Problem != "erasure.problem_ledger" || !slices.Equal(before, h.found(canary)) || h.objects() != 2 {
		t.Errorf("order %+v; left %v", o, h.found(canary))
	}
	if _, err := h.super.Exec(t.Context(), `SELECT erasure_step($1, 'contact')`, order); err == nil {
		t.Error("the database deletes before the order is kept")
	}
	h.eraser.Ledgers = ledgers
	h.clock.Advance(time.Hour)
	if err := h.eraser.Run(t.Context(), order); err != nil || h.state(order) != erasure.Complete {
		t.Errorf("it does not go on: %v", err)
	}
}

// TestX03_AStoreThatKeepsAVersionIsReported never says complete while the bucket has something.
func TestX03_AStoreThatKeepsAVersionIsReported(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	order := h.ordered(canary+"-one", id)
	until := h.clock.Now().Add(40 * 24 * time.Hour)
	h.eraser.Store = keeps{until}
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	o := h.order(order)
	if o.State != erasure.Incomplete || o.Problem != "erasure.problem_left" || o.Report.Left != 2 || o.Report.Until == nil || !o.NextAt.Equal(until) || o.Certificate != "" {
		t.Fatalf("order %+v", o)
	}
	if left := h.found("exports/"); !slices.Contains(left, "export_object") {
		t.Error("nobody knows any more which objects are left")
	}
	if left := h.found(canary); slices.Contains(left, "contact") || slices.Contains(left, "session") {
		t.Errorf("what could go has not gone: %v", left)
	}
	h.eraser.Store = store{h.bucket}
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if o := h.order(order); o.State != erasure.Complete || o.Report.Left != 0 || len(h.found(canary)) > 0 {
		t.Errorf("order %+v; left %v", o, h.found(canary))
	}
}

// keeps is a store in which everything is locked.
type keeps struct{ until time.Time }

func (k keeps) Purge(context.Context, string) (erasure.Purged, error) {
	return erasure.Purged{Versions: 1, Left: 1, Until: k.until}, nil
}

// TestX04_NothingIsWrittenAgain has everything that could write for the customer try.
func TestX04_NothingIsWrittenAgain(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	order := h.ordered(canary+"-one", id)
	tries := map[string]string{
		"a job":      `INSERT INTO river_job (kind, args, max_attempts, queue) VALUES ('mail', '{"customer_id": "c-one"}', 5, 'mail')`,
		"an event":   `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at) VALUES ('o2', 'c-one', 2, 'x', '', '{}', now())`,
		"a session":  `INSERT INTO session (id, token_hash, identity_id, customer_id, created_at, seen_at, expires_at) VALUES ('s2', 'x', 'i-one', 'c-one', now(), now(), now())`,
		"a journey":  `INSERT INTO journey_event (customer_id, version, kind, actor, at) VALUES ('c-one', 2, 'x', 'x', now())`,
		"an import":  `INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ('new', 'Canary-7f3a-one', 'x', 'standard', 'en', 'UTC', now(), now())`,
		"a way back": `UPDATE customer SET state = 'active' WHERE id = 'c-one'`,
	}
	refused := func(when string) {
		for what, sql := range tries {
			if _, err := h.super.Exec(t.Context(), sql); !db.IsCheck(err, "erasure_bar") && !db.IsCheck(err, "erasure_return") &&
				!strings.Contains(fmt.Sprint(err), "session_identity_id_fkey") { // of somebody who is gone
				t.Errorf("%s: %s is not refused: %v", when, what, err)
			}
		}
	}
	refused("ordered")
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	refused("complete")
}

// TestX04_WhoeverWritesAtTheSameTimeComesBefore holds a transaction open that writes for the customer while they are ordered.
func TestX04_WhoeverWritesAtTheSameTimeComesBefore(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	run := h.asked(canary + "-one")
	if err := h.Agree(t.Context(), erasure.By{ID: "max"}, run, erasure.PlanEnqueuer(h.queue)); err != nil {
		t.Fatal(err)
	}
	tx, err := h.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `INSERT INTO journey_event (customer_id, version, kind, actor, at, data) VALUES ($1, 2, 'x', 'x', now(), '{"late": "Canary-7f3a"}')`, id); err != nil {
		t.Fatal(err)
	}
	planned := make(chan error, 1)
	go func() { planned <- h.eraser.Plan(t.Context(), run) }()
	h.until(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-planned; err != nil {
		t.Fatal(err)
	}
	var order string
	if err := h.super.QueryRow(t.Context(), `SELECT id FROM erasure_order WHERE customer_id = $1`, id).Scan(&order); err != nil {
		t.Fatal(err)
	}
	if err := h.eraser.Run(t.Context(), order); err != nil || h.state(order) != erasure.Complete || len(h.found(canary)) > 0 {
		t.Errorf("%v; left %v", err, h.found(canary))
	}
}

// until waits until a query says so.
func (h *house) until(sql string) {
	h.Helper()
	for range 3000 {
		var so bool
		if err := h.super.QueryRow(h.Context(), sql).Scan(&so); err != nil {
			h.Fatal(err)
		}
		if so {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.Fatal("it does not come: " + sql)
}

func TestX06_AHoldKeepsEverythingAndItsReleaseGoesOn(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id, mia := h.fill("one"), erasure.By{ID: "mia"}
	word := canary + "-one"
	if err := h.SetHold(t.Context(), mia, word, "a court asked"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Ask(t.Context(), mia, word); !errors.Is(err, erasure.ErrObstacle) {
		t.Errorf("asked in spite of a hold: %v", err)
	}
	if err := h.EndHold(t.Context(), mia, word, "it is over"); err != nil {
		t.Fatal(err)
	}
	order := h.ordered(word, id)
	h.exec(`INSERT INTO erasure_hold (id, customer_id, reason, set_by, set_at) VALUES ('late', $1, 'a court asked', 'mia', now())`, id)
	before := h.found(canary)
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if o := h.order(order); o.State != erasure.Incomplete || o.Problem != "erasure.not_hold" || !slices.Equal(before, h.found(canary)) || h.objects() != 2 {
		t.Fatalf("order %+v; of %v, left %v", o, before, h.found(canary))
	}
	if err := h.EndHold(t.Context(), mia, word, "it is over"); err != nil {
		t.Fatal(err)
	}
	if err := h.eraser.Run(t.Context(), order); err != nil || h.state(order) != erasure.Complete || len(h.found(canary)) > 0 {
		t.Errorf("%v; left %v", err, h.found(canary))
	}
}

func TestX07_OnePersonAloneAndTooEarlyAreRefused(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	word := canary + "-one"
	plan := erasure.PlanEnqueuer(h.queue)
	run := h.asked(word)
	if err := h.Agree(t.Context(), erasure.By{ID: "mia"}, run, plan); !errors.Is(err, erasure.ErrSamePerson) {
		t.Errorf("the same person agrees: %v", err)
	}
	if err := h.Agree(t.Context(), erasure.By{ID: "leo"}, run, plan); err == nil {
		t.Error("somebody who is no programme manager agrees")
	}
	if err := h.eraser.Plan(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := h.super.QueryRow(t.Context(), `SELECT count(*) FROM erasure_order`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d orders of a run that one person asked for, %v", n, err)
	}
	for name, sql := range map[string]string{
		"an order without two people": `INSERT INTO erasure_order (id, customer_id, run_id, origin, reference, seq, entry, digest, state, ordered_at, next_at)
			VALUES ('x', 'c-one', '` + run + `', 'run', repeat('a', 64), 1, '', repeat('a', 64), 'ordered', now(), now())`,
		"a run that begins as agreed": `INSERT INTO erasure_run (id, asked_by, asked_at, agreed_by, agreed_at, state) VALUES ('x', 'mia', now(), 'max', now(), 'agreed')`,
	} {
		if _, err := h.super.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database takes %s", name)
		}
	}
	for name, c := range map[string]struct{ do, undo, key string }{
		"an export that runs": {
			`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at) VALUES ('live', 'c-one', 'k-one', '{}', 'en', 'running', now())`,
			`DELETE FROM export WHERE id = 'live'`, "erasure.not_export",
		},
		"a question that waits": {
			`UPDATE help_request SET state = 'open', closed_at = NULL WHERE customer_id = 'c-one'`,
			`UPDATE help_request SET state = 'closed', closed_at = now() WHERE customer_id = 'c-one'`, "erasure.not_help",
		},
		"money on its way": {
			`UPDATE refund SET settled_at = '2026-11-15' WHERE customer_id = 'c-one'`,
			`UPDATE refund SET settled_at = '2026-09-01' WHERE customer_id = 'c-one'`, "erasure.not_refund",
		},
		"a day of their own": {
			`UPDATE extension SET day = '2026-10-25'`, `UPDATE extension SET day = '2026-10-01'`, erasure.NotDue,
		},
		"a gate that is shut": {
			`INSERT INTO governance_plan (id, template, source, leads, state, started_by, started_at) VALUES ('p', 'own', '', true, 'running', 'mia', now());
			 INSERT INTO governance_phase (plan_id, key, position, blocks) VALUES ('p', 'last', 0, '{erasure}')`,
			`DELETE FROM governance_phase; DELETE FROM governance_plan`, "erasure.not_gate",
		},
	} {
		h.exec(c.do)
		seen, err := h.Customer(t.Context(), "mia", word)
		if err != nil || !slices.Equal(seen.Against, []string{c.key}) {
			t.Errorf("%s: against it stands %v, %v", name, seen.Against, err)
		}
		h.exec(c.undo)
	}
	h.clock.Set(time.Date(2026, 10, 31, 15, 59, 0, 0, time.UTC)) // a minute before the end of the day in Shanghai
	if c, err := h.Customer(t.Context(), "mia", word); err != nil || !slices.Equal(c.Against, []string{erasure.NotDue}) {
		t.Errorf("on the last day: %v, %v", c.Against, err)
	}
	// Their own wish does not wait for that day.
	if err := h.Wish(t.Context(), id, "k-one"); err != nil {
		t.Fatal(err)
	}
	if c, err := h.Customer(t.Context(), "mia", word); err != nil || len(c.Against) > 0 || c.Request == nil || c.Request.DaysLeft(h.clock.Now()) != 30 {
		t.Errorf("by their own wish: %+v, %v", c, err)
	}
}

// TestX10_WhatStayedForTheLawGoesOnItsDay moves the end of the years into the past.
func TestX10_WhatStayedForTheLawGoesOnItsDay(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	order := h.ordered(canary+"-one", id)
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	o := h.order(order)
	if want := h.clock.Now().AddDate(10, 0, 0); o.KeepUntil == nil || !o.KeepUntil.Equal(want) {
		t.Fatalf("kept until %v, want %v", o.KeepUntil, want)
	}
	sweep := func() {
		if err := h.eraser.Sweep(t.Context(), erasure.PlanEnqueuer(h.queue)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (n int) {
		for _, table := range []string{"refund", "refund_event", "payment", "entitlement", "ledger_entry"} {
			var m int
			if err := h.super.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE customer_id = $1`, id).Scan(&m); err != nil {
				t.Fatal(err)
			}
			n += m
		}
		return n
	}
	if sweep(); left() != 5 {
		t.Fatalf("%d rows are left of 5, years before their end", left())
	}
	h.exec(`UPDATE erasure_order SET keep_until = '2026-11-19'`)
	if sweep(); left() != 0 {
		t.Errorf("%d rows are left after their end", left())
	}
	if o := h.order(order); o.GoneAt == nil {
		t.Error("nobody wrote down that they went")
	}
}

// TestX05_ARestoredDatabaseErasesAgain stands for a restore by a customer who is as they were, in a database that has no ledger.
func TestX05_ARestoredDatabaseErasesAgain(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	id := h.fill("one")
	order := h.ordered(canary+"-one", id)
	if err := h.eraser.Run(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if s, err := h.eraser.Standing(t.Context()); err != nil || s.Missing != 0 || s.Last != 1 {
		t.Fatalf("standing %+v, %v", s, err)
	}
	restored := openHouse(t)
	restored.fill("one")
	restored.eraser.Ledgers = h.eraser.Ledgers
	restored.eraser.DB = restored.database.Open(t, db.Options{Clock: restored.clock})
	owner, err := db.Open(t.Context(), restored.database.OwnerURL, db.Options{Clock: restored.clock, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	if s, err := restored.eraser.Standing(t.Context()); err != nil || s.Missing != 1 {
		t.Fatalf("standing of what was restored %+v, %v", s, err)
	}
	if err := restored.eraser.Replay(t.Context(), func(erasure.Order) {}); err == nil {
		t.Error("whoever is not the schema's owner replays")
	}
	restored.eraser.DB = owner
	n := 0
	if err := restored.eraser.Replay(t.Context(), func(o erasure.Order) {
		n++
		if o.State != erasure.Complete || !o.Report.Replayed || o.ID != order {
			t.Errorf("replayed %+v", o)
		}
	}); err != nil || n != 1 {
		t.Fatalf("%d replayed, %v", n, err)
	}
	if left := restored.found(canary); len(left) > 0 || restored.objects() != 0 {
		t.Errorf("left in %v, and %d objects", left, restored.objects())
	}
	if s, err := restored.eraser.Standing(t.Context()); err != nil || s.Missing != 0 {
		t.Errorf("standing afterwards %+v, %v", s, err)
	}
}

// TestX09_AnEntryThatWasChangedIsFound changes a line of the file that is kept outside.
func TestX09_AnEntryThatWasChangedIsFound(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	h.eraser.Ledgers = []erasure.Ledger{erasure.File(file)}
	for _, ref := range []string{"one", "two"} {
		if err := h.eraser.Run(t.Context(), h.ordered(canary+"-"+ref, h.fill(ref))); err != nil {
			t.Fatal(err)
		}
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	restored := openHouse(t)
	restored.eraser.Ledgers = h.eraser.Ledgers
	for name, changed := range map[string]string{
		"another customer": strings.Replace(string(body), "c-one", "c-xxx", 1),
		"another number":   strings.Replace(string(body), `\"seq\":2`, `\"seq\":3`, 1),
	} {
		if changed == string(body) {
			t.Fatal("nothing was changed")
		}
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := restored.eraser.Replay(t.Context(), func(erasure.Order) {}); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// TestX12_ManyCustomersAreErasedByPages plans for all who are due, a page at a time, and dies between pages.
func TestX12_ManyCustomersAreErasedByPages(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	const many = 1100
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		SELECT 'c-' || lpad(n::text, 5, '0'), 'R' || n, 'x', 'standard', 'en', 'UTC', now(), now() FROM generate_series(1, $1) n`, many)
	h.exec(`INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at) VALUES ('c-00007', 'erasure', '2027-01-01', 'mia', now())`)
	run := h.asked("")
	if err := h.Agree(t.Context(), erasure.By{ID: "max"}, run, erasure.PlanEnqueuer(h.queue)); err != nil {
		t.Fatal(err)
	}
	pages := 0
	h.eraser.Fault = func(at string) error {
		if at == "planned a page" {
			pages++
			return erasure.ErrDied
		}
		return nil
	}
	for range 10 {
		if err := h.eraser.Plan(t.Context(), run); err != nil && !errors.Is(err, erasure.ErrDied) {
			t.Fatal(err)
		}
	}
	var orders, queued, last, planned int
	if err := h.super.QueryRow(t.Context(), `SELECT count(*), max(seq), (SELECT count(*) FROM river_job WHERE kind = 'erasure'), (SELECT planned FROM erasure_run)
		FROM erasure_order`).Scan(&orders, &last, &queued, &planned); err != nil {
		t.Fatal(err)
	}
	if orders != many-1 || last != many-1 || queued != many-1 || planned != many-1 || pages < 3 {
		t.Errorf("%d orders up to %d, %d jobs, %d said, %d pages", orders, last, queued, planned, pages)
	}
}

func TestEveryShelfStandsInTheRegister(t *testing.T) {
	for _, p := range schema.ErasurePrefixes {
		if p.Table != "" && !strings.Contains(erasure.Shelves[p.Table], "SELECT "+p.Column+" FROM "+p.Table) {
			t.Errorf("objects under %s are not purged", p.Prefix)
		}
	}
}
