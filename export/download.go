package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Link hands out a link to a volume's archive that works for Options.LinkTTL without further credentials. Who may, and
// whether the archive is still there, is checked each time, and each link is recorded. ErrNotReady, ErrExpired,
// ErrLost; ErrNotFound for a number that the export does not have.
func (s *Service) Link(ctx context.Context, who migration.Who, p *migration.Programme, id string, number int) (string, error) {
	if err := s.find(ctx, who, p, id, number); err != nil {
		return "", err
	}
	e, v, name, err := s.release(ctx, who, p, id, number)
	if err != nil {
		return "", err
	}
	link, err := s.bucket.Presign(ctx, v.Key, name, s.opts.LinkTTL)
	if err != nil {
		return "", fmt.Errorf("link to volume %d of %s: %w", number, e.Reference(), err)
	}
	return link, nil
}

// Content opens a volume's archive for a download through the portal, for browsers that cannot reach the bucket. It is
// checked and recorded like a link. The caller closes it.
func (s *Service) Content(ctx context.Context, who migration.Who, p *migration.Programme, id string, number int) (*Content, error) {
	if err := s.find(ctx, who, p, id, number); err != nil {
		return nil, err
	}
	_, v, name, err := s.release(ctx, who, p, id, number)
	if err != nil {
		return nil, err
	}
	return &Content{Name: name, Size: v.Size, SHA256: v.SHA256, ctx: ctx, bucket: s.bucket, key: v.Key}, nil
}

// FileName is what a volume's archive is called. volumes is how many the export has. A locked one is not called what
// the archive within is, so that both fit into one folder.
func FileName(programmeKey, customerRef string, e Export, number, volumes int) string {
	name := plainName(programmeKey, customerRef, e, number, volumes)
	if e.Selection.Locked {
		return strings.TrimSuffix(name, ".zip") + "-locked.zip"
	}
	return name
}

// plainName is what an archive is called that no password locks.
func plainName(programmeKey, customerRef string, e Export, number, volumes int) string {
	name := programmeKey + "-" + customerRef + "-" + e.Reference()
	if volumes > 1 {
		name += fmt.Sprintf("-%02d", number)
	}
	return name + ".zip"
}

// find looks whether the archive of a volume is in the bucket, before anything is recorded of a download, and notes
// when it is lost or was found again. ErrLost. A bucket that does not answer is not asked twice: the download itself
// will tell.
func (s *Service) find(ctx context.Context, who migration.Who, p *migration.Programme, id string, number int) error {
	scope := db.CustomerScope(who.CustomerID)
	e, err := s.store.get(ctx, scope, id)
	if err != nil || !May(who, p) || !e.Downloadable(s.db.Clock.Now()) {
		return err // release says why not
	}
	i := max(number, 1) - 1
	if i >= len(e.Volumes) {
		return ErrNotFound
	}
	_, err = s.bucket.Describe(ctx, e.Volumes[i].Key)
	lost := storage.KindOf(err) == storage.NotFound
	if lost || err == nil && e.LostAt != nil {
		if err := s.noteLost(ctx, scope, e, lost); err != nil {
			return err
		}
	}
	if lost {
		return ErrLost
	}
	return nil
}

// noteLost records that an archive is missing, or there again.
func (s *Service) noteLost(ctx context.Context, scope db.Scope, e Export, lost bool) error {
	act := "export.lost"
	if !lost {
		act = "export.found"
	}
	news := false
	err := s.db.InTx(ctx, scope, func(tx *db.Tx) (err error) {
		if news, err = s.store.markLost(ctx, tx, e.ID, lost); err != nil || !news {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "portal", ActorKind: audit.System, Act: act, Object: subject(e), CustomerID: e.CustomerID})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	if news && lost {
		losses.Inc()
	}
	return nil
}

// release decides whether the person may have the volume now, and records that they got it.
func (s *Service) release(ctx context.Context, who migration.Who, p *migration.Programme, id string, number int) (e Export, v Volume, name string, err error) {
	if !May(who, p) {
		return Export{}, Volume{}, "", ErrOwnersOnly
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
		if v, err = s.store.volume(ctx, tx, id, max(number, 1)); err != nil {
			return err
		}
		count, err := s.store.countVolumes(ctx, tx, e)
		if err != nil {
			return err
		}
		ref, err := s.store.customerRef(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		name = FileName(p.Key, ref, e, v.Number, count)
		if err := s.store.recordDownload(ctx, tx, e, v.Number, who.ContactID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.download", Object: subject(e), CustomerID: e.CustomerID,
			Detail: map[string]any{"volume": v.Number},
		})
	})
	if err != nil {
		return Export{}, Volume{}, "", fmt.Errorf("release export: %w", err)
	}
	downloads.Inc()
	return e, v, name, nil
}

// Content is an archive being downloaded through the portal. It is an io.ReadSeekCloser for http.ServeContent, which
// answers ranges with it; nothing is read before the first Read.
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
