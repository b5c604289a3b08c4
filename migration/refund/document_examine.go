package refund

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration/refund/inspect"
)

// examine looks into a document that is kept and that nobody can open yet: one that can act or is no picture is refused. ErrDocument
// with the field document; ErrStorage.
func (s *Service) examine(ctx context.Context, d Document) error {
	content, err := s.whole(ctx, d)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	look := inspect.Picture
	if d.Kind == PDF {
		look = inspect.PDF
	}
	if err := look(content); err != nil {
		return refusedDocument(err)
	}
	return nil
}

// scanFirst is how a document begins: where there is a scanner, nobody gets it before that has looked.
func (s *Service) scanFirst() ScanState {
	if s.Scanner == nil {
		return Unscanned
	}
	return Scanning
}

// refusedDocument words what was found in a document.
func refusedDocument(err error) error {
	for cause, key := range map[error]string{
		inspect.ErrActive: "active", inspect.ErrProtected: "protected", inspect.ErrBroken: "broken", inspect.ErrHuge: "huge",
	} {
		if errors.Is(err, cause) {
			return badDocument("refund.document." + key)
		}
	}
	return err
}

// whole reads a document that is kept.
func (s *Service) whole(ctx context.Context, d Document) ([]byte, error) {
	body, err := s.Bodies.Open(ctx, d.key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return io.ReadAll(io.LimitReader(body, MaxDocument+1))
}

// errNoScanner is a worker that is to scan and has nothing to do it with. What waits goes on waiting: a setting that is missing must
// not clear anything.
var errNoScanner = errors.New("refund: a document waits for a scanner, and this worker has none: OFFRAMP_SCAN_CLAMD, OFFRAMP_SCAN_ICAP")

// scanDocument has the scanner look at a document that waits for it, and writes what it says. An error means that the document goes on
// waiting.
func (s *Service) scanDocument(ctx context.Context, id string) error {
	var d Document
	var waits bool
	err := s.DB.InTx(ctx, documentScope, func(tx *db.Tx) (err error) {
		d, waits, err = s.store.scanningDocument(ctx, tx, id)
		return err
	})
	if err != nil || !waits {
		return err
	}
	if d.Found, err = s.foundIn(ctx, d); err != nil {
		scans.WithLabelValues("failed").Inc()
		return fmt.Errorf("scan document %s: %w", id, err)
	}
	d.Scan = Harmless
	if d.Found != "" {
		d.Scan = Unfit
	}
	s.at("document scanned")
	if err := s.DB.InTx(ctx, documentScope, func(tx *db.Tx) error { return s.noteScan(ctx, tx, d) }); err != nil {
		return fmt.Errorf("note scan of document %s: %w", id, err)
	}
	scans.WithLabelValues(string(d.Scan)).Inc()
	return nil
}

// foundIn is what the scanner finds in what was attached, byte for byte.
func (s *Service) foundIn(ctx context.Context, d Document) (string, error) {
	if s.Scanner == nil {
		return "", errNoScanner
	}
	content, err := s.whole(ctx, d)
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != d.SHA256 {
		return "", errors.New("what lies there is not what was attached")
	}
	return s.Scanner.Scan(ctx, bytes.NewReader(content))
}

// noteScan writes what the scanner has said, and what follows where that is malware: both sides see it, whoever attached it is written
// to, and the body goes.
func (s *Service) noteScan(ctx context.Context, tx *db.Tx, d Document) error {
	r, err := s.store.lockByID(ctx, tx, d.refundID)
	if err != nil {
		return err
	}
	waited, err := s.store.scannedDocument(ctx, tx, d)
	if err != nil || !waited || d.Scan != Unfit {
		return err
	}
	kind := "document_refused"
	if !d.Shown {
		kind = "document_refused_filed"
	}
	n := note{r.ID, r.CustomerID, r.Version, kind, system, audit.System, r.State, r.State, d.Name}
	if err := s.store.addEvent(ctx, tx, n); err != nil {
		return err
	}
	if d.ByKind == audit.Customer {
		to := letter(r, act{mail: mail.RefundUnfit})
		to.ContactID, to.Key = d.By, "document "+d.ID
		if _, err := s.Jobs.InsertTx(ctx, tx, to, nil); err != nil {
			return err
		}
	}
	if _, err := s.Jobs.InsertTx(ctx, tx, PurgeArgs{Document: d.ID}, nil); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: system, ActorKind: audit.System, Act: "refund.document.malware", Object: "refund " + r.Ref, CustomerID: r.CustomerID,
		Detail: map[string]any{"document": d.ID, "kind": d.Kind, "size": d.Size, "sha256": d.SHA256, "found": d.Found, "by": d.By},
	})
}

// ScanPatience is how long a document may wait for the scanner before somebody should look after that.
const ScanPatience = 15 * time.Minute

// ScanWait is how many documents wait for the scanner.
type ScanWait struct {
	Count int
	Since *time.Time // the longest; nil: none does
}

// Long reports whether the scanner seems not to work.
func (w ScanWait) Long(now time.Time) bool { return w.Since != nil && now.Sub(*w.Since) > ScanPatience }

// ScanWaits counts what waits for the scanner. For the operator.
func (s *Service) ScanWaits(ctx context.Context) (w ScanWait, err error) {
	err = s.DB.InTx(ctx, documentScope, func(tx *db.Tx) (err error) {
		w, err = s.store.countScanning(ctx, tx)
		return err
	})
	return w, err
}
