package refund

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// party is who attaches, reads or removes a document.
type party struct {
	id    string
	staff bool
	scope db.Scope
}

func customerParty(who migration.Who) party {
	return party{id: who.ContactID, scope: db.CustomerScope(who.CustomerID)}
}

func staffParty(id string) party { return party{id: id, staff: true, scope: db.StaffScope(id)} }

func (p party) kind() string { return actorKind(p.id, p.staff) }

// Documents lists what the customer sees of a refund's documents, oldest first, with those that were removed. ErrOwner,
// ErrNotFound.
func (s *Service) Documents(ctx context.Context, who migration.Who, ref string) (list []Document, err error) {
	if who.Role != migration.Owner {
		return nil, ErrOwner
	}
	err = s.DB.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		r, err := s.store.one(ctx, tx, ref)
		if err != nil {
			return err
		}
		list, err = s.store.documents(ctx, tx, r.ID)
		return err
	})
	return list, err
}

// Attach adds a document to one of the customer's refunds. ErrOwner, ErrNotFound, ErrDocumentsOver; ErrDocument with the field
// document.
func (s *Service) Attach(ctx context.Context, who migration.Who, ref string, u Upload) (Document, error) {
	if who.Role != migration.Owner {
		return Document{}, ErrOwner
	}
	u.Shown = true
	return s.attach(ctx, customerParty(who), ref, u, attaching{may: func(_ *db.Tx, r Refund) error {
		if !r.Attachable() {
			return ErrDocumentsOver
		}
		return nil
	}})
}

// AnswerWith answers finance's question with a document: both, or neither. ErrOwner, ErrNotFound, ErrMoved, ErrText; ErrDocument
// with the field document.
func (s *Service) AnswerWith(ctx context.Context, who migration.Who, ref string, version int, answer string, u Upload) (next Refund, err error) {
	if who.Role != migration.Owner {
		return Refund{}, ErrOwner
	}
	u.Shown = true
	_, err = s.attach(ctx, customerParty(who), ref, u, attaching{
		may: func(_ *db.Tx, r Refund) error {
			if r.Version != version {
				return ErrMoved
			}
			_, err := r.reply(answer)
			return err
		},
		also: func(tx *db.Tx, r Refund) error {
			to, a, err := replied(r, who, answer)
			if err != nil {
				return err
			}
			next, err = s.follow(ctx, tx, r, to, a)
			return err
		},
	})
	if err != nil {
		return Refund{}, err
	}
	return s.masked(ctx, next)
}

// AttachForStaff adds a document of finance's, which the customer sees only where the upload says so. ErrNotFound, ErrSamePerson for
// those who sign in for the customer, too; ErrDocument with the field document. For finance.
func (s *Service) AttachForStaff(ctx context.Context, staffID, ref string, u Upload) (Document, error) {
	return s.attach(ctx, staffParty(staffID), ref, u, attaching{may: func(tx *db.Tx, r Refund) error {
		concerned, err := s.store.concerned(ctx, tx, r.CustomerID, staffID)
		if err == nil && concerned {
			return ErrSamePerson
		}
		return err
	}})
}

// attaching is what a document's coming depends on, and what comes with it.
type attaching struct {
	may  func(tx *db.Tx, r Refund) error // asked before the body is read, and when it is kept
	also func(tx *db.Tx, r Refund) error // nil: nothing
}

