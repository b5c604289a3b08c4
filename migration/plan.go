package migration

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Extension is a later last day that one customer was granted.
type Extension struct {
	Milestone string    `json:"milestone"`
	Day       Day       `json:"day"`
	Reason    string    `json:"reason"`
	GrantedAt time.Time `json:"granted_at"`
}

// Plan is what a customer's plan page shows besides the programme: the journey and the extensions.
type Plan struct {
	Journey    Journey
	Extensions []Extension
}

// Days returns the extensions by milestone, as Programme.Deadline takes them.
func (p Plan) Days() map[string]Day {
	if len(p.Extensions) == 0 {
		return nil
	}
	days := make(map[string]Day, len(p.Extensions))
	for _, e := range p.Extensions {
		days[e.Milestone] = e.Day
	}
	return days
}

// Plan reads a customer's plan in one round trip. ErrUnknownCustomer when the scope does not reach it.
func (s *Service) Plan(ctx context.Context, scope db.Scope, customerID string) (p Plan, err error) {
	err = s.db.Read(ctx, scope,
		func(b *pgx.Batch) { b.Queue(PlanSQL+` WHERE j.customer_id = $1`, customerID) },
		func(r pgx.BatchResults) error {
			p, err = ScanPlan(r.QueryRow(), customerID)
			return err
		})
	return p, err
}

// PlanSQL selects the plan's columns from the journey j, for callers that read it together with something else in one
// round trip; ScanPlan takes the row.
const PlanSQL = `SELECT j.version, j.dates, j.export, j.choose, j.settle, j.confirm, j.detail, j.progress, j.updated_at,
	(SELECT jsonb_agg(jsonb_build_object('milestone', e.milestone, 'day', e.day, 'reason', e.reason, 'granted_at', e.granted_at) ORDER BY e.day)
	   FROM extension e WHERE e.customer_id = j.customer_id)
	FROM journey j`

// ScanPlan takes a row of PlanSQL.
func ScanPlan(row pgx.Row, customerID string) (Plan, error) {
	var p Plan
	var extensions []byte
	var err error
	if p.Journey, err = scanJourney(wider{row, &extensions}, customerID); err != nil {
		return Plan{}, err
	}
	if len(extensions) > 0 {
		if err := json.Unmarshal(extensions, &p.Extensions); err != nil {
			return Plan{}, fmt.Errorf("read extensions of %s: %w", customerID, err)
		}
	}
	return p, nil
}

// wider is a row with one more column behind those that its reader knows.
type wider struct {
	pgx.Row
	last any
}

func (w wider) Scan(to ...any) error { return w.Row.Scan(append(to, w.last)...) }
