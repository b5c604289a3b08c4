package refund_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration/refund"
)

// scanner finds the word EICAR, and does not know anything while it is away.
type scanner struct {
	lock  sync.Mutex
	away  bool
	asked chan string // what was said each time; nil: nobody listens
}

func (s *scanner) Scan(_ context.Context, body io.Reader) (found string, err error) {
	content, err := io.ReadAll(body)
	s.lock.Lock()
	defer s.lock.Unlock()
	switch {
	case err != nil:
	case s.away:
		err = errors.New("the daemon loads its signatures")
	case strings.Contains(string(content), "EICAR"):
		found = "Eicar-Signature"
	}
	if s.asked != nil {
		s.asked <- found
	}
	return found, err
}

func (s *scanner) goes(away bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.away = away
}

// scanned gives a house a scanner.
func scanned(h *house) *scanner {
	s := &scanner{}
	h.config.Scanner = s
	h.service = refund.NewService(h.config)
	return s
}

func (h *house) scan(id string) error { return refund.ScanDocument(h.Context(), h.service, id) }

func (h *house) opens(r refund.Refund, id string) (asCustomer, asStaff error) {
	h.Helper()
	c, asCustomer := h.service.OpenDocument(h.Context(), who(r.CustomerID), r.Ref, id)
	if asCustomer == nil {
		_ = c.Close()
	}
	c, asStaff = h.service.OpenDocumentForStaff(h.Context(), clara, r.Ref, id)
	if asStaff == nil {
		_ = c.Close()
	}
	return asCustomer, asStaff
}