// attach keeps a document: its row, which says where the body will lie, is committed first; when the body lies there, one
// transaction makes the document exist. Whatever fails leaves nothing behind, or what the sweep removes.
func (s *Service) attach(ctx context.Context, by party, ref string, u Upload, a attaching) (d Document, err error) {
	body, err := newIncoming(u.Body)
	if err != nil {
		return Document{}, err
	}
	d = Document{
		ID: rand.Text(), Name: documentName(u.Name, body.kind), Kind: body.kind, By: by.id, ByKind: by.kind(), Shown: u.Shown, Scan: s.scanFirst(), key: s.Bodies.NewKey(),
	}
	if err := s.begin(ctx, by, ref, &d, a); err != nil {
		return Document{}, fmt.Errorf("attach to %s: %w", ref, err)
	}
	s.at("document begun")
	d.Size, d.SHA256, err = s.Bodies.Keep(ctx, d.key, body, d.Kind.MediaType())
	switch {
	case body.failed != nil:
		err = body.failed
	case err != nil && ctx.Err() == nil:
		err = ErrStorage.Wrap(err)
	}
	if err == nil {
		s.at("document kept")
		err = s.examine(ctx, d)
	}
	if err == nil {
		err = s.finish(ctx, by, ref, &d, a)
	}
	if err != nil {
		s.forget(ctx, by, d)
		return Document{}, fmt.Errorf("attach to %s: %w", ref, err)
	}
	return d, nil
}

// begin reserves a document's place and name.
func (s *Service) begin(ctx context.Context, by party, ref string, d *Document, a attaching) error {
	return s.DB.InTx(ctx, by.scope, func(tx *db.Tx) error {
		r, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := a.may(tx, r); err != nil {
			return err
		}
		there, all, err := s.store.countDocuments(ctx, tx, r.ID, d.ByKind)
		if err != nil {
			return err
		}
		if there >= DocumentsLimit || all >= documentsInAll {
			return badDocument("refund.document.full")
		}
		d.refundID, d.customerID = r.ID, r.CustomerID
		return s.store.beginDocument(ctx, tx, *d)
	})
}

// finish makes a document exist whose body is kept.
func (s *Service) finish(ctx context.Context, by party, ref string, d *Document, a attaching) error {
	return s.DB.InTx(ctx, by.scope, func(tx *db.Tx) error {
		r, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := a.may(tx, r); err != nil {
			return err
		}
		d.At = tx.Now
		if err := s.store.attachDocument(ctx, tx, *d); err != nil {
			return err
		}
		kind := "document_attached"
		if !d.Shown {
			kind = "document_filed"
		}
		if err := s.noteDocument(ctx, tx, r, *d, by, kind, "refund.document.attach"); err != nil {
			return err
		}
		if d.Scan == Scanning {
			if _, err := s.Jobs.InsertTx(ctx, tx, ScanArgs{Document: d.ID}, nil); err != nil {
				return err
			}
		}
		if a.also == nil {
			return nil
		}
		return a.also(tx, r)
	})
}

// noteDocument writes the entries of the history and of the audit log. The log names no file: its name may say something of a
// person, and the log is kept for ever.
func (s *Service) noteDocument(ctx context.Context, tx *db.Tx, r Refund, d Document, by party, kind, record string) error {
	n := note{r.ID, r.CustomerID, r.Version, kind, by.id, by.kind(), r.State, r.State, d.Name}
	if err := s.store.addEvent(ctx, tx, n); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: by.id, ActorKind: by.kind(), Act: record, Object: "refund " + r.Ref, CustomerID: r.CustomerID,
		Detail: map[string]any{"document": d.ID, "kind": d.Kind, "size": d.Size, "sha256": d.SHA256, "shown": d.Shown},
	})
}

// forget takes back what an attempt to attach has left, as far as it can: the sweep does the rest. The row goes first, so that a
// document that came to exist after all keeps its body.
func (s *Service) forget(ctx context.Context, by party, d Document) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.dropUnborn(ctx, by.scope, d); err != nil {
		s.Log.WarnContext(ctx, "a document that did not arrive is left to the sweep", slog.String("document", d.ID), slog.String("error", err.Error()))
	}
}

func (s *Service) dropUnborn(ctx context.Context, scope db.Scope, d Document) error {
	unborn := false
	err := s.DB.InTx(ctx, scope, func(tx *db.Tx) (err error) {
		unborn, err = s.store.forgetDocument(ctx, tx, d.ID)
		return err
	})
	if err != nil || !unborn {
		return err
	}
	return s.Bodies.Drop(ctx, d.key)
}

