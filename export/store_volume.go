package export

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// volumeRow is a volume as the database aggregates it for scan.
type volumeRow struct {
	Number   int         `json:"number"`
	State    VolumeState `json:"state"`
	Size     int64       `json:"size"`
	SHA256   string      `json:"sha256"`
	Rows     int64       `json:"rows"`
	Files    int64       `json:"files"`
	Tries    int         `json:"tries"`
	Key      string      `json:"key"`
	Pieces   []piece     `json:"pieces"`
	Progress []done      `json:"progress"`
}

func (r volumeRow) volume() Volume {
	v := Volume{Number: r.Number, State: r.State, Size: r.Size, SHA256: r.SHA256, Rows: r.Rows, Files: r.Files, Tries: r.Tries, Key: r.Key}
	for _, p := range r.Pieces {
		v.Datasets = append(v.Datasets, p.Dataset)
	}
	for _, d := range r.Progress {
		if !slices.Contains(v.Datasets, d.Dataset) {
			v.Datasets = append(v.Datasets, d.Dataset)
		}
	}
	return v
}

// fill gives an export its volumes, and what they sum up to.
func (e *Export) fill(text []byte) error {
	var rows []volumeRow
	if err := json.Unmarshal(text, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		e.Volumes = append(e.Volumes, r.volume())
		if e.State == Running {
			e.Datasets = sum(e.Datasets, r)
		}
	}
	if len(e.Volumes) != 1 {
		return nil
	}
	only := &e.Volumes[0]
	e.SHA256 = only.SHA256
	if len(only.Datasets) == 0 && e.Receipt != nil { // of a version that kept no list
		for _, c := range e.Receipt.Datasets {
			only.Datasets = append(only.Datasets, c.Dataset)
		}
		for _, c := range e.Receipt.Attachments {
			only.Files += c.Exported
		}
	}
	return nil
}

// sum adds a volume's progress to what its export's datasets have.
func sum(all []DatasetProgress, r volumeRow) []DatasetProgress {
	at := func(key string) *DatasetProgress {
		i := slices.IndexFunc(all, func(d DatasetProgress) bool { return d.Dataset == key })
		if i < 0 {
			i, all = len(all), append(all, DatasetProgress{Dataset: key})
		}
		return &all[i]
	}
	for _, p := range r.Pieces {
		if !slices.ContainsFunc(r.Progress, func(d done) bool { return d.Dataset == p.Dataset }) {
			d := at(p.Dataset)
			d.RowsTotal, d.FilesTotal, d.BytesTotal = d.RowsTotal+p.Rows, d.FilesTotal+p.Files, d.BytesTotal+p.Bytes+p.FileBytes
		}
	}
	for _, x := range r.Progress {
		d := at(x.Dataset)
		d.Rows, d.Files, d.Bytes = d.Rows+x.Rows, d.Files+x.Files, d.Bytes+x.Bytes
		d.RowsTotal, d.FilesTotal, d.BytesTotal = d.RowsTotal+x.RowsTotal, d.FilesTotal+x.FilesTotal, d.BytesTotal+x.BytesTotal
	}
	return all
}

const volumeSQL = `SELECT v.number, v.state, v.size, v.sha256, v.rows, v.files, v.tries, v.object_key, v.pieces, v.progress, v.slices
	FROM export_volume v JOIN export e ON e.id = v.export_id AND e.attempt = v.attempt
	WHERE v.export_id = $1 AND ($2 = 0 OR v.number = $2) ORDER BY v.number`

// volumes reads an export's volumes with their slices, or one of them.
func (s store) volumes(ctx context.Context, scope db.Scope, id string, number int) (list []Volume, err error) {
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(volumeSQL, id, number) },
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, scanVolume)
			return err
		})
	return list, err
}

// volume reads one volume with its slices within a transaction. ErrNotFound.
func (s store) volume(ctx context.Context, tx *db.Tx, id string, number int) (Volume, error) {
	rows, err := tx.Pgx.Query(ctx, volumeSQL, id, number)
	if err != nil {
		return Volume{}, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVolume)
	if errors.Is(err, pgx.ErrNoRows) {
		return Volume{}, ErrNotFound
	}
	return v, err
}

func scanVolume(row pgx.CollectableRow) (Volume, error) {
	var r volumeRow
	var pieces, progress, slices []byte
	if err := row.Scan(&r.Number, &r.State, &r.Size, &r.SHA256, &r.Rows, &r.Files, &r.Tries, &r.Key, &pieces, &progress, &slices); err != nil {
		return Volume{}, err
	}
	if err := errors.Join(json.Unmarshal(pieces, &r.Pieces), json.Unmarshal(progress, &r.Progress)); err != nil {
		return Volume{}, fmt.Errorf("read volume %d: %w", r.Number, err)
	}
	v := r.volume()
	v.Slices = unpackSlices(slices)
	return v, nil
}

const sumLength = 32 // bytes of a SHA-256

func unpackSlices(b []byte) (sums []string) {
	for ; len(b) >= sumLength; b = b[sumLength:] {
		sums = append(sums, hex.EncodeToString(b[:sumLength]))
	}
	return sums
}

func packSlices(sums []string) ([]byte, error) {
	b := make([]byte, 0, sumLength*len(sums))
	for _, s := range sums {
		sum, err := hex.DecodeString(s)
		if err != nil || len(sum) != sumLength {
			return nil, fmt.Errorf("%q is no SHA-256", s)
		}
		b = append(b, sum...)
	}
	return b, nil
}
