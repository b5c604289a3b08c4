package notice

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// messageSQL is each message with what became of it: best is the state of the best of its deliveries, by as much as it proves.
const messageSQL = `
	SELECT m.id, m.notice, m.customer_id, m.stage, m.due_day, m.due_at, m.state, m.reason, m.channel, m.sent_at, c.ref, c.name, c.tier, c.locale,
	       coalesce(d.best, '') AS best, coalesce(d.followed, '') AS followed, coalesce(d.opened, '') AS opened, k.id IS NOT NULL AS call, m.state = 'sent' AND ` + reachedSQL + ` AS reached
	  FROM notice_message m
	  JOIN customer c ON c.id = m.customer_id
	  LEFT JOIN notice_call k ON k.message_id = m.id
	  LEFT JOIN LATERAL (
	    SELECT (array_agg(d.state ORDER BY array_position(ARRAY['delivered', 'accepted', 'complained', 'delayed', 'lapsed', 'unknown',
	                                                            'sending', 'deferred', 'bounced', 'refused'], d.state)))[1] AS best,
	           min(nullif(d.followed, '')) AS followed, min(nullif(d.opened, '')) AS opened -- person comes before program
	      FROM notice_delivery d WHERE d.message_id = m.id
	  ) d ON TRUE`

// groups are what a message can be counted under. Every number of the console about messages is one of them.
var groups = map[Group]string{
	All:        `TRUE`,
	Waiting:    `x.state = 'planned'`,
	Sent:       `x.state = 'sent'`,
	Accepted:   `x.best IN ('accepted', 'delivered', 'delayed', 'complained')`,
	Refused:    `x.best = 'refused'`,
	Bounced:    `x.best = 'bounced'`,
	Bad:        `x.best IN ('refused', 'bounced')`,
	Complained: `x.best = 'complained'`,
	Unknown:    `x.best IN ('unknown', 'lapsed')`,
	Deferred:   `x.best IN ('sending', 'deferred')`,
	Calls:      `x.call`,
	Dropped:    `x.state IN ('dropped', 'superseded')`,
	Failed:     `x.state = 'failed'`,
	NoResult:   `x.state = 'failed' AND x.reason = 'rule'`,
	Reached:    `x.reached`,
	Silent:     `x.state = 'sent' AND NOT x.reached`,
	Followed:   `x.followed = 'person'`,
	Scanned:    `x.followed = 'program'`,
	Opened:     `x.opened = 'person'`,
	Loaded:     `x.opened = 'program'`,
}

// order is that of the columns of a count.
var order = slices.Sorted(maps.Keys(groups))

// countSQL counts rows x of messageSQL under each group, as a JSON object.
var countSQL = func() string {
	parts := make([]string, len(order))
	for i, g := range order {
		parts[i] = fmt.Sprintf("'%s', count(*) FILTER (WHERE %s)", g, groups[g])
	}
	return "jsonb_build_object(" + strings.Join(parts, ", ") + ")"
}()

// counts counts each notice's messages by what became of them.
func (store) counts(ctx context.Context, tx *db.Tx) (map[string]Counts, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT x.notice, `+countSQL+` FROM (`+messageSQL+`) x GROUP BY x.notice`)
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	found := map[string]Counts{}
	var key string
	var c Counts
	_, err = pgx.ForEachRow(rows, []any{&key, &c}, func() error {
		found[key] = maps.Clone(c)
		return nil
	})
	return found, err
}

// parts counts the messages of one notice by channel, by tier and by language.
func (store) parts(ctx context.Context, tx *db.Tx, notice string) ([]Part, error) {
	sql := `
		SELECT CASE WHEN grouping(x.channel) = 0 THEN 'channel' WHEN grouping(x.tier) = 0 THEN 'tier' ELSE 'locale' END AS by,
		       coalesce(x.channel, x.tier, x.locale) AS value, ` + countSQL + ` AS counts
		  FROM (` + messageSQL + ` WHERE m.notice = $1) x GROUP BY GROUPING SETS ((x.channel), (x.tier), (x.locale)) ORDER BY 1, 2`
	rows, err := tx.Pgx.Query(ctx, sql, notice)
	if err != nil {
		return nil, fmt.Errorf("count notice %s by parts: %w", notice, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Part])
}

const listedSQL = `
	SELECT x.customer_id, x.ref, x.name, x.tier, x.locale, x.stage, x.due_day::timestamptz AS due_day, x.state, x.reason, x.channel, x.best,
	       x.followed, x.sent_at, x.call, x.reached FROM (`

// messages lists messages of one notice by customer number and due day, from an offset on, and counts all that are meant.
func (store) messages(ctx context.Context, tx *db.Tx, q MessageQuery) (list []Message, found int, err error) {
	where := ` WHERE ` + groups[q.Group] + ` AND (@channel IN ('', x.channel) OR @channel = 'none' AND x.channel = '') AND @tier IN ('', x.tier) AND @locale IN ('', x.locale)`
	inner := messageSQL + ` WHERE m.notice = @notice`
	args := pgx.NamedArgs{"notice": q.Notice, "channel": q.Channel, "tier": q.Tier, "locale": q.Locale, "offset": q.Offset, "limit": q.Limit}
	if err := tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM (`+inner+`) x`+where, args).Scan(&found); err != nil {
		return nil, 0, fmt.Errorf("count messages: %w", err)
	}
	rows, err := tx.Pgx.Query(ctx, listedSQL+inner+`) x`+where+` ORDER BY x.ref, x.due_day, x.id OFFSET @offset LIMIT @limit`, args)
	if err != nil {
		return nil, 0, fmt.Errorf("list messages: %w", err)
	}
	list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Message])
	return list, found, err
}
