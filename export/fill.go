package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"offramp/export/archive"
	"offramp/export/archive/locked"
	"offramp/export/profile"
	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/secret"
	"offramp/migration"
)

// volume builds, proves and seals one volume. It reports whether that sealed the export.
func (b *builder) volume(ctx context.Context, a *attempt, w *work) (last bool, err error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.mu.Lock()
	w.stop = cancel
	a.mu.Unlock()
	s, err := b.fill(inner, a, w)
	if err == nil {
		err = b.prove(inner, a, w, s)
	}
	if err != nil {
		return false, fenced(inner, err)
	}
	b.at("proven")
	a.turn(nil)
	return b.seal(ctx, a, w, s)
}

// filled is a volume that was sent to the bucket.
type filled struct {
	proof   storage.Proof
	locked  locked.Result // of the archive within; empty: there is no lock
	receipt Receipt
	rows    int64
	files   int64
}

// fill streams the volume's archive into the bucket.
func (b *builder) fill(ctx context.Context, a *attempt, w *work) (s filled, err error) {
	passes := a.Selection.passes()
	w.ledger.expect(w.pieces, passes)
	estimate := layout{passes: passes}.compressed(sumOf(w.pieces))
	up := b.Bucket.Create(ctx, w.key, estimate+estimate/4, "application/zip") // more parts than planned would have to grow
	defer up.Abort()
	options := a.Selection.options()
	if a.large {
		options.GiveWay = b.pieceLimit(ctx)
	}
	out, lock, err := b.lock(ctx, a, w, up, estimate)
	if err != nil {
		return s, err
	}
	archived, err := archive.NewWriter(out, a.header(w.number), options)
	if err != nil {
		return s, err
	}
	if err := b.read(ctx, a, w, archived); err != nil {
		return s, err
	}
	result, err := archived.Close()
	if err != nil {
		return s, err
	}
	size := result.Size
	if lock != nil {
		if s.locked, err = lock.Close(); err != nil {
			return s, err
		}
		size = s.locked.Size
	}
	if !a.several() {
		a.view.Close() // the source need not wait for the bucket
	}
	b.at("closed")
	w.ledger.all()
	if s.proof, err = up.Commit(); err != nil {
		return s, err
	}
	if s.proof.Size != size {
		return s, &storage.Error{Kind: storage.Unavailable, Op: "commit", Key: w.key, Cause: fmt.Errorf("sent %d bytes of %d", s.proof.Size, size)}
	}
	b.at("uploaded")
	s.receipt = result.Receipt
	for _, c := range s.receipt.Datasets {
		s.rows += c.Exported
	}
	for _, c := range s.receipt.Attachments {
		s.files += c.Exported
	}
	return s, nil
}

// lock puts a lock between the archive and the bucket where the customer wants one; nil: there is none.
func (b *builder) lock(ctx context.Context, a *attempt, w *work, out io.Writer, estimate int64) (io.Writer, *locked.Writer, error) {
	if !a.Selection.Locked {
		return out, nil, nil
	}
	var sealed string
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) (err error) {
		sealed, err = b.store.password(ctx, tx, a.ID)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if b.Passwords == nil {
		return nil, nil, fmt.Errorf("this worker has no key to open passwords: %w", secret.ErrKeys)
	}
	password, err := b.Passwords.Open(ctx, sealed, a.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("open the password: %w", err)
	}
	lock, err := locked.NewWriter(out, locked.Options{
		Name:     plainName(a.programme.Key, a.customer.ref, a.Export, w.number, a.shared.Volumes),
		Password: password, Created: a.shared.Created, Estimate: estimate,
	})
	return lock, lock, err
}

