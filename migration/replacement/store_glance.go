package replacement

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ofScope reads for the customer whose scope the transaction has.
func ofScope(sql string) string {
	return strings.ReplaceAll(sql, "$1", "current_setting('offramp.customer')")
}

var (
	glanceSQL = ofScope(`SELECT c.tier, c.attributes,
	       coalesce((SELECT r.counted_at IS NULL OR r.counted_at < r.asked_at FROM feature_request r WHERE r.customer_id = c.id), false),
	       u.features, u.uses, u.counted, u.stale
	  FROM customer c CROSS JOIN (SELECT array_agg(feature) AS features, array_agg(uses) AS uses, array_agg(counted_at) AS counted, array_agg(stale) AS stale
	    FROM (` + usageSQL + `) AS q(feature, uses, counted_at, stale)) u
	 WHERE c.id = $1`)
	glanceChoiceSQL = ofScope(currentSQL)
)

// QueueGlance reads what the comparison shows of the customer of the scope, for callers that read it together with something
// else in one round trip; ReadGlance takes the results.
func QueueGlance(b *pgx.Batch) {
	b.Queue(glanceSQL)
	b.Queue(glanceChoiceSQL)
}

// ReadGlance takes the results of QueueGlance. ErrNotFound where the scope is no customer's.
func ReadGlance(r pgx.BatchResults) (Glance, error) {
	g := Glance{Overview: Overview{Usage: Usage{}}}
	var attributes []byte
	var features []string
	var uses []int64
	var counted []*time.Time
	var stale []bool
	found := r.QueryRow().Scan(&g.Customer.Tier, &attributes, &g.Counting, &features, &uses, &counted, &stale)
	choice, err := scanChoice(r.QueryRow())
	switch {
	case errors.Is(found, pgx.ErrNoRows):
		return Glance{}, ErrNotFound
	case found != nil || err != nil:
		return Glance{}, fmt.Errorf("read choice and usage: %w", errors.Join(found, err))
	}
	g.Choice = choice
	if err := json.Unmarshal(attributes, &g.Customer.Attributes); err != nil {
		return Glance{}, fmt.Errorf("read attributes: %w", err)
	}
	for i, feature := range features {
		c := Count{Uses: uses[i], Stale: stale[i]}
		if counted[i] != nil {
			c.Known, c.AsOf = true, *counted[i]
		}
		g.Usage[feature] = c
	}
	g.CountedAt = g.Usage.AsOf()
	return g, nil
}
