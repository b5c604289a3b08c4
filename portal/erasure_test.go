package portal_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"offramp/export/receipt"
	"offramp/export/storage"
	"offramp/migration/erasure"
)

const erasing = "/console/erasure"

// erasureStore is the bucket in the words of erasure.
type erasureStore struct{ *storage.Bucket }

func (s erasureStore) Purge(ctx context.Context, key string) (erasure.Purged, error) {
	p, err := s.Bucket.Purge(ctx, key)
	return erasure.Purged(p), err
}

// signErasure signs a certificate as a worker does.
func (w *world) signErasure(payload []byte) (string, error) {
	signed, err := receipt.SignAs(erasure.CertificateType, payload, w.receipts()[0])
	return string(signed), err
}

// erased has one erasure wait for a second manager, whose page it returns, and another one be complete.
func (w *world) erased() string {
	w.Helper()
	w.exec(`INSERT INTO erasure_run (id, asked_by, asked_at, state) VALUES ('waiting', 'identity-programme_manager', $1, 'asked')`, day)
	hash := strings.Repeat("a", 64)
	payload, err := json.Marshal(erasure.Certificate{
		Kind: erasure.CertificateType, Seq: 1, Order: "erased", Reference: hash, Entry: hash, Previous: hash, OrderedAt: day, CompletedAt: day, Passes: 1,
		Erased: []erasure.ErasedRows{{Table: "contact", Rows: 2}}, Stays: []erasure.StayingRow{{Table: "refund", Rows: 1, Ground: "books"}},
		Unchecked: []string{"backups", "copies", "mail", "logs", "words", "product"}, BackupDays: 30,
	})
	if err != nil {
		w.Fatal(err)
	}
	signed, err := w.signErasure(payload)
	if err != nil {
		w.Fatal(err)
	}
	w.exec(`INSERT INTO erasure_order (id, customer_id, origin, reference, seq, entry, digest, state, ordered_at, kept_at, completed_at, next_at, passes, certificate)
		VALUES ('erased', 'gone', 'replay', $1, 1, '{}', $1, 'complete', $2, $2, $2, $2, 1, $3)`, hash, day, signed)
	return erasing + "/runs/waiting"
}

// TestTwoManagersEraseACustomer asks for it, is refused alone, agrees as the second person, has it carried out, and verifies the certificate.
func TestTwoManagersEraseACustomer(t *testing.T) {
	w := newWorld(t)
	w.manager("second")
	const me = "programme_manager"
	w.confirmed(me, w.clock.Now())
	w.confirmed("second", w.clock.Now())
	id := w.ids["b"]
	ref := w.text(`SELECT ref FROM customer WHERE id = $1`, id)
	name := w.text(`SELECT name FROM customer WHERE id = $1`, id)
	at := erasing + "/customer?ref=" + url.QueryEscape(ref)
	w.shows(me, erasing, "No erasure is complete yet.")
	w.shows(me, at, "The day for erasing is still to come", name)
	w.sent(me, erasing+"/ask", url.Values{"ref": {ref}}, 409)
	if a := w.get(me, erasing+"/customer?ref=nobody"); a.status != 422 || !strings.Contains(a.body, `id="ref-error"`) || !strings.Contains(a.body, `value="nobody"`) {
		t.Errorf("an unknown number: %d", a.status)
	}

	w.sent(me, erasing+"/ask", nil, 422)
	service := erasure.NewService(w.web, w.programme)
	if err := service.Wish(t.Context(), id, w.ids["other"]); err != nil {
		t.Fatal(err)
	}
	w.shows(me, erasing, name)
	if a := w.sent(me, erasing+"/hold", url.Values{"ref": {ref}, "reason": {" "}}, 422); !strings.Contains(a.body, `id="reason-error"`) {
		t.Error("a hold without a reason has no fault beside the field")
	}
	w.sent(me, erasing+"/hold", url.Values{"ref": {ref}, "reason": {"Case 7 at court"}}, 303)
	if a := w.sent(me, erasing+"/ask", url.Values{"ref": {ref}}, 409); !strings.Contains(a.body, "Case 7 at court") || !strings.Contains(a.body, "A legal hold stands") {
		t.Error("the refusal does not show the hold with its reason")
	}
	w.sent(me, erasing+"/release", url.Values{"ref": {ref}, "reason": {"It was settled"}}, 303)

	run := w.sent(me, erasing+"/ask", url.Values{"ref": {ref}}, 303).location
	w.hides(w.shows(me, run, "You asked for this erasure. Another programme manager has to agree."), `name="sure"`)
	w.sent(me, run+"/agree", url.Values{"sure": {"yes"}}, 403)
	w.shows("second", run, "Nothing can bring the data back.", name)
	if a := w.sent("second", run+"/agree", nil, 422); !strings.Contains(a.body, `id="sure-error"`) {
		t.Error("nobody has to confirm it")
	}
	w.sent("second", run+"/agree", url.Values{"sure": {"yes"}}, 303)
	w.sent("second", run+"/withdraw", nil, 409)

	w.carryOut(strings.TrimPrefix(run, erasing+"/runs/"), id)
	order := w.text(`SELECT id FROM erasure_order WHERE customer_id = $1 AND state = 'complete'`, id)
	page := erasing + "/certificates/" + order
	w.shows(me, erasing, page)
	w.shows(me, page, "Certificate of erasure 1", "data-print", "contact")
	keys, err := receipt.PublicKeys(w.receipts()...)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := receipt.VerifyAs(erasure.CertificateType, []byte(w.get(me, page+"/certificate.jws").body), keys)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := erasure.Read(payload); err != nil || c.Order != order {
		t.Errorf("certificate: %+v, %v", c, err)
	}
	w.hides(w.shows("second", run), name)
}

// carryOut does what a worker does.
func (w *world) carryOut(run, customer string) {
	w.Helper()
	e := erasure.New(erasure.Config{
		DB: w.db, Programmes: w.programme, Store: erasureStore{w.bucket}, Logger: slog.New(slog.DiscardHandler), Enqueue: erasure.Enqueuer(w.inserter()),
		Ledgers: []erasure.Ledger{erasure.File(filepath.Join(w.TempDir(), "erasures.jsonl"))}, Sign: w.signErasure,
	})
	if err := e.Plan(w.Context(), run); err != nil {
		w.Fatal(err)
	}
	if err := e.Run(w.Context(), w.text(`SELECT id FROM erasure_order WHERE customer_id = $1`, customer)); err != nil {
		w.Fatal(err)
	}
}
