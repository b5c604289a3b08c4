package approval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

type roundRow struct {
	Round                   int
	Hash, Content, Path     string
	SubmittedBy, State, Why string
	SubmittedAt, DecideFrom time.Time
	EndedAt                 *time.Time
}

type nodeRow struct {
	Round, Step                              int
	Key, State                               string
	OpenedAt, DueAt, RemindedAt, EscalatedAt *time.Time
}

type seatRow struct {
	Round                       int
	Node, Who, State, By, Words string
	At                          *time.Time
	StandIns                    []string
}

// rounds reads a paper's rounds, newest first, each as its path was then.
func (store) rounds(ctx context.Context, tx *db.Tx, me, id string) ([]Round, error) {
	const rounds = `
		SELECT round, hash, content, path, submitted_by, state, why, submitted_at, decide_from, ended_at
		  FROM approval_round WHERE paper_id = $1 ORDER BY round DESC`
	found, err := collect[roundRow](tx.Pgx.Query(ctx, rounds, id))
	if err != nil {
		return nil, err
	}
	const nodes = `
		SELECT round, step, key, state, opened_at, due_at, reminded_at, escalated_at FROM approval_node WHERE paper_id = $1`
	stops, err := collect[nodeRow](tx.Pgx.Query(ctx, nodes, id))
	if err != nil {
		return nil, err
	}
	const seats = `
		SELECT s.round, s.node, s.identity_id AS who, s.state, coalesce(s.decided_by, '') AS by, s.words, s.at,
		       CASE WHEN s.state = 'asked' THEN ARRAY(SELECT approval_stand_ins(s.identity_id, $2)) ELSE '{}' END AS stand_ins
		  FROM approval_seat s WHERE s.paper_id = $1 ORDER BY s.at, s.identity_id`
	taken, err := collect[seatRow](tx.Pgx.Query(ctx, seats, id, tx.Now))
	if err != nil {
		return nil, err
	}
	var list []Round
	for _, row := range found {
		r := Round{
			Number: row.Round, Hash: row.Hash, Content: row.Content, SubmittedBy: row.SubmittedBy, SubmittedAt: row.SubmittedAt,
			DecideFrom: row.DecideFrom, State: row.State, Why: row.Why, EndedAt: row.EndedAt,
		}
		if r.Path, err = ReadPath([]byte(row.Path)); err != nil {
			return nil, fmt.Errorf("read the path of round %d: %w", row.Round, err)
		}
		for _, n := range r.Path.Nodes() {
			i := slices.IndexFunc(stops, func(x nodeRow) bool { return x.Round == row.Round && x.Key == n.Key })
			if i < 0 {
				continue
			}
			stop := Stop{
				Node: n, Step: stops[i].Step, State: stops[i].State, OpenedAt: stops[i].OpenedAt, DueAt: stops[i].DueAt,
				RemindedAt: stops[i].RemindedAt, EscalatedAt: stops[i].EscalatedAt,
			}
			for _, s := range taken {
				if s.Round == row.Round && s.Node == n.Key {
					stop.Seats = append(stop.Seats, Seat{Who: s.Who, By: s.By, State: s.State, Words: s.Words, At: s.At, StandIns: s.StandIns})
				}
			}
			stop.MineSeat = stop.mine(me, r.State)
			r.Stops = append(r.Stops, stop)
		}
		list = append(list, r)
	}
	return list, nil
}

// mine is the seat that a reader may decide for now: their own before another one's.
func (s Stop) mine(me, round string) (seat string) {
	if me == "" || round != Open || s.State != Open || slices.ContainsFunc(s.Seats, func(x Seat) bool { return x.By == me }) {
		return ""
	}
	for _, x := range s.Seats {
		switch {
		case x.State != Asked:
		case x.Who == me:
			return me
		case seat == "" && slices.Contains(x.StandIns, me):
			seat = x.Who
		}
	}
	return seat
}

