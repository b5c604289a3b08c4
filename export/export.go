package export

import (
	"fmt"
	"time"

	"offramp/export/archive"
	"offramp/export/storage"
	"offramp/migration"
)

// State is where an export stands.
type State string

// The six states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Ready     State = "ready"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// Stage is what a running export does now.
type Stage string

// The stages, in order. An export without attachments skips StageFiles.
const (
	StageCounting Stage = "counting"
	StageReading  Stage = "reading"
	StageFiles    Stage = "files"
	StageChecking Stage = "checking"
)

// Stages lists them in order.
var Stages = [4]Stage{StageCounting, StageReading, StageFiles, StageChecking}

// Formats of rows.
const (
	CSV     = "csv"
	JSONL   = "jsonl"
	Parquet = "parquet"
)

// VolumeSizes are the sizes that a customer may choose for the files of an export, in GiB; the first but one is the
// default.
var VolumeSizes = [4]int{1, 2, 10, 50}

// DefaultVolumeSize is in GiB.
const DefaultVolumeSize = 2

// Selection is what a customer asked for.
type Selection struct {
	Datasets    []string            `json:"datasets,omitempty"` // keys of the programme's datasets; empty: all
	Formats     []string            `json:"formats"`            // CSV, JSONL, Parquet
	Spreadsheet bool                `json:"spreadsheet,omitempty"`
	Browse      bool                `json:"browse,omitempty"`      // pages to look through all rows offline
	Filters     map[string][]string `json:"filters,omitempty"`     // by key of the programme's filters: the values chosen; absent: all
	From        migration.Day       `json:"from,omitzero"`         // first day of the period; zero: open
	Until       migration.Day       `json:"until,omitzero"`        // last day of the period, included; zero: open
	Since       string              `json:"since,omitempty"`       // id of the customer's earlier export: only what changed since
	Repair      string              `json:"repair,omitempty"`      // id of the customer's earlier export: only what failed in it
	Replacement string              `json:"replacement,omitempty"` // key of a replacement whose import files are added
	VolumeSize  int                 `json:"volume_size,omitempty"` // GiB, one of VolumeSizes; 0: the default
	Locked      bool                `json:"locked,omitempty"`      // the archives open with a password only
	Password    Password            `json:"-"`                     // of a request that is Locked; never stored as it is, nor read again
}

// Password is what opens locked archives. It prints as nothing, so that no log gets it by accident.
type Password string

// String hides it.
func (Password) String() string { return "(hidden)" }

// GoString hides it.
func (Password) GoString() string { return "(hidden)" }

// All reports whether everything was asked for: every dataset, every row.
func (s Selection) All() bool {
	return len(s.Datasets) == 0 && len(s.Filters) == 0 && s.From.IsZero() && s.Until.IsZero() && s.Since == "" && s.Repair == ""
}

// VolumeState is where one volume of an export stands.
type VolumeState string

// The states of a volume. A volume whose builder died waits again.
const (
	VolumeWaiting  VolumeState = "waiting"
	VolumeBuilding VolumeState = "building"
	VolumeSealed   VolumeState = "sealed"
)

// SliceSize is the length in bytes of the slices of a volume that have a SHA-256 of their own, so that a browser can
// check a volume of any size piece by piece. The last slice may be shorter.
const SliceSize = storage.SliceSize

// Volume is one archive file of an export.
type Volume struct {
	Number   int // from 1
	State    VolumeState
	Size     int64    // bytes of the file; 0 before it is sealed
	SHA256   string   // hexadecimal
	Slices   []string // SHA-256 of each SliceSize bytes, hexadecimal; only in what Service.Volume returns
	Rows     int64
	Files    int64
	Datasets []string // whose rows or attachments it holds
	Tries    int      // how often its building was begun
	Key      string   // of the object in the bucket; empty in what a customer's methods return
}

// DatasetProgress is how far a running export is with one dataset. Bytes are raw and estimated.
type DatasetProgress struct {
	Dataset           string
	Rows, RowsTotal   int64
	Files, FilesTotal int64
	Bytes, BytesTotal int64
}

// Receipt is an archive's proof of completeness: per dataset, rows in the source = rows exported + rows failed.
type Receipt = archive.Receipt

// Export is one request for data. Instants are those of the portal's clock.
type Export struct {
	ID          string
	Number      int64
	CustomerID  string
	RequestedBy string // contact id
	Selection   Selection
	Locale      string
	State       State
	Stage       Stage  // of a running export
	Attempt     int    // the fence: a result is taken only from the latest attempt
	Failures    int    // tries that ended in an error since the request, the last retry or the last sealed volume
	Deaths      int    // attempts that ended without a word since the request or the last retry
	JobID       int64  // in the queue: the job that builds it
	Delayed     string // message key of why it takes longer; empty: it does not
	DelayedBy   string // key of the dataset that cannot be read; empty: it is not one dataset's doing
	Cause       string // what support reads; empty in what a customer's methods return
	RowsDone    int64
	RowsTotal   int64
	BytesDone   int64      // raw bytes read
	BytesTotal  int64      // estimate of the same
	ObjectSize  int64      // bytes of all volumes
	SHA256      string     // of the archive, in hexadecimal; empty when there are several volumes
	AsOf        *time.Time // the instant that the data shows
	Receipt     *Receipt   // of an export that was ready once
	RequestedAt time.Time
	StartedAt   *time.Time // of the latest attempt
	FinishedAt  *time.Time // failed, cancelled or ready
	ReadyAt     *time.Time
	ExpiresAt   *time.Time
	CheckedAt   *time.Time // a contact confirmed that the copy is complete
	LostAt      *time.Time // of a ready one: since when an archive is missing that nobody removed
	DeletedAt   *time.Time // of an expired one: when its owner had it deleted

	Volumes  []Volume          // in order; of one that was planned
	Datasets []DatasetProgress // of a running one, in the order in which they are read
	Ahead    int64             // of a queued one that Service.Get returns: how many others are to be begun before it, at most MaxAhead

	DownloadedAt *time.Time          // a link was handed out last
	Progress     *migration.Progress // of the running export; filled by reading, never written from here
}

