package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/migration"
)

// plan is what an attempt will read: every dataset that was asked for, checked and counted within the same snapshots in
// which it is read afterwards.
type plan struct {
	snapshots map[string]source.Snapshot // by source
	parts     []*part
	asOf      time.Time // by the source's clock
}

// part is one dataset of a plan.
type part struct {
	dataset migration.Dataset
	query   source.Query
	snap    source.Snapshot
	columns []archive.Column
	rows    int64
	width   int64 // sampled bytes of a row
	at      filePlaces
	objects source.Objects
	files   int64
	weight  int64 // bytes of all its files, as the rows say
}

const (
	// unsized is what an attachment of unknown size is taken for in estimates.
	unsized = 64 << 10
	// sampled rows give a dataset's width.
	sampled = 100
)

// makePlan opens one snapshot for each source and asks it about the datasets. The caller closes the plan.
func makePlan(ctx context.Context, sources *Sources, p *migration.Programme, sel Selection, customerRef string) (*plan, error) {
	pl := &plan{snapshots: map[string]source.Snapshot{}}
	for _, key := range sel.Datasets {
		if _, ok := p.Dataset(key); !ok {
			return pl, &source.Error{Kind: source.Schema, Dataset: key, Cause: errors.New("the programme no longer has this dataset")}
		}
	}
	for _, d := range p.Datasets {
		if len(sel.Datasets) > 0 && !slices.Contains(sel.Datasets, d.Key) {
			continue
		}
		snap, err := pl.snapshot(ctx, sources, d.Source, customerRef)
		if err != nil {
			return pl, err
		}
		part, err := planPart(ctx, sources, snap, d)
		if err != nil {
			return pl, err
		}
		pl.parts = append(pl.parts, part)
	}
	return pl, nil
}

func (pl *plan) snapshot(ctx context.Context, sources *Sources, key, customerRef string) (source.Snapshot, error) {
	if snap, ok := pl.snapshots[key]; ok {
		return snap, nil
	}
	db, err := sources.Rows(ctx, key)
	if err != nil {
		return nil, err
	}
	snap, err := db.Begin(ctx, customerRef, "")
	if err != nil {
		return nil, err
	}
	if len(pl.snapshots) == 0 {
		pl.asOf = snap.Info().AsOf
	}
	pl.snapshots[key] = snap
	return snap, nil
}

// Close ends the snapshots.
func (pl *plan) Close() {
	for _, s := range pl.snapshots {
		s.Close()
	}
}

func planPart(ctx context.Context, sources *Sources, snap source.Snapshot, d migration.Dataset) (*part, error) {
	pt := &part{dataset: d, query: query(d), snap: snap}
	found, err := snap.Check(ctx, pt.query)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		pt.columns = append(pt.columns, archive.Column(c))
	}
	if pt.at, err = places(d, found); err != nil {
		return nil, err
	}
	if pt.rows, err = snap.Count(ctx, pt.query); err != nil {
		return nil, err
	}
	if pt.rows > 0 {
		if pt.width, err = pt.ask(ctx, fmt.Sprintf("select coalesce(avg(octet_length(r::text)), 0)::bigint from (select * from (%%s) q limit %d) r", sampled)); err != nil {
			return nil, err
		}
	}
	if d.Files == nil {
		return pt, nil
	}
	if pt.objects, err = sources.Objects(ctx, d.Files.Source); err != nil {
		return nil, err
	}
	return pt, pt.countFiles(ctx)
}

func (pt *part) countFiles(ctx context.Context) (err error) {
	key := pgx.Identifier{pt.dataset.Files.Key}.Sanitize()
	if pt.files, err = pt.ask(ctx, "select count("+key+") from (%s) q"); err != nil {
		return err
	}
	if pt.weight = pt.files * unsized; pt.at.size < 0 {
		return nil
	}
	size := pgx.Identifier{pt.dataset.Files.Size}.Sanitize()
	pt.weight, err = pt.ask(ctx, "select coalesce(sum(greatest("+size+", 0)), 0)::bigint from (%s) q where "+key+" is not null")
	return err
}

// ask puts one more question with a whole number for an answer; %s in it stands for the dataset's query.
func (pt *part) ask(ctx context.Context, question string) (int64, error) {
	q := pt.query
	q.CountSQL = fmt.Sprintf(question, "\n"+trimmed(q.SQL)+"\n")
	return pt.snap.Count(ctx, q)
}

// readRows reads the dataset once. The archive asks for it once a format.
func (pt *part) readRows(m *meter) archive.Rows {
	return func(ctx context.Context, yield func(values [][]byte) error) (int64, error) {
		unseen := int64(0)
		defer func() { m.read(unseen, pt.width) }()
		return pt.snap.Rows(ctx, pt.query, func(values [][]byte) error {
			if unseen++; unseen == 256 {
				m.read(unseen, pt.width)
				unseen = 0
			}
			return yield(values)
		})
	}
}

// listFiles reads the dataset once more, for its attachments only. They may be too many to remember. A row without a key has
// none.
func (pt *part) listFiles(m *meter) archive.Attachments {
	return func(ctx context.Context, yield func(archive.Attachment) error) error {
		_, err := pt.snap.Rows(ctx, pt.query, func(values [][]byte) error {
			if values[pt.at.key] == nil {
				return nil
			}
			a := archive.Attachment{Key: string(values[pt.at.key]), Size: -1}
			if pt.at.name >= 0 {
				a.Name = string(values[pt.at.name])
			}
			if a.Name == "" {
				a.Name = a.Key
			}
			weight := int64(unsized)
			if pt.at.size >= 0 {
				if n, err := strconv.ParseInt(string(values[pt.at.size]), 10, 64); err == nil {
					a.Size, weight = n, max(n, 0)
				}
			}
			m.file(weight)
			return yield(a)
		})
		return err
	}
}
func trimmed(sql string) string { return strings.TrimRight(sql, "; \t\r\n") }
