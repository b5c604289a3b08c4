package erasure

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"offramp/migration"
)

// CertificateType is what the header of a certificate's JWS says it is.
const CertificateType = "offramp-erasure"

// Certificate says what was erased of one customer, what stays and why, and what nobody can check. It has no personal data: whoever
// holds it knows whose it is.
type Certificate struct {
	Kind        string         `json:"kind"` // CertificateType
	Seq         int64          `json:"seq"`
	Order       string         `json:"order"`
	Reference   string         `json:"reference"`
	Entry       string         `json:"entry"`    // SHA-256 of the ledger's entry
	Previous    string         `json:"previous"` // SHA-256 of the entry before: certificates form a chain
	Product     migration.Text `json:"product"`  // by language
	Company     migration.Text `json:"company"`
	OrderedAt   time.Time      `json:"ordered_at"`
	CompletedAt time.Time      `json:"completed_at"`
	Passes      int            `json:"passes"`
	Replayed    bool           `json:"replayed"` // after a restore
	Erased      []ErasedRows   `json:"erased"`
	Objects     Objects        `json:"objects"`
	Stays       []StayingRow   `json:"stays"`
	Unchecked   []string       `json:"unchecked"` // what this program cannot look into
	BackupDays  int            `json:"backup_days,omitempty"`
}

// ErasedRows is a table whose rows went, or went blank.
type ErasedRows struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// Objects counts what was removed from the bucket, and was not found when it was listed again.
type Objects struct {
	Objects  int64 `json:"objects"`
	Versions int64 `json:"versions"`
	Markers  int64 `json:"delete_markers"`
	Uploads  int64 `json:"uploads"`
}

// StayingRow is a table of which rows stay.
type StayingRow struct {
	Table  string     `json:"table"`
	Rows   int64      `json:"rows"`
	Ground string     `json:"ground"`          // books, account or proof: docs/reference/erasure.md
	Until  *time.Time `json:"until,omitempty"` // absent: as long as the audit log
}

// unchecked are the places that this program cannot look into, as keys of messages without their prefix.
var unchecked = []string{"backups", "copies", "mail", "logs", "words", "product"}

// certify writes the certificate of an order whose rows are gone.
func certify(o Order, p *migration.Programme, counts []Count, now time.Time, backupDays int) ([]byte, error) {
	var entry Entry
	if err := json.Unmarshal([]byte(o.Entry), &entry); err != nil {
		return nil, fmt.Errorf("read the entry of erasure %s: %w", o.ID, err)
	}
	now = now.UTC().Truncate(time.Second)
	c := Certificate{
		Kind: CertificateType, Seq: o.Seq, Order: o.ID, Reference: o.Reference, Entry: o.Digest, Previous: entry.Previous,
		Product: p.Product.Name, Company: p.Product.Company, OrderedAt: o.OrderedAt.UTC().Truncate(time.Second), CompletedAt: now,
		Passes: o.Passes + 1, Replayed: o.Origin == "replay",
		Objects: Objects{o.Report.Objects, o.Report.Versions, o.Report.Markers, o.Report.Uploads},
		Erased:  []ErasedRows{}, Stays: []StayingRow{}, Unchecked: unchecked, BackupDays: backupDays,
	}
	for _, table := range slices.Sorted(maps.Keys(o.Report.Rows)) {
		c.Erased = append(c.Erased, ErasedRows{table, o.Report.Rows[table]})
	}
	for _, n := range counts {
		if n.Ground == "" || n.N == 0 {
			continue
		}
		row := StayingRow{Table: n.Name, Rows: n.N, Ground: strings.TrimPrefix(n.Ground, "erasure.ground_")}
		if n.Years > 0 {
			until := now.AddDate(n.Years, 0, 0)
			row.Until = &until
		}
		c.Stays = append(c.Stays, row)
	}
	slices.SortFunc(c.Stays, func(a, b StayingRow) int { return strings.Compare(a.Table, b.Table) })
	return json.Marshal(c)
}

// Read reads a certificate's payload, and says what is wrong with it.
func Read(payload []byte) (c Certificate, err error) {
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	if c.Kind != CertificateType || c.Seq < 1 || len(c.Entry) != 64 || len(c.Previous) != 64 || c.CompletedAt.Before(c.OrderedAt) {
		return c, fmt.Errorf("it is no certificate of an erasure")
	}
	return c, nil
}

// Gap is where certificates that lie side by side do not form one chain.
type Gap struct{ Before, After int64 }

// Chain holds certificates against each other, which may be given in any order. Missing numbers are no fault: others hold those.
// broken lists neighbours of which the later one does not name the earlier one.
func Chain(list []Certificate) (broken []Gap) {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b Certificate) int { return int(a.Seq - b.Seq) })
	for i, c := range sorted {
		if i == 0 {
			if c.Seq == 1 && c.Previous != noEntry {
				broken = append(broken, Gap{0, 1})
			}
			continue
		}
		before := sorted[i-1]
		if before.Seq == c.Seq && before.Entry != c.Entry || before.Seq+1 == c.Seq && c.Previous != before.Entry {
			broken = append(broken, Gap{before.Seq, c.Seq})
		}
	}
	return broken
}