// header says what a volume is a copy of.
func (a *attempt) header(number int) archive.Header {
	h := archive.Header{
		Zone:   migration.Location(a.customer.zone, a.programme.Zone).String(),
		Export: a.Reference(), Customer: a.customer.ref, CustomerName: a.customer.name, Programme: a.programme.Key, Locale: a.Locale,
		AsOf: a.shared.AsOf, Created: a.shared.Created, Volume: number, Volumes: a.shared.Volumes,
	}
	for _, from := range a.shared.Sources {
		h.Sources = append(h.Sources, archive.SourceInfo{Key: from.Key, AsOf: from.At, Steady: from.Steady})
	}
	h.Narrowed = a.shared.Choice.narrowings(a.programme, a.Locale)
	h.Product = locale.For(a.Locale).Pick(a.programme.Product.Name)
	return h
}

// options are the archive's formats.
func (s Selection) options() archive.Options {
	return archive.Options{
		CSV: slices.Contains(s.Formats, CSV), JSONLines: slices.Contains(s.Formats, JSONL), Parquet: slices.Contains(s.Formats, Parquet),
		Spreadsheet: s.Spreadsheet, Browse: s.Browse,
	}
}

// passes is how many copies of each row there are.
func (s Selection) passes() int64 {
	n := int64(len(s.Formats))
	for _, more := range []bool{s.Spreadsheet, s.Browse, s.Replacement != ""} {
		if more {
			n++
		}
	}
	return max(n, 1)
}

func (s Selection) volumeSize() int64 {
	if s.VolumeSize <= 0 {
		return DefaultVolumeSize
	}
	return int64(s.VolumeSize)
}

// read puts every piece's rows and then every piece's attachments into the archive.
func (b *builder) read(ctx context.Context, a *attempt, w *work, archived *archive.Writer) error {
	w.ledger.enter(StageReading)
	parts := make([]*part, len(w.pieces))
	for i, p := range w.pieces {
		b.at("reading " + p.Dataset)
		d, ok := a.programme.Dataset(p.Dataset)
		if !ok {
			return &source.Error{Kind: source.Schema, Dataset: p.Dataset, Cause: fmt.Errorf("the programme no longer has this dataset")}
		}
		pt, err := a.view.part(ctx, d)
		if err != nil {
			return err
		}
		pt.lenient = pt.lenient || b.lenient(a, w)
		parts[i] = pt
		if err := b.addRows(ctx, a, w, pt, &w.pieces[i], archived); err != nil {
			return err
		}
		w.ledger.allRows(p.Dataset)
	}
	for i, p := range w.pieces {
		pt := parts[i]
		if pt.objects == nil {
			continue
		}
		w.ledger.enter(StageFiles)
		b.at("files " + p.Dataset)
		if err := archived.AddAttachments(ctx, p.Dataset, p.Files, pt.listFiles(p.Range, w.ledger), pt.objects); err != nil {
			return pt.unsteady(err)
		}
	}
	return nil
}

// lenient reports whether it was tried so often that a page of a list which fails again is given up, so that it does
// not stop the rest.
func (b *builder) lenient(a *attempt, w *work) bool {
	return a.Failures+w.tries-1 >= min(patientTries, b.Retries-1)
}

// patientTries is after how many tries that is.
const patientTries = 2

// addRows puts a piece's rows into the archive. What its source counts now is what is expected of it where the source
// has no snapshots: another job may have weighed it, a while ago.
func (b *builder) addRows(ctx context.Context, a *attempt, w *work, pt *part, p *piece, archived *archive.Writer) error {
	if !pt.snap.Info().Steady && a.several() {
		q := pt.query
		q.Range = p.Range
		weight, err := pt.snap.Weigh(ctx, q)
		if err != nil {
			return err
		}
		p.Weight = weight
		w.ledger.expect(w.pieces, a.Selection.passes())
	}
	title := locale.For(a.Locale).Pick(pt.dataset.Name)
	d := archive.Dataset{
		Name: p.Dataset, Title: title, Columns: pt.described(a.Locale, a.programme.Fallback()), Source: p.Rows, Bytes: p.Bytes, Part: p.Part, Parts: p.Parts,
	}
	rows := pt.readRows(p.Range, w.ledger)
	if err := archived.AddDataset(ctx, d, rows); err != nil {
		return pt.unsteady(err)
	}
	return b.addImports(ctx, a, pt, *p, archived, rows)
}

