package refund_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
)

// letter is a PDF as far as its frame goes.
func letter(text string) string { return "%PDF-1.7\n" + text + "\n%%EOF\n" }

// picture and photo are of one grey colour.
var (
	picture = drawn(func(w io.Writer, m image.Image) error { return png.Encode(w, m) })
	photo   = drawn(func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
)

func drawn(encode func(io.Writer, image.Image) error) string {
	var b strings.Builder
	if err := encode(&b, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
		panic(err)
	}
	return b.String()
}

// shelved gives a house a bucket for documents.
func shelved(h *house) *storage.Bucket {
	h.Helper()
	s := localtest.S3(h.T)
	b, err := storage.Open(h.Context(), storage.Config{
		Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket(h.T), AccessKey: s.AccessKey, SecretKey: s.SecretKey, PathStyle: true, Backoff: 20 * time.Millisecond, Attempts: 2,
	})
	if err != nil {
		h.Fatal(err)
	}
	h.config.Bodies = storage.NewShelf(b, refund.DocumentPrefix)
	h.service = refund.NewService(h.config)
	return b
}

// shelf lists the keys in a bucket.
func shelf(h *house, b *storage.Bucket) (keys []string) {
	h.Helper()
	if err := b.ListOlder(h.Context(), "", -time.Hour, func(l storage.Leftover) error {
		keys = append(keys, l.Key)
		return nil
	}); err != nil {
		h.Fatal(err)
	}
	return keys
}

func (h *house) attach(r refund.Refund, name, content string) refund.Document {
	h.Helper()
	d, err := h.service.Attach(h.Context(), who(r.CustomerID), r.Ref, refund.Upload{Name: name, Body: strings.NewReader(content)})
	if err != nil {
		h.Fatal(err)
	}
	return d
}

func (h *house) filed(r refund.Refund, name, content string, shown bool) refund.Document {
	h.Helper()
	d, err := h.service.AttachForStaff(h.Context(), clara, r.Ref, refund.Upload{Name: name, Body: strings.NewReader(content), Shown: shown})
	if err != nil {
		h.Fatal(err)
	}
	return d
}

// seen are the names of the documents that the customer sees.
func (h *house) seen(r refund.Refund) (names []string) {
	h.Helper()
	list, err := h.service.Documents(h.Context(), who(r.CustomerID), r.Ref)
	if err != nil {
		h.Fatal(err)
	}
	for _, d := range list {
		names = append(names, d.Name)
	}
	slices.Sort(names) // the clock stands still
	return names
}

func fieldKey(err error) string {
	if f, ok := fault.As(err); ok && len(f.Fields) == 1 && f.Fields[0].Name == "document" {
		return f.Fields[0].Key
	}
	return fmt.Sprint(err)
}

func TestADocumentIsKeptWholeAndGivenBack(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	large := letter(strings.Repeat("seven bytes", 1<<20*9/11)) // in several parts
	for name, content := range map[string]string{"letter.pdf": large, "shot.png": picture, "photo.jpeg": photo} {
		d := h.attach(r, name, content)
		if d.Name != name || d.Size != int64(len(content)) || !d.Shown || d.By != "contact-a" {
			t.Errorf("%+v", d)
		}
		for who, open := range map[string]func() (*refund.DocumentContent, error){
			"customer": func() (*refund.DocumentContent, error) {
				return h.service.OpenDocument(t.Context(), who("a"), r.Ref, d.ID)
			},
			"finance": func() (*refund.DocumentContent, error) {
				return h.service.OpenDocumentForStaff(t.Context(), alan, r.Ref, d.ID)
			},
		} {
			c, err := open()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != content || c.SHA256 != d.SHA256 {
				t.Errorf("%s reads %d bytes of %s: %v", who, len(got), name, err)
			}
			_ = c.Close()
		}
	}
	for _, key := range shelf(h, b) {
		if len(key) != len(refund.DocumentPrefix)+64 || strings.Contains(key, r.Ref) || strings.Contains(key, "letter") {
			t.Errorf("the key %s says something", key)
		}
	}
	if got := h.history(r); got != "submitted"+strings.Repeat(" document_attached document_read", 3) {
		t.Errorf("history: %s", got)
	}
	if got := h.text(`SELECT string_agg(act || ' ' || actor_kind, ', ' ORDER BY seq) FROM audit WHERE act LIKE 'refund.document%'`); got != strings.TrimSuffix(strings.Repeat("refund.document.attach customer, refund.document.read staff, ", 3), ", ") {
		t.Errorf("audit: %s", got)
	}
	if got := h.text(`SELECT count(*) FROM audit WHERE detail::text LIKE '%letter.pdf%'`); got != "0" {
		t.Error("the audit log names a file")
	}
}

func TestI01_ADocumentIsTakenByItsBytesAlone(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	for name, tt := range map[string]struct{ content, want string }{
		"nothing":                      {"", "refund.document.empty"},
		"one byte":                     {"%", "refund.document.kind"},
		"a page":                       {"<!doctype html><script>alert(1)</script>", "refund.document.kind"},
		"a page with a PDF in it":      {"<!doctype html>\n" + letter("x"), "refund.document.kind"},
		"a drawing":                    {`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "refund.document.kind"},
		"a ZIP that ends as a PDF":     {"PK\x03\x04" + letter("x"), "refund.document.kind"},
		"a GIF":                        {"GIF89a" + strings.Repeat("x", 50), "refund.document.kind"},
		"a program":                    {"MZ" + strings.Repeat("x", 50), "refund.document.kind"},
		"a PDF of no version":          {"%PDF-x" + letter("x"), "refund.document.kind"},
		"half a PDF":                   {"%PDF-1.7\n" + strings.Repeat("x", 3000), "refund.document.cut"},
		"a PDF with a page behind":     {letter("x") + strings.Repeat("<p>", 700), "refund.document.cut"},
		"a picture with a page behind": {picture + "<script>alert(1)</script>", "refund.document.cut"},
		"half a picture":               {picture[:len(picture)-1], "refund.document.cut"},
		"one byte too many":            {letter(strings.Repeat("x", refund.MaxDocument+1-len(letter("")))), "refund.document.big"},
		"far too many":                 {letter(strings.Repeat("x", refund.MaxDocument*2)), "refund.document.big"},
	} {
		_, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "letter.pdf", Body: strings.NewReader(tt.content)})
		if got := fieldKey(err); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	broken := io.MultiReader(strings.NewReader("%PDF-1.7\n"+strings.Repeat("x", 100)), failing{io.ErrUnexpectedEOF})
	if _, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x.pdf", Body: broken}); fieldKey(err) != "refund.document.cut" {
		t.Errorf("a connection that breaks: %v", err)
	}
	slow := io.MultiReader(strings.NewReader("%PDF-1.7\n"+strings.Repeat("x", 100)), failing{context.DeadlineExceeded})
	if _, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x.pdf", Body: slow}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a reader's own error: %v", err)
	}
	if left := shelf(h, b); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if h.text(`SELECT count(*) FROM refund_document`) != "0" || h.history(r) != "submitted" {
		t.Error("something refused left a row")
	}
	if d := h.attach(r, "whole.pdf", letter(strings.Repeat("x", refund.MaxDocument-len(letter(""))))); d.Size != refund.MaxDocument {
		t.Errorf("the largest: %d", d.Size)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestI07_ADocumentsNameIsMadeSafe(t *testing.T) {
	h := open(t)
	shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	for i, tt := range []struct{ sent, want string }{
		{"letter.pdf", "letter.pdf"},
		{"LETTER.PDF", "LETTER.PDF"},
		{"银行证明.pdf", "银行证明.pdf"},
		{"../../etc/passwd", "passwd.pdf"},
		{`C:\Users\lin\letter.pdf`, "letter.pdf"},
		{"evil\u202efdp.exe", "evilfdp.exe.pdf"},
		{"zero\u200bwidth\u2066.pdf", "zerowidth.pdf"},
		{"a\r\nSet-Cookie: x=y.pdf", "a  Set-Cookie_ x=y.pdf"},
		{"page.html", "page.html.pdf"},
		{"nul\x00.pdf", "nul.pdf"},
		{"bad\xff.pdf", "bad.pdf"},
		{`q"uo<te>.pdf`, "q_uo_te.pdf"},
		{" .. ", "document.pdf"},
		{"", "document.pdf"},
		{".pdf", "document.pdf"},
		{strings.Repeat("字", 300) + ".pdf", strings.Repeat("字", 116) + ".pdf"},
	} {
		if d := h.filed(r, tt.sent, letter(fmt.Sprint(i)), false); d.Name != tt.want {
			t.Errorf("%q is %q, want %q", tt.sent, d.Name, tt.want)
		}
	}
	if d := h.attach(r, "x.pdf", photo); d.Name != "x.pdf.jpg" {
		t.Errorf("a photograph: %q", d.Name)
	}
}

func TestZ02_ADocumentIsOutOfReachForOthers(t *testing.T) {
	h := open(t)
	shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("b", "P2", 365_00, "CNY")
	r, other := h.submit("a", "CNY", refund.Original), h.submit("b", "CNY", refund.Original)
	own, hidden, shown := h.attach(r, "own.pdf", letter("own")), h.filed(r, "hidden.pdf", letter("hidden"), false), h.filed(r, "shown.pdf", letter("shown"), true)
	if got := strings.Join(h.seen(r), " "); got != "own.pdf shown.pdf" {
		t.Errorf("the customer sees %s", got)
	}
	member := who("a")
	member.Role = migration.Member
	for name, tt := range map[string]struct {
		who  migration.Who
		ref  string
		id   string
		want error
	}{
		"own":                         {who("a"), r.Ref, own.ID, nil},
		"shown":                       {who("a"), r.Ref, shown.ID, nil},
		"hidden":                      {who("a"), r.Ref, hidden.ID, refund.ErrNoDocument},
		"nothing":                     {who("a"), r.Ref, "x", refund.ErrNoDocument},
		"another customer":            {who("b"), r.Ref, own.ID, refund.ErrNotFound},
		"under another's own refund":  {who("b"), other.Ref, own.ID, refund.ErrNoDocument},
		"a member, who may not":       {member, r.Ref, own.ID, refund.ErrOwner},
		"a refund that is not theirs": {who("a"), other.Ref, own.ID, refund.ErrNotFound},
	} {
		c, err := h.service.OpenDocument(t.Context(), tt.who, tt.ref, tt.id)
		if err == nil {
			_ = c.Close()
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want == nil {
			continue
		}
		if err := h.service.RemoveDocument(t.Context(), tt.who, tt.ref, tt.id); !errors.Is(err, tt.want) {
			t.Errorf("%s removes: %v", name, err)
		}
	}
	for _, by := range []migration.Who{who("b"), member} {
		if _, err := h.service.Attach(t.Context(), by, r.Ref, refund.Upload{Name: "x.pdf", Body: strings.NewReader(letter("x"))}); fault.KindOf(err) != fault.NotFound && !errors.Is(err, refund.ErrOwner) {
			t.Errorf("%+v attaches: %v", by, err)
		}
		if _, err := h.service.Documents(t.Context(), by, r.Ref); err == nil {
			t.Errorf("%+v lists", by)
		}
	}
	for scope, want := range map[db.Scope]int{db.NoScope(): 0, db.CustomerScope("b"): 0, db.CustomerScope("a"): 2, db.StaffScope(alan): 3} {
		n := 0
		h.in(scope, func(tx *db.Tx) error {
			return tx.Pgx.QueryRow(t.Context(), `SELECT count(*) FROM refund_document`).Scan(&n)
		})
		if n != want {
			t.Errorf("%s reaches %d rows, want %d", scope, n, want)
		}
	}
}

func TestDocumentsAreBoundedAndKeptOnce(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	for i := range refund.DocumentsLimit - 1 {
		h.attach(r, "x.pdf", letter(fmt.Sprint(i)))
	}
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x.pdf", Body: strings.NewReader(letter(fmt.Sprintf("late %d", i)))})
		})
	}
	all.Wait()
	kept := 0
	for _, err := range errs {
		if err == nil {
			kept++
		} else if fieldKey(err) != "refund.document.full" {
			t.Error(err)
		}
	}
	if kept != 1 || len(h.seen(r)) != refund.DocumentsLimit || len(shelf(h, b)) != refund.DocumentsLimit {
		t.Errorf("%d of four were kept, %d in all, %d bodies", kept, len(h.seen(r)), len(shelf(h, b)))
	}
	first := h.filed(r, "x.pdf", letter("1"), true) // finance's own count, and the same bytes
	if _, err := h.service.AttachForStaff(t.Context(), alan, r.Ref, refund.Upload{Name: "again.pdf", Body: strings.NewReader(letter("1"))}); fieldKey(err) != "refund.document.twice" {
		t.Errorf("the same bytes twice: %v", err)
	}
	if err := h.service.RemoveDocumentForStaff(t.Context(), clara, r.Ref, first.ID); err != nil {
		t.Fatal(err)
	}
	h.filed(r, "x.pdf", letter("1"), true) // after it was removed, again
}

