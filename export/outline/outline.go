// Package outline tells a customer, before an export is asked for, what their data comes to: how many rows, files and
// bytes each dataset has, what the filters offer, and how long an export will roughly take. A worker asks the sources;
// no export depends on it.
package outline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/export"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
)

// Outline is what a customer's data comes to, as the sources said a while ago. It serves the form of a new export; no
// export depends on it.
type Outline struct {
	Version  int       // of the programme that it answers
	MadeAt   time.Time // zero: there is none yet
	AskedAt  time.Time
	Failed   bool // the latest try gave nothing; what is here is of an earlier one
	Datasets []Dataset
	Filters  []Filter
}

// Dataset is one dataset's weight, without any filter.
type Dataset struct {
	Dataset string `json:"dataset"`
	source.Weight
	Steady  bool `json:"steady"`            // its source shows one instant; false: changes during the export may show
	Unknown bool `json:"unknown,omitempty"` // its source did not say
}

// Size is the dataset's raw bytes, attachments included.
func (d Dataset) Size() int64 { return d.Bytes + d.FileBytes }

// Filter is what one of the programme's filters offers this customer.
type Filter struct {
	Filter  string   `json:"filter"`
	Choices []Choice `json:"choices"`
	More    bool     `json:"more,omitempty"`    // there are more than the first MaxChoices
	Unknown bool     `json:"unknown,omitempty"` // its source did not say
}

// Choice is one value that a filter offers.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

const (
	// MaxChoices is the most values that a filter offers.
	MaxChoices = 500
	// outlineAge is how long an outline is good for.
	outlineAge = time.Hour
	// outlineAgain is how soon after one request another is taken, when the first gave nothing.
	outlineAgain = time.Minute
)

// Fresh reports whether the outline answers this programme and is not too old at now.
func (o Outline) Fresh(p *migration.Programme, now time.Time) bool {
	return o.Version == p.Version && !o.MadeAt.IsZero() && now.Before(o.MadeAt.Add(outlineAge))
}

// Pending reports whether one was asked for that has neither come nor failed at now.
func (o Outline) Pending(now time.Time) bool {
	return !o.Failed && o.AskedAt.After(o.MadeAt) && now.Before(o.AskedAt.Add(10*outlineAgain))
}

// Dataset returns what the outline says about a dataset; false when it says nothing.
func (o Outline) Dataset(key string) (Dataset, bool) {
	for _, d := range o.Datasets {
		if d.Dataset == key && !d.Unknown {
			return d, true
		}
	}
	return Dataset{}, false
}

// Filter returns what the outline offers for a filter; false when it says nothing.
func (o Outline) Filter(key string) (Filter, bool) {
	for _, f := range o.Filters {
		if f.Filter == key && !f.Unknown {
			return f, true
		}
	}
	return Filter{}, false
}

// Service is what customers may ask for. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
	queue *jobs.Client
}

// New works on d and enqueues with queue, which may only insert.
func New(d *db.DB, queue *jobs.Client) *Service {
	return &Service{db: d, store: store{db: d}, queue: queue}
}

// Latest returns the customer's latest outline. Without one for this programme it is empty but for what is known about
// the asking; Ask has it made.
func (s *Service) Latest(ctx context.Context, who migration.Who, p *migration.Programme) (Outline, error) {
	o, err := s.store.latest(ctx, db.CustomerScope(who.CustomerID), who.CustomerID)
	if o.Version != p.Version {
		return Outline{AskedAt: o.AskedAt, Failed: o.Failed}, err
	}
	return o, err
}