// unsteady says of readings that differ that their source changed in between, where it has no snapshots. Another try
// may go well.
func (pt *part) unsteady(err error) error {
	var counts *archive.CountError
	if pt.snap.Info().Steady || !errors.As(err, &counts) {
		return err
	}
	return &source.Error{Kind: source.Inconsistent, Dataset: pt.dataset.Key, Cause: err}
}

// addImports writes the files for the chosen replacement that are made from a piece's rows.
func (b *builder) addImports(ctx context.Context, a *attempt, pt *part, p piece, archived *archive.Writer, rows archive.Rows) error {
	if a.imports == nil {
		return nil
	}
	for _, f := range a.imports.For(p.Dataset) {
		row, err := f.Row(a.customer.ref, pt.columns)
		if err != nil {
			return err
		}
		file := archive.ImportFile{
			Replacement: f.Replacement, Name: f.Name, Format: f.Format, Dataset: p.Dataset, Source: p.Rows, Bytes: p.Bytes,
			Part: p.Part, Parts: p.Parts, Row: row,
		}
		for _, name := range f.Columns {
			file.Columns = append(file.Columns, archive.Column{Name: name, Type: "text"})
		}
		if err := archived.AddImport(ctx, file, rows); err != nil {
			return pt.unsteady(err)
		}
	}
	return nil
}

// profileOf prepares the profile of the replacement that the customer has chosen; nil when there is none.
func profileOf(p *migration.Programme, key string) (*profile.Profile, error) {
	if key == "" {
		return nil, nil
	}
	r, ok := p.Replacement(key)
	if !ok || r.Import == nil {
		return nil, &source.Error{Kind: source.Invalid, Cause: fmt.Errorf("the programme no longer has files for the replacement %q", key)}
	}
	compiled, findings := profile.Compile(r, p.Datasets)
	if len(findings) > 0 {
		return nil, &source.Error{Kind: source.Invalid, Cause: fmt.Errorf("files for %q: %w", key, findings)}
	}
	return compiled, nil
}

// readRows reads a range of the dataset once. The archive asks for it once a format.
func (pt *part) readRows(r source.Range, t *ledger) archive.Rows {
	return func(ctx context.Context, yield func(values [][]byte) error) (int64, error) {
		unseen := int64(0)
		defer func() { t.rows(pt.dataset.Key, unseen) }()
		return pt.rows(ctx, r, func(values [][]byte) error {
			if unseen++; unseen == 256 {
				t.rows(pt.dataset.Key, unseen)
				unseen = 0
			}
			return yield(values)
		})
	}
}

// unsized is what an attachment of unknown size is taken for in estimates.
const unsized = 64 << 10

// listFiles reads a range of the dataset once more, for its attachments only. They may be too many to remember. A row
// without a key has none.
func (pt *part) listFiles(r source.Range, t *ledger) archive.Attachments {
	return func(ctx context.Context, yield func(archive.Attachment) error) error {
		_, err := pt.rows(ctx, r, func(values [][]byte) error {
			if values[pt.at.Key] == nil || archive.Lost(values) {
				return nil
			}
			a := archive.Attachment{Key: string(values[pt.at.Key]), Size: -1}
			if pt.at.Name >= 0 {
				a.Name = string(values[pt.at.Name])
			}
			if a.Name == "" {
				a.Name = a.Key
			}
			weight := int64(unsized)
			if pt.at.Size >= 0 {
				if n, err := strconv.ParseInt(string(values[pt.at.Size]), 10, 64); err == nil {
					a.Size, weight = n, max(n, 0)
				}
			}
			t.file(pt.dataset.Key, weight)
			return yield(a)
		})
		return err
	}
}

// prove reads the whole object back by requests of its own and holds it against what was sent.
func (b *builder) prove(ctx context.Context, _ *attempt, w *work, s filled) error {
	w.ledger.checks(s.proof.Size)
	return b.Bucket.Prove(ctx, w.key, s.proof, w.ledger.readBack)
}