func TestADocumentIsRemovedByWhoeverAttachedItUntilTheApproval(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	own, filed := h.attach(r, "own.pdf", letter("own")), h.filed(r, "filed.pdf", letter("filed"), true)
	for name, err := range map[string]error{
		"a colleague's": h.service.RemoveDocumentForStaff(t.Context(), alan, r.Ref, filed.ID),
		"a customer's":  h.service.RemoveDocumentForStaff(t.Context(), clara, r.Ref, own.ID),
		"finance's":     h.service.RemoveDocument(t.Context(), who("a"), r.Ref, filed.ID),
	} {
		if !errors.Is(err, refund.ErrDocumentStays) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := h.attach(r, "gone.pdf", letter("gone"))
	if err := h.service.RemoveDocument(t.Context(), who("a"), r.Ref, gone.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.service.RemoveDocument(t.Context(), who("a"), r.Ref, gone.ID); !errors.Is(err, refund.ErrNoDocument) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := h.service.OpenDocument(t.Context(), who("a"), r.Ref, gone.ID); !errors.Is(err, refund.ErrNoDocument) {
		t.Errorf("opened after its removal: %v", err)
	}
	if got := h.text(`SELECT remover || ' ' || (removed_at IS NOT NULL) || ' ' || (purged_at IS NULL) FROM refund_document WHERE id = $1`, gone.ID); got != "contact-a true true" {
		t.Errorf("the row: %s", got)
	}
	if err := refund.DrainPurges(t.Context(), h.service); err != nil {
		t.Fatal(err)
	}
	if n := len(shelf(h, b)); n != 2 || h.text(`SELECT count(*) FROM refund_document WHERE purged_at IS NOT NULL`) != "1" {
		t.Errorf("%d bodies are left", n)
	}
	r = h.approved(r)
	if err := h.service.RemoveDocument(t.Context(), who("a"), r.Ref, own.ID); !errors.Is(err, refund.ErrDocumentStays) {
		t.Errorf("removed after the approval: %v", err)
	}
	if err := h.service.RemoveDocumentForStaff(t.Context(), clara, r.Ref, filed.ID); !errors.Is(err, refund.ErrDocumentStays) {
		t.Errorf("removed after the approval: %v", err)
	}
	if got := h.history(r); !strings.HasPrefix(got, "submitted document_attached document_attached document_attached document_removed") {
		t.Errorf("history: %s", got)
	}
	for name, sql := range map[string]string{
		"deleted":  `DELETE FROM refund_document WHERE id = $1`,
		"moved":    `UPDATE refund_document SET sha256 = repeat('0', 64) WHERE id = $1`,
		"restored": `UPDATE refund_document SET remover = NULL, removed_at = NULL WHERE removed_at IS NOT NULL AND id <> $1`,
	} {
		if err := h.try(sql, own.ID); err == nil {
			t.Errorf("%s by raw SQL", name)
		}
	}
}

func TestDocumentsOfARefundThatIsOver(t *testing.T) {
	h := open(t)
	shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Waive)
	r = h.approved(r)
	if r.State != refund.Waived {
		t.Fatal(r.State)
	}
	if _, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x.pdf", Body: strings.NewReader(letter("x"))}); !errors.Is(err, refund.ErrDocumentsOver) {
		t.Errorf("the customer: %v", err)
	}
	h.filed(r, "confirmation.pdf", letter("paid"), false) // a bank confirms afterwards
}