// MaxAhead bounds what Export.Ahead counts.
const MaxAhead = 1000

// Reference is the name that people use, as in EX-10001.
func (e Export) Reference() string { return fmt.Sprintf("EX-%d", e.Number) }

// Live reports whether work on it goes on or is to come. A customer has at most one live export.
func (e Export) Live() bool { return e.State == Queued || e.State == Running }

// Downloadable reports whether links may be handed out at now.
func (e Export) Downloadable(now time.Time) bool {
	return e.State == Ready && e.ExpiresAt != nil && now.Before(*e.ExpiresAt)
}

// Trouble is why an attempt did not succeed.
type Trouble struct {
	Delayed string // message key for the customer
	Dataset string // key of the dataset that could not be read; empty: it is not one dataset's doing
	Cause   string // for support
}

// Sealed is what a successful attempt proves.
type Sealed struct {
	Size    int64 // of all volumes
	Rows    int64 // exported, of all datasets
	Bytes   int64 // raw bytes read
	AsOf    time.Time
	Receipt Receipt // of the whole
}

// Start begins an attempt, the first or a later one: also while another is running, which is thereby fenced off.
func (e Export) Start(now time.Time) (Export, error) {
	if !e.Live() {
		return e, ErrMoved
	}
	if e.State == Running {
		e.Deaths++
	}
	e.State, e.Stage, e.StartedAt = Running, StageCounting, &now
	e.Attempt++
	e.RowsDone, e.RowsTotal, e.BytesDone, e.BytesTotal = 0, 0, 0, 0
	e.AsOf = nil
	return e, nil
}

// Delay puts an export whose attempt met trouble back into the queue.
func (e Export) Delay(t Trouble) (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	e.State, e.Stage, e.Delayed, e.DelayedBy, e.Cause = Queued, "", t.Delayed, t.Dataset, t.Cause
	e.Failures++
	return e, nil
}

// HandOver puts an export back into the queue for the workers of large ones. Nothing went wrong.
func (e Export) HandOver() (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	e.State, e.Stage = Queued, ""
	return e, nil
}

// Stumble notes trouble with one volume of an export that stays in work.
func (e Export) Stumble(t Trouble) (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	e.Delayed, e.DelayedBy, e.Cause = t.Delayed, t.Dataset, t.Cause
	e.Failures++
	return e, nil
}

// Recover notes that a volume was sealed: what trouble there was is over.
func (e Export) Recover() (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	e.Failures, e.Deaths, e.Delayed, e.DelayedBy, e.Cause = 0, 0, "", "", ""
	return e, nil
}

// Fail ends an export that trouble keeps from being built.
func (e Export) Fail(now time.Time, t Trouble) (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	e.State, e.Stage, e.Delayed, e.DelayedBy, e.Cause, e.FinishedAt = Failed, "", t.Delayed, t.Dataset, t.Cause, &now
	e.Failures++
	return e, nil
}

// Seal makes a running export ready. It can be downloaded for keep from now on.
func (e Export) Seal(now time.Time, s Sealed, keep time.Duration) (Export, error) {
	if e.State != Running {
		return e, ErrMoved
	}
	until := now.Add(keep)
	e.State, e.Stage, e.Delayed, e.DelayedBy, e.Cause = Ready, "", "", "", ""
	e.ObjectSize = s.Size
	e.AsOf, e.Receipt = &s.AsOf, &s.Receipt
	e.FinishedAt, e.ReadyAt, e.ExpiresAt = &now, &now, &until
	e.RowsDone, e.RowsTotal, e.BytesDone, e.BytesTotal = s.Rows, s.Rows, s.Bytes, s.Bytes
	return e, nil
}

// Cancel ends a live export.
func (e Export) Cancel(now time.Time) (Export, error) {
	if !e.Live() {
		return e, ErrMoved
	}
	e.State, e.Stage, e.Delayed, e.FinishedAt = Cancelled, "", "", &now
	return e, nil
}

// Expire withdraws a ready export whose time has come.
func (e Export) Expire(now time.Time) (Export, error) {
	if e.State != Ready || now.Before(*e.ExpiresAt) {
		return e, ErrMoved
	}
	e.State = Expired
	return e, nil
}

// Lost reports whether the export could be downloaded, were its archive where it was put.
func (e Export) Lost(now time.Time) bool { return e.Downloadable(now) && e.LostAt != nil }

// Delete withdraws a ready export before its time, for good.
func (e Export) Delete(now time.Time) (Export, error) {
	if e.State != Ready {
		return e, ErrMoved
	}
	e.State, e.DeletedAt = Expired, &now
	if e.ExpiresAt == nil || now.Before(*e.ExpiresAt) {
		e.ExpiresAt = &now
	}
	return e, nil
}

// Retry queues a failed export again.
func (e Export) Retry() (Export, error) {
	if e.State != Failed {
		return e, ErrMoved
	}
	e.State, e.Failures, e.Deaths, e.Delayed, e.DelayedBy, e.Cause, e.FinishedAt = Queued, 0, 0, "", "", "", nil
	return e, nil
}

// Check notes that a contact found the copy complete, which takes a download.
func (e Export) Check(now time.Time) (Export, error) {
	switch {
	case e.ReadyAt == nil:
		return e, ErrMoved
	case e.DownloadedAt == nil:
		return e, ErrNotDownloaded
	}
	e.CheckedAt = &now
	return e, nil
}
