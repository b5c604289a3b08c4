package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
)

// prose makes text that packs about as written language does, to a third: made-up words, few of them often, the same in each run.
type prose struct {
	dice  *rand.Rand
	pick  *rand.Zipf
	words []string
}

func newProse(seed uint64) *prose {
	p := &prose{dice: rand.New(rand.NewPCG(seed, 1)), words: make([]string, 20_000)}
	syllables := strings.Fields("ba ce dor el fi gran ho in ju kel lo mar ne or pi qua ro sen ti un ver wil xa y zu tion ment ing ed er")
	for i := range p.words {
		for range 1 + p.dice.IntN(4) {
			p.words[i] += syllables[p.dice.IntN(len(syllables))]
		}
	}
	p.pick = rand.NewZipf(p.dice, 1.1, 5, uint64(len(p.words)-1))
	return p
}

// text returns about n bytes.
func (p *prose) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(p.words[p.pick.Uint64()])
		switch p.dice.IntN(36) {
		case 0:
			b.WriteString(",\n")
		case 1, 2:
			b.WriteString(". ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// prepareProse sets a stage on which the largest customer has about so many MB of values, as a team writes them: a task to two
// comments, 500 bytes to a row. The demonstration's own rows are a fifth as long and pack six times as well, so that exporting
// them measures little but the database. The rows of one customer lie together, as after CLUSTER or in a partition.
func prepareProse(ctx context.Context, mb int) (*ground, error) {
	g, err := prepare(ctx, 2_000)
	if err == nil {
		err = g.write(ctx, mb)
	}
	if err != nil && g != nil {
		g.close()
	}
	return g, err
}

// write replaces the tasks and comments of the largest customer.
func (g *ground) write(ctx context.Context, mb int) error {
	conn, err := pgx.Connect(ctx, g.stack.Postgres.URL(product.Database, postgres.SuperRole))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range []string{`DELETE FROM task WHERE customer_id = $1`, `DELETE FROM comment WHERE customer_id = $1`} {
		if _, err := conn.Exec(ctx, sql, g.largest); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, `VACUUM task, comment`); err != nil {
		return err
	}
	const perTask = 1_520 // bytes of a task and its two comments
	tasks := mb * 1_000_000 / perTask
	if err := g.copyTasks(ctx, conn, tasks); err != nil {
		return fmt.Errorf("write tasks: %w", err)
	}
	if err := g.copyComments(ctx, conn, tasks, 2*tasks); err != nil {
		return fmt.Errorf("write comments: %w", err)
	}
	return until(ctx, 5*time.Minute, func() (bool, error) { return vacuumed(ctx, conn) })
}

// vacuumed vacuums the tables and reports whether all of their pages are known to be visible to everyone, so that rows are
// counted by the index alone. A commit that is not on disk yet, as on a stage without synchronous commits, and whoever still
// looks at what was before, keep VACUUM from saying so.
func vacuumed(ctx context.Context, conn *pgx.Conn) (done bool, err error) {
	for _, sql := range []string{`CHECKPOINT`, `VACUUM ANALYZE task, comment`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return false, err
		}
	}
	err = conn.QueryRow(ctx, `SELECT sum(relallvisible) >= 0.99 * sum(relpages) FROM pg_class WHERE relname IN ('task', 'comment')`).Scan(&done)
	return done, err
}

// firstID is above all ids of the demonstration's rows.
const firstID = 1_000_000_000

var since = time.Date(2021, 1, 4, 8, 0, 0, 0, time.UTC)

func (g *ground) copyTasks(ctx context.Context, conn *pgx.Conn, n int) error {
	p := newProse(1)
	columns := []string{
		"id", "customer_id", "project_id", "title", "body", "state", "assignee_id", "due_on", "estimate", "labels", "settings",
		"created_at", "done_at", "updated_at",
	}
	states := []string{"open", "doing", "review", "done"}
	at := 0
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"task"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if at == n {
			return nil, nil
		}
		at++
		created := since.Add(time.Duration(at) * time.Minute)
		return []any{
			firstID + at, g.largest, 1 + at%300, p.text(20 + p.dice.IntN(50)), p.text(60 + p.dice.IntN(360)), states[p.dice.IntN(4)], 1 + p.dice.IntN(400),
			created.AddDate(0, 0, 7), nil,
			[]string{p.text(8), p.text(8)},
			map[string]any{"priority": p.dice.IntN(5), "watch": at%2 == 0},
			created, nil, created.Add(time.Duration(p.dice.IntN(1e9)) * time.Microsecond),
		}, nil
	}))
	return err
}

func (g *ground) copyComments(ctx context.Context, conn *pgx.Conn, tasks, n int) error {
	p := newProse(2)
	at := 0
	columns := []string{"id", "customer_id", "task_id", "author_id", "body", "created_at"}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"comment"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if at == n {
			return nil, nil
		}
		at++
		size := 100 + p.dice.IntN(1_000)
		if at%3 == 0 {
			size = 20 + p.dice.IntN(80)
		}
		return []any{
			firstID + at, g.largest, firstID + 1 + p.dice.IntN(tasks), 1 + p.dice.IntN(400), p.text(size),
			since.Add(time.Duration(at) * 30 * time.Second).Add(time.Duration(p.dice.IntN(1e6)) * time.Microsecond),
		}, nil
	}))
	return err
}