// Ask has a worker look up what the customer's data comes to, unless that is known or under way. ErrOwnersOnly.
func (s *Service) Ask(ctx context.Context, who migration.Who, p *migration.Programme) error {
	if !export.May(who, p) {
		return export.ErrOwnersOnly
	}
	o, err := s.Latest(ctx, who, p)
	if err != nil {
		return err
	}
	now := s.db.Clock.Now()
	if o.Fresh(p, now) || o.Pending(now) || o.Failed && now.Before(o.AskedAt.Add(outlineAgain)) {
		return nil
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.ask(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		_, err := s.queue.InsertTx(ctx, tx, Args{CustomerID: who.CustomerID}, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("ask for outline: %w", err)
	}
	return nil
}

// outliner looks up outlines. Safe for concurrent use.
type outliner struct {
	sources    *connect.Sources
	programmes export.Programmes
	store      store
	db         *db.DB
}

func newOutliner(c Config) *outliner {
	return &outliner{sources: c.Sources, programmes: c.Programmes, store: store{db: c.DB}, db: c.DB}
}

// outlineLimit bounds one look at all sources.
const outlineLimit = 5 * time.Minute

// run looks at all sources once. What one source does not say is left out; its error is returned when no source said
// anything, so that the job tries again.
func (o *outliner) run(ctx context.Context, customerID string) error {
	p, err := o.programmes.Active(ctx)
	if err != nil {
		return fmt.Errorf("outline: %w", err)
	}
	scope := db.CustomerScope(customerID)
	var ref string
	err = o.db.InTx(ctx, scope, func(tx *db.Tx) error {
		ref, err = export.CustomerRef(ctx, tx, customerID)
		return err
	})
	if err != nil {
		return fmt.Errorf("outline: %w", err)
	}
	made, trouble := o.askSources(ctx, p, ref)
	if err := o.store.save(ctx, scope, customerID, made, trouble != nil); err != nil {
		return errors.Join(trouble, err)
	}
	return trouble
}

// askSources puts the programme's questions to every source.
func (o *outliner) askSources(ctx context.Context, p *migration.Programme, ref string) (Outline, error) {
	ctx, cancel := context.WithTimeout(ctx, outlineLimit)
	defer cancel()
	views := views{sources: o.sources, customer: ref, open: map[string]source.Snapshot{}}
	defer views.close()
	made, known := Outline{Version: p.Version}, 0
	var troubles []error
	for _, d := range p.Datasets {
		weighed, err := views.weigh(ctx, d)
		if err != nil {
			troubles = append(troubles, fmt.Errorf("weigh %s: %w", d.Key, err))
		} else {
			known++
		}
		made.Datasets = append(made.Datasets, weighed)
	}
	for _, f := range p.Export.Filters {
		offered, err := views.choices(ctx, f)
		if err != nil {
			troubles = append(troubles, fmt.Errorf("choices of %s: %w", f.Key, err))
		}
		made.Filters = append(made.Filters, offered)
	}
	if known == 0 {
		return made, errors.Join(troubles...)
	}
	return made, nil
}

// views are one customer's snapshots by source, each opened when it is first needed and thrown away when it has failed.
type views struct {
	sources  *connect.Sources
	customer string
	open     map[string]source.Snapshot
}

func (v *views) close() {
	for _, s := range v.open {
		s.Close()
	}
}

func (v *views) snapshot(ctx context.Context, key string) (source.Snapshot, error) {
	if snap, ok := v.open[key]; ok {
		return snap, nil
	}
	from, err := v.sources.Rows(ctx, key)
	if err != nil {
		return nil, err
	}
	snap, err := from.Begin(ctx, v.customer, "")
	if err != nil {
		return nil, err
	}
	v.open[key] = snap
	return snap, nil
}

func (v *views) drop(key string) {
	if snap, ok := v.open[key]; ok {
		snap.Close()
		delete(v.open, key)
	}
}

func (v *views) weigh(ctx context.Context, d migration.Dataset) (Dataset, error) {
	said := Dataset{Dataset: d.Key, Unknown: true}
	snap, err := v.snapshot(ctx, d.Source)
	if err != nil {
		return said, err
	}
	q := connect.Query(d)
	if d.Files != nil {
		q.Files = source.FileColumns{Key: d.Files.Key, Size: d.Files.Size}
	}
	weight, err := snap.Weigh(ctx, q)
	if err != nil {
		v.drop(d.Source) // a failed statement may have spoilt it for others
		return said, err
	}
	said.Weight, said.Steady, said.Unknown = weight, snap.Info().Steady, false
	return said, nil
}

// errEnough ends the reading of choices.
var errEnough = errors.New("export: enough choices")

func (v *views) choices(ctx context.Context, f migration.Filter) (Filter, error) {
	said := Filter{Filter: f.Key, Choices: []Choice{}}
	snap, err := v.snapshot(ctx, f.Source)
	if err != nil {
		return Filter{Filter: f.Key, Unknown: true}, err
	}
	_, err = snap.Rows(ctx, source.Query{Dataset: f.Key, SQL: f.SQL}, func(values [][]byte) error {
		if len(said.Choices) == MaxChoices {
			said.More = true
			return errEnough
		}
		if len(values) > 0 && values[0] != nil {
			said.Choices = append(said.Choices, readChoice(values))
		}
		return nil
	})
	if err != nil {
		v.drop(f.Source)
	}
	if err != nil && !errors.Is(err, errEnough) {
		return Filter{Filter: f.Key, Unknown: true}, err
	}
	return said, nil
}

// readChoice reads a row of value and label; a value without a label stands for itself.
func readChoice(values [][]byte) Choice {
	c := Choice{Value: string(values[0])}
	if len(values) > 1 {
		c.Label = string(values[1])
	}
	if c.Label == "" {
		c.Label = c.Value
	}
	return c
}
