package refund

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration/refund/inspect"
)

// examine looks into a document that is kept and that nobody can open yet: one that can act, is no picture or holds what the scanner
// knows is refused. ErrDocument with the field document; ErrScanner, ErrStorage when nobody knows.
func (s *Service) examine(ctx context.Context, by party, ref string, d Document) error {
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
	if s.Scanner == nil {
		return nil
	}
	found, err := s.Scanner.Scan(ctx, bytes.NewReader(content))
	switch {
	case err != nil:
		return ErrScanner.Wrap(err)
	case found == "":
		return nil
	}
	if err := s.noteMalware(ctx, by, ref, d, found); err != nil {
		return err
	}
	return badDocument("refund.document.malware")
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

// noteMalware records what the scanner has found, which never comes to exist.
func (s *Service) noteMalware(ctx context.Context, by party, ref string, d Document, found string) error {
	err := s.DB.InTx(ctx, by.scope, func(tx *db.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{
			Actor: by.id, ActorKind: by.kind(), Act: "refund.document.malware", Object: "refund " + ref, CustomerID: d.customerID,
			Detail: map[string]any{"document": d.ID, "kind": d.Kind, "size": d.Size, "sha256": d.SHA256, "found": found},
		})
	})
	if err != nil {
		return fmt.Errorf("record malware: %w", err)
	}
	return nil
}