func TestADocumentIsLookedIntoBeforeItExists(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	send := func(content string) error {
		_, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x", Body: strings.NewReader(content)})
		return err
	}
	for name, c := range map[string]struct{ content, key string }{
		"a script":      {letter("<< /S /JavaScript /JS (x) >>"), "refund.document.active"},
		"encrypted":     {letter("<< /Encrypt 1 0 R >>"), "refund.document.protected"},
		"no picture":    {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR the picture \x00\x00\x00\x00IEND\xae\x42\x60\x82", "refund.document.broken"},
		"no photograph": {"\xff\xd8\xff\xe0 the photograph \xff\xd9", "refund.document.broken"},
	} {
		if got := fieldKey(send(c.content)); got != c.key {
			t.Errorf("%s: %s, want %s", name, got, c.key)
		}
	}
	if keys := shelf(h, b); len(keys) != 0 {
		t.Errorf("left in the store: %v", keys)
	}
	if err := send(letter("harmless")); err != nil {
		t.Errorf("a harmless one: %v", err)
	}
}

func TestNobodyOpensADocumentBeforeItWasScanned(t *testing.T) {
	h := open(t)
	shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	before := h.attach(r, "before.pdf", letter("EICAR, before there was a scanner"))
	if before.Scan != refund.Unscanned {
		t.Errorf("without a scanner it is %s", before.Scan)
	}
	s := scanned(h)
	own, filed := h.attach(r, "own.pdf", letter("own")), h.filed(r, "filed.pdf", letter("filed"), false)
	for _, d := range []refund.Document{own, filed} {
		asCustomer, asStaff := h.opens(r, d.ID)
		if d.ID == own.ID && !errors.Is(asCustomer, refund.ErrScanning) || !errors.Is(asStaff, refund.ErrScanning) {
			t.Errorf("%s before it was scanned: the customer %v, staff %v", d.Name, asCustomer, asStaff)
		}
	}
	if n := h.text(`SELECT count(*) FROM refund_event WHERE kind = 'document_read'`); n != "0" {
		t.Errorf("%s are noted as read", n)
	}
	s.goes(true)
	if err := h.scan(own.ID); err == nil || h.text(`SELECT scan FROM refund_document WHERE id = $1`, own.ID) != "pending" {
		t.Errorf("while the scanner is away: %v", err)
	}
	s.goes(false)
	for _, d := range []refund.Document{own, filed, own} { // the last once more: the job came twice
		if err := h.scan(d.ID); err != nil {
			t.Fatal(err)
		}
	}
	if asCustomer, asStaff := h.opens(r, own.ID); asCustomer != nil || asStaff != nil {
		t.Errorf("when it was scanned: the customer %v, staff %v", asCustomer, asStaff)
	}
	if asCustomer, asStaff := h.opens(r, before.ID); asCustomer != nil || asStaff != nil {
		t.Errorf("of before: the customer %v, staff %v", asCustomer, asStaff)
	}
	if h.mails() != "refund_received" {
		t.Errorf("mails: %s", h.mails())
	}
	h.config.Scanner = nil
	blind := refund.NewService(h.config)
	left := func() refund.Document { return h.attach(r, "left.pdf", letter("left")) }()
	if err := refund.ScanDocument(t.Context(), blind, left.ID); err == nil || h.text(`SELECT scan FROM refund_document WHERE id = $1`, left.ID) != "pending" {
		t.Errorf("a worker without a scanner: %v", err)
	}
}

func TestWhatTheScannerRefusesIsToldAndGone(t *testing.T) {
	h := open(t)
	b := shelved(h)
	scanned(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	bad, hidden := h.attach(r, "bad.pdf", letter("EICAR")), h.filed(r, "hidden.pdf", letter("EICAR of ours"), false)
	for _, d := range []refund.Document{bad, hidden, bad} {
		if err := h.scan(d.ID); err != nil {
			t.Fatal(err)
		}
	}
	asCustomer, asStaff := h.opens(r, bad.ID)
	if !errors.Is(asCustomer, refund.ErrUnfit) || !errors.Is(asStaff, refund.ErrUnfit) {
		t.Errorf("opened: the customer %v, staff %v", asCustomer, asStaff)
	}
	if err := refund.DrainPurges(t.Context(), h.service); err != nil || len(shelf(h, b)) != 0 {
		t.Errorf("%d bodies are left, %v", len(shelf(h, b)), err)
	}
	if got := h.history(r); got != "submitted document_attached document_filed document_refused document_refused_filed" {
		t.Errorf("history: %s", got)
	}
	if got := h.text(`SELECT string_agg(detail->>'found' || ' ' || actor_kind, ',') FROM audit WHERE act = 'refund.document.malware'`); got != "Eicar-Signature system,Eicar-Signature system" {
		t.Errorf("recorded: %s", got)
	}
	if got := h.text(`SELECT string_agg(args->>'contact_id', ',') FROM river_job WHERE args->>'template' = 'refund_unfit'`); got != "contact-a" {
		t.Errorf("written to: %s", got)
	}
	list, err := h.service.Documents(t.Context(), who("a"), r.Ref)
	if err != nil || len(list) != 1 || list[0].Scan != refund.Unfit || list[0].Found != "Eicar-Signature" {
		t.Errorf("%+v, %v", list, err)
	}
	h.attach(r, "again.pdf", letter("EICAR")) // the same bytes: scanners err
}

func TestNothingIsApprovedOverADocumentThatNobodyCouldRead(t *testing.T) {
	h := open(t)
	shelved(h)
	scanned(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	review := func() (err error) {
		next, err := h.service.Review(t.Context(), clara, r.Ref, r.Version)
		if err == nil {
			r = next
		}
		return err
	}
	h.clock.Advance(time.Minute)
	own := h.attach(r, "own.pdf", letter("EICAR"))
	if err := review(); !errors.Is(err, refund.ErrScanning) {
		t.Errorf("reviewed while it is scanned: %v", err)
	}
	if f, err := h.service.Open(t.Context(), clara, h.p, r.Ref); err != nil || !errors.Is(f.Held, refund.ErrScanning) {
		t.Errorf("finance reads %v, %v", f.Held, err)
	}
	if err := h.scan(own.ID); err != nil {
		t.Fatal(err)
	}
	if err := review(); err != nil { // nobody had asked for it
		t.Fatal(err)
	}
	late := h.filed(r, "late.pdf", letter("late"), false)
	if _, err := h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version); !errors.Is(err, refund.ErrScanning) {
		t.Errorf("approved while one of finance's is scanned: %v", err)
	}
	results, err := h.service.BulkApprove(t.Context(), alan, h.p, []refund.Choice{{Ref: r.Ref, Version: r.Version}})
	if err != nil || !errors.Is(results[0].Err, refund.ErrScanning) {
		t.Errorf("approved with others: %+v, %v", results, err)
	}
	if err := h.scan(late.ID); err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Which account?"); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	if r, err = h.service.AnswerWith(t.Context(), who("a"), r.Ref, r.Version, "This.", refund.Upload{Name: "proof.pdf", Body: strings.NewReader(letter("EICAR proof"))}); err != nil {
		t.Fatal(err)
	}
	if err := h.scan(h.text(`SELECT id FROM refund_document WHERE name = 'proof.pdf'`)); err != nil {
		t.Fatal(err)
	}
	if err := review(); !errors.Is(err, refund.ErrUnfitAnswer) {
		t.Errorf("reviewed though the answer was refused: %v", err)
	}
	h.clock.Advance(time.Minute)
	if err := h.scan(h.attach(r, "proof 2.pdf", letter("proof")).ID); err != nil {
		t.Fatal(err)
	}
	if err := review(); err != nil {
		t.Errorf("with another answer: %v", err)
	}
	results, err = h.service.BulkApprove(t.Context(), alan, h.p, []refund.Choice{{Ref: r.Ref, Version: r.Version}})
	if err != nil || results[0].Err != nil {
		t.Errorf("approved: %+v, %v", results, err)
	}
}

// TestDocumentsAreScannedByAWorker lets the jobs run as a process does, by the worker's own role, with a scanner that is away at first.
func TestDocumentsAreScannedByAWorker(t *testing.T) {
	h := open(t)
	b := shelved(h)
	s := scanned(h)
	s.away, s.asked = true, make(chan string, 100)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	good, bad := h.attach(r, "good.pdf", letter("good")), h.attach(r, "bad.pdf", letter("EICAR"))
	work := h.database.Work(t, db.Options{Clock: h.clock, MaxConns: 8})
	c := config(t, work)
	c.Bodies, c.Scanner = h.config.Bodies, s
	workers := river.NewWorkers()
	refund.Register(workers, refund.NewService(c))
	client, err := jobs.New(work, jobs.Config{
		ID: "worker", Workers: workers, Logger: slog.New(slog.DiscardHandler), Drain: time.Second, Queues: map[string]int{river.QueueDefault: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Stop(context.WithoutCancel(t.Context())) })
	for range 2 { // each was tried in vain
		<-s.asked
	}
	if got := h.text(`SELECT string_agg(DISTINCT scan, ',') FROM refund_document`); got != "pending" {
		t.Errorf("after a try in vain: %s", got)
	}
	s.goes(false)
	for end := time.Now().Add(40 * time.Second); h.text(`SELECT string_agg(scan, ',' ORDER BY scan) FROM refund_document`) != "clean,refused" || len(shelf(h, b)) != 1; {
		if time.Now().After(end) {
			t.Fatalf("%s, %d bodies", h.text(`SELECT string_agg(scan || ' ' || name, ',') FROM refund_document`), len(shelf(h, b)))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if asCustomer, _ := h.opens(r, good.ID); asCustomer != nil {
		t.Error(asCustomer)
	}
	if asCustomer, _ := h.opens(r, bad.ID); !errors.Is(asCustomer, refund.ErrUnfit) {
		t.Error(asCustomer)
	}
}

func TestADocumentWhoseScanWasLostIsScannedAfterAll(t *testing.T) {
	h := open(t)
	shelved(h)
	scanned(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	d := h.attach(r, "own.pdf", letter("own"))
	jobs := func() string {
		return h.text(`SELECT count(*) FROM river_job WHERE kind = 'refund_document_scan' AND state = 'available' AND args->>'document' = $1`, d.ID)
	}
	if err := h.service.SweepDocuments(t.Context()); err != nil || jobs() != "1" {
		t.Errorf("%s jobs beside the one that there is, %v", jobs(), err)
	}
	h.exec(`DELETE FROM river_job WHERE kind = 'refund_document_scan'`)
	if err := h.service.SweepDocuments(t.Context()); err != nil || jobs() != "1" {
		t.Errorf("%s jobs when it was lost, %v", jobs(), err)
	}
	for after, long := range map[time.Duration]bool{10 * time.Minute: false, 16 * time.Minute: true} {
		w, err := h.service.ScanWaits(t.Context())
		if err != nil || w.Count != 1 || w.Long(today.Add(after)) != long {
			t.Errorf("after %s: %+v, %v", after, w, err)
		}
	}
	if err := h.service.RemoveDocument(t.Context(), who("a"), r.Ref, d.ID); err != nil {
		t.Fatal(err)
	}
	if w, err := h.service.ScanWaits(t.Context()); err != nil || w.Count != 0 || h.scan(d.ID) != nil {
		t.Errorf("a removed one waits: %+v, %v", w, err)
	}
}

func TestTriesAtAScannerGrowApart(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second, 9: 15 * time.Minute, 900: 15 * time.Minute} {
		if got := refund.ScanPause(attempt); got != want {
			t.Errorf("after attempt %d: %s, want %s", attempt, got, want)
		}
	}
}

func TestZ05_OnlyAWorkerSaysWhatTheScannerFound(t *testing.T) {
	h := open(t)
	shelved(h)
	scanned(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	d := h.attach(r, "own.pdf", letter("own"))
	web, work := h.database.Web(t, db.Options{Clock: h.clock}), h.database.Work(t, db.Options{Clock: h.clock})
	const clean = `UPDATE refund_document SET scan = 'clean', scanned_at = now() WHERE id = $1`
	if err := h.by(web, clean, d.ID); !denied(err) {
		t.Errorf("the web side: %v", err)
	}
	const forged = `INSERT INTO refund_document (id, refund_id, customer_id, object_key, name, kind, uploader, uploader_kind, shown, begun_at, scan, scanned_at)
		SELECT 'forged', refund_id, customer_id, 'documents/' || repeat('0', 64), name, kind, uploader, uploader_kind, shown, begun_at, 'clean', now() FROM refund_document WHERE id = $1`
	if err := h.by(web, forged, d.ID); !db.IsCheck(err, "refund_document_scan") {
		t.Errorf("the web side adds one that was scanned: %v", err)
	}
	if err := h.by(work, `UPDATE refund_document SET scan = 'none' WHERE id = $1`, d.ID); !db.IsCheck(err, "refund_document_scan") {
		t.Errorf("a worker says that nobody was to look: %v", err)
	}
	if err := h.by(work, clean, d.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.by(work, `UPDATE refund_document SET scan = 'refused', scan_found = 'x' WHERE id = $1`, d.ID); !db.IsCheck(err, "refund_document_scan") {
		t.Errorf("a worker changes its mind: %v", err)
	}
}