func TestZ05_StaffAttachNothingToTheirOwnRefund(t *testing.T) {
	h := open(t)
	shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at) VALUES ('staff-own', 'staff', 'x', 'x', 'x', 'A@example.com', '{finance_clerk}', $1, $1)`, today)
	if _, err := h.service.AttachForStaff(t.Context(), "staff-own", r.Ref, refund.Upload{Name: "x.pdf", Body: strings.NewReader(letter("x"))}); !errors.Is(err, refund.ErrSamePerson) {
		t.Error(err)
	}
}

func TestAnAnswerComesWithItsDocumentOrNotAtAll(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	r, err := h.service.SendBack(t.Context(), clara, r.Ref, r.Version, "Which?")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(version int, text, content string) error {
		_, err := h.service.AnswerWith(t.Context(), who("a"), r.Ref, version, text, refund.Upload{Name: "x.pdf", Body: strings.NewReader(content)})
		return err
	}
	if err := answer(r.Version-1, "This.", letter("x")); !errors.Is(err, refund.ErrMoved) {
		t.Errorf("a stale answer: %v", err)
	}
	if err := answer(r.Version, " ", letter("x")); !errors.Is(err, refund.ErrText) {
		t.Errorf("an empty answer: %v", err)
	}
	if err := answer(r.Version, "This.", "<p>"); fieldKey(err) != "refund.document.kind" {
		t.Errorf("with a page: %v", err)
	}
	if got := h.get(r); got.State != refund.Questioned || len(h.seen(r)) > 0 || len(shelf(h, b)) > 0 {
		t.Errorf("something of a refused answer was kept: %s", got.State)
	}
	if err := answer(r.Version, "This.", letter("x")); err != nil {
		t.Fatal(err)
	}
	if got := h.get(r); got.State != refund.Submitted || got.Answer != "This." || len(h.seen(r)) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestWhatADeathLeavesOfADocumentIsSwept(t *testing.T) {
	for _, point := range []string{"document begun", "document kept"} {
		t.Run(point, func(t *testing.T) {
			h := open(t)
			b := shelved(h)
			h.paid("a", "P1", 365_00, "CNY")
			r := h.submit("a", "CNY", refund.Original)
			kept := h.attach(r, "kept.pdf", letter("kept"))
			dying := h.config
			dying.At = func(at string) {
				if at == point {
					panic("killed")
				}
			}
			func() {
				defer func() { _ = recover() }()
				_, err := refund.NewService(dying).Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x.pdf", Body: strings.NewReader(letter("x"))})
				t.Errorf("survived: %v", err)
			}()
			if h.text(`SELECT count(*) FROM refund_document`) != "2" || len(h.seen(r)) != 1 {
				t.Error("the row did not come first")
			}
			if err := h.service.SweepDocuments(t.Context()); err != nil || h.text(`SELECT count(*) FROM refund_document`) != "2" {
				t.Errorf("swept while it may still arrive: %v", err)
			}
			h.clock.Set(today.Add(2 * time.Hour))
			if err := h.service.SweepDocuments(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h.text(`SELECT count(*) FROM refund_document`) != "1" || len(shelf(h, b)) != 1 {
				t.Errorf("left: %v", shelf(h, b))
			}
			c, err := h.service.OpenDocument(t.Context(), who("a"), r.Ref, kept.ID)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		})
	}
}

func TestABodyThatNobodyKnowsIsSwept(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	kept, removed := h.attach(r, "kept.pdf", letter("kept")), h.attach(r, "removed.pdf", letter("removed"))
	if err := h.service.RemoveDocument(t.Context(), who("a"), r.Ref, removed.ID); err != nil {
		t.Fatal(err)
	}
	stray := h.config.Bodies.NewKey()
	if _, err := b.Put(t.Context(), stray, []byte("x"), "text/plain"); err != nil {
		t.Fatal(err)
	}
	h.config.Bodies = old{h.config.Bodies}
	h.service = refund.NewService(h.config)
	h.clock.Set(today.Add(2 * time.Hour)) // its job was lost
	if err := h.service.SweepDocuments(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := shelf(h, b); len(left) != 1 || left[0] != h.text(`SELECT object_key FROM refund_document WHERE id = $1`, kept.ID) {
		t.Errorf("left: %v", left)
	}
}

// old makes everything in the bucket old enough to be swept.
type old struct{ refund.Bodies }

func (o old) Sweep(ctx context.Context, _ time.Duration, known func(context.Context, string) (bool, error)) error {
	return o.Bodies.Sweep(ctx, -time.Hour, known)
}

func TestADocumentThatWasChangedInTheStoreIsNotGivenAsWhole(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	d := h.attach(r, "x.pdf", letter("true"))
	if _, err := b.Put(t.Context(), shelf(h, b)[0], []byte(letter("fake")), "application/pdf"); err != nil {
		t.Fatal(err)
	}
	c, err := h.service.OpenDocument(t.Context(), who("a"), r.Ref, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, refund.ErrStorage) {
		t.Errorf("read: %v", err)
	}
	_ = c.Close()
	if err := b.Delete(t.Context(), shelf(h, b)[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.OpenDocument(t.Context(), who("a"), r.Ref, d.ID); !errors.Is(err, refund.ErrStorage) {
		t.Errorf("opened without a body: %v", err)
	}
}