func collect[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// submit writes a round with its nodes and seats.
func (store) submit(ctx context.Context, tx *db.Tx, id, source string, r Round) error {
	b := &pgx.Batch{}
	b.Queue(`
		INSERT INTO approval_round (paper_id, round, hash, content, path, submitted_by, submitted_at, decide_from, state)
		VALUES ($1, $2, '', '', $3, $4, $5, $6, 'open')`, id, r.Number, source, r.SubmittedBy, tx.Now, r.DecideFrom)
	b.Queue(`UPDATE approval_paper SET state = 'open', round = $2 WHERE id = $1`, id, r.Number)
	for _, stop := range r.Stops {
		b.Queue(`INSERT INTO approval_node (paper_id, round, key, step, need, state) VALUES ($1, $2, $3, $4, $5, $6)`,
			id, r.Number, stop.Key, stop.Step, stop.Need, stop.State)
		for _, seat := range stop.Seats {
			b.Queue(`INSERT INTO approval_seat (paper_id, round, node, identity_id, added_by, state) VALUES ($1, $2, $3, $4, $5, 'asked')`,
				id, r.Number, stop.Key, seat.Who, r.SubmittedBy)
		}
	}
	return named(tx.Pgx.SendBatch(ctx, b).Close())
}

func (store) open(ctx context.Context, tx *db.Tx, id string, round int, node string, due time.Time) error {
	const sql = `
		UPDATE approval_node SET state = 'open', opened_at = $4, due_at = $5 WHERE paper_id = $1 AND round = $2 AND key = $3 AND state = 'waiting'`
	_, err := tx.Pgx.Exec(ctx, sql, id, round, node, tx.Now, due)
	return named(err)
}

func (store) stop(ctx context.Context, tx *db.Tx, id string, round int, node, state string) error {
	_, err := tx.Pgx.Exec(ctx, `UPDATE approval_node SET state = $4 WHERE paper_id = $1 AND round = $2 AND key = $3`, id, round, node, state)
	return named(err)
}

func (store) decide(ctx context.Context, tx *db.Tx, id string, round int, d Decision, state, by, words string) error {
	const sql = `
		UPDATE approval_seat SET state = @state, decided_by = @by, words = @words, hash = @hash, at = @now
		 WHERE paper_id = @id AND round = @round AND node = @node AND identity_id = @seat AND state = 'asked'`
	tag, err := tx.Pgx.Exec(ctx, sql, pgx.NamedArgs{
		"id": id, "round": round, "node": d.Node, "seat": d.Seat, "state": state, "by": by, "words": words, "hash": d.Hash, "now": tx.Now,
	})
	if err == nil && tag.RowsAffected() == 0 {
		return ErrDecided
	}
	return named(err)
}

func (store) replace(ctx context.Context, tx *db.Tx, id string, round int, node, from, to, by string) error {
	b := &pgx.Batch{}
	b.Queue(`UPDATE approval_seat SET state = 'replaced' WHERE paper_id = $1 AND round = $2 AND node = $3 AND identity_id = $4 AND state = 'asked'`,
		id, round, node, from)
	b.Queue(`INSERT INTO approval_seat (paper_id, round, node, identity_id, added_by, state) VALUES ($1, $2, $3, $4, $5, 'asked')`, id, round, node, to, by)
	return named(tx.Pgx.SendBatch(ctx, b).Close())
}

type dueNode struct {
	PaperID  string
	Round    int
	Key      string
	DueAt    time.Time
	Reminded bool
}

// due lists open nodes that somebody may have to be reminded of.
func (store) due(ctx context.Context, tx *db.Tx) ([]dueNode, error) {
	const sql = `
		SELECT paper_id, round, key, due_at, reminded_at IS NOT NULL AS reminded FROM approval_node
		 WHERE state = 'open' AND escalated_at IS NULL AND due_at < $1::timestamptz + interval '10 days' ORDER BY due_at, paper_id, key LIMIT 500`
	rows, err := tx.Pgx.Query(ctx, sql, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("list decisions that are due: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[dueNode])
}

// urged writes down that people are reminded or that it is escalated, and reports whether nobody did before.
func (store) urged(ctx context.Context, tx *db.Tx, n dueNode, late bool) (bool, error) {
	const sql = `
		UPDATE approval_node SET reminded_at = coalesce(reminded_at, $4), escalated_at = CASE WHEN $5 THEN $4 ELSE escalated_at END
		 WHERE paper_id = $1 AND round = $2 AND key = $3 AND state = 'open' AND CASE WHEN $5 THEN escalated_at ELSE reminded_at END IS NULL`
	tag, err := tx.Pgx.Exec(ctx, sql, n.PaperID, n.Round, n.Key, tx.Now, late)
	if err != nil {
		return false, fmt.Errorf("write down a reminder: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