// RemoveDocument takes back a document that the person attached. ErrOwner, ErrNotFound, ErrNoDocument, ErrDocumentStays once the
// refund is approved.
func (s *Service) RemoveDocument(ctx context.Context, who migration.Who, ref, id string) error {
	if who.Role != migration.Owner {
		return ErrOwner
	}
	return s.remove(ctx, customerParty(who), ref, id)
}

// RemoveDocumentForStaff takes back a document that the member of staff attached. ErrNotFound, ErrNoDocument, ErrDocumentStays.
// For finance.
func (s *Service) RemoveDocumentForStaff(ctx context.Context, staffID, ref, id string) error {
	return s.remove(ctx, staffParty(staffID), ref, id)
}

func (s *Service) remove(ctx context.Context, by party, ref, id string) error {
	err := s.DB.InTx(ctx, by.scope, func(tx *db.Tx) error {
		r, err := s.store.lock(ctx, tx, ref)
		if err != nil {
			return err
		}
		d, err := s.store.document(ctx, tx, r.ID, id)
		switch {
		case err != nil:
			return err
		case !d.There():
			return ErrNoDocument
		case !r.Removable(d, by.id):
			return ErrDocumentStays
		}
		d.RemovedBy = by.id
		if err := s.store.removeDocument(ctx, tx, d); err != nil {
			return err
		}
		kind := "document_removed"
		if !d.Shown {
			kind = "document_unfiled"
		}
		if err := s.noteDocument(ctx, tx, r, d, by, kind, "refund.document.remove"); err != nil {
			return err
		}
		_, err = s.Jobs.InsertTx(ctx, tx, PurgeArgs{Document: d.ID}, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove document of %s: %w", ref, err)
	}
	return nil
}

// OpenDocument opens a document for one of the customer's owners, who closes it. ErrOwner, ErrNotFound, ErrNoDocument, ErrScanning,
// ErrUnfit.
func (s *Service) OpenDocument(ctx context.Context, who migration.Who, ref, id string) (*DocumentContent, error) {
	if who.Role != migration.Owner {
		return nil, ErrOwner
	}
	return s.openDocument(ctx, customerParty(who), ref, id)
}

// OpenDocumentForStaff opens a document and records it; the caller closes it. ErrNotFound, ErrNoDocument,
// ErrScanning, ErrUnfit. For finance.
func (s *Service) OpenDocumentForStaff(ctx context.Context, staffID, ref, id string) (*DocumentContent, error) {
	return s.openDocument(ctx, staffParty(staffID), ref, id)
}

func (s *Service) openDocument(ctx context.Context, by party, ref, id string) (*DocumentContent, error) {
	var d Document
	err := s.DB.InTx(ctx, by.scope, func(tx *db.Tx) error {
		r, err := s.store.one(ctx, tx, ref)
		if err != nil {
			return err
		}
		if d, err = s.store.document(ctx, tx, r.ID, id); err != nil {
			return err
		}
		if err := d.ready(); err != nil || !by.staff {
			return err
		}
		return s.noteDocument(ctx, tx, r, d, by, "document_read", "refund.document.read")
	})
	if err != nil {
		return nil, fmt.Errorf("open document of %s: %w", ref, err)
	}
	body, err := s.Bodies.Open(ctx, d.key)
	if err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	return &DocumentContent{Document: d, body: body, sum: sha256.New()}, nil
}

// DocumentContent is a document that is being read. Its reading ends with an error where what lies there is not what was attached.
type DocumentContent struct {
	Document
	body io.ReadCloser
	sum  hash.Hash
}

// Read implements io.Reader.
func (c *DocumentContent) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(c.sum.Sum(nil)) != c.SHA256 {
		err = ErrStorage.Wrap(fmt.Errorf("document %s is not what was attached", c.ID))
	}
	return n, err
}

// Close implements io.Closer.
func (c *DocumentContent) Close() error { return c.body.Close() }

// replied is what an answer leads to.
func replied(r Refund, who migration.Who, answer string) (Refund, act, error) {
	next, err := r.reply(answer)
	return next, act{kind: "answered", actor: who.ContactID, text: next.Answer, tell: migration.RefundAnswered, mail: mail.RefundAnswered, record: "refund.answer"}, err
}
