package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Link hands out a link to the archive that works for Options.LinkTTL without further credentials. Who may, and whether the
// archive is still there, is checked each time, and each link is recorded. ErrNotReady, ErrExpired.
func (s *Service) Link(ctx context.Context, who migration.Who, p *migration.Programme, id string) (string, error) {
	e, name, err := s.release(ctx, who, p, id)
	if err != nil {
		return "", err
	}
	link, err := s.bucket.Presign(ctx, e.ObjectKey, name, s.opts.LinkTTL)
	if err != nil {
		return "", fmt.Errorf("link to %s: %w", e.Reference(), err)
	}
	return link, nil
}

// Content opens the archive for a download through the portal, for browsers that cannot reach the bucket. It is checked and
// recorded like a link. The caller closes it.
func (s *Service) Content(ctx context.Context, who migration.Who, p *migration.Programme, id string) (*Content, error) {
	e, name, err := s.release(ctx, who, p, id)
	if err != nil {
		return nil, err
	}
	return &Content{Name: name, Size: e.ObjectSize, SHA256: e.SHA256, ctx: ctx, bucket: s.bucket, key: e.ObjectKey}, nil
}

// release decides whether the person may have the archive now, and records that they got it.
func (s *Service) release(ctx context.Context, who migration.Who, p *migration.Programme, id string) (e Export, name string, err error) {
	if !May(who, p) {
		return Export{}, "", ErrOwnersOnly
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if e, err = s.store.lock(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case e.State == Expired, e.State == Ready && !e.Downloadable(tx.Now):
			return ErrExpired
		case e.State != Ready:
			return ErrNotReady
		}
		ref, err := s.store.customerRef(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		name = p.Key + "-" + ref + "-" + e.Reference() + ".zip"
		if err := s.store.recordDownload(ctx, tx, e, who.ContactID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.download", Object: subject(e), CustomerID: e.CustomerID,
		})
	})
	if err != nil {
		return Export{}, "", fmt.Errorf("release export: %w", err)
	}
	downloads.Inc()
	return e, name, nil
}

// Content is an archive being downloaded through the portal. It is an io.ReadSeekCloser for http.ServeContent, which answers
// ranges with it; nothing is read before the first Read.
type Content struct {
	Name   string // of the file
	Size   int64
	SHA256 string // hexadecimal; also fit for an ETag

	ctx    context.Context
	bucket *storage.Bucket
	key    string
	at     int64
	object *storage.Object
}

// Seek implements io.Seeker.
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.Size
	}
	if offset < 0 {
		return c.at, errors.New("seek before the beginning")
	}
	if offset != c.at {
		_ = c.Close()
	}
	c.at = offset
	return offset, nil
}

// Read implements io.Reader. ErrExpired when the archive was removed meanwhile.
func (c *Content) Read(p []byte) (int, error) {
	if c.at >= c.Size {
		return 0, io.EOF
	}
	if c.object == nil {
		o, err := c.bucket.Open(c.ctx, c.key, c.at)
		if err != nil {
			return 0, gone(err)
		}
		c.object = o
	}
	n, err := c.object.Read(p)
	c.at += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = gone(err)
	}
	return n, err
}

// Close implements io.Closer.
func (c *Content) Close() error {
	if c.object == nil {
		return nil
	}
	err := c.object.Close()
	c.object = nil
	return err
}

func gone(err error) error {
	if storage.KindOf(err) == storage.NotFound {
		return ErrExpired.Wrap(err)
	}
	return err
}
