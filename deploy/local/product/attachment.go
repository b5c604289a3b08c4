package product

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// names are what people call their files: Chinese, emoji, twins, names that other systems cannot bear.
var names = []string{
	"会议纪要.txt", "设计稿-终稿.png", "设计稿-终稿.png", "预算 2026（草案）.csv", "launch 🚀 plan.md", "photo.png", "Photo.PNG",
	"合同扫描件.png", "notes.txt", "notes.txt", "客户反馈 😀.txt", "report: final?.txt", "..\\secret.txt", "con.txt", "空文件.txt",
}

type file struct {
	id              int64
	customer        string
	task            int64
	name, key, kind string
	content         []byte
	at              time.Time
}

// attach makes the attachments: about one for each hundred rows of a customer, forty at most, two hundred for the largest.
func attach(ctx context.Context, tx pgx.Tx, store Store) error {
	files, err := plan(ctx, tx)
	if err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, f := range files {
		group.Go(func() error { return store.Put(inner, f.key, f.kind, f.content) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("store attachments: %w", err)
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"attachment"},
		[]string{"id", "customer_id", "task_id", "file_name", "object_key", "content_type", "size_bytes", "sha256", "uploaded_at"},
		pgx.CopyFromSlice(len(files), func(i int) ([]any, error) {
			f := files[i]
			sum := sha256.Sum256(f.content)
			return []any{f.id, f.customer, f.task, f.name, f.key, f.kind, len(f.content), hex.EncodeToString(sum[:]), f.at}, nil
		}))
	return err
}

func plan(ctx context.Context, tx pgx.Tx) ([]file, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, CASE WHEN c.seats >= 400 THEN 200 ELSE least(40, (c.scale + 60) / 100) END, min(t.id), count(*), min(t.created_at)
		  FROM customer c JOIN task t ON t.customer_id = c.id GROUP BY c.id ORDER BY c.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var files []file
	for rows.Next() {
		var customer string
		var many int
		var first, tasks int64
		var since time.Time
		if err := rows.Scan(&customer, &many, &first, &tasks, &since); err != nil {
			return nil, err
		}
		for n := range many {
			id := int64(len(files) + 1)
			name := names[n%len(names)]
			content, kind := content(uint64(id), name)
			files = append(files, file{
				id: id, customer: customer, task: first + int64(n*7)%tasks, name: name, kind: kind, content: content,
				key: fmt.Sprintf("attachments/%s/%08x", customer, id*2654435761%4294967296), at: since.Add(time.Duration(n) * time.Hour),
			})
		}
	}
	return files, rows.Err()
}

// content makes a file's bytes from its id and name.
func content(id uint64, name string) (body []byte, kind string) {
	dice := rand.New(rand.NewPCG(id, 20418)) // the same bytes in every run is the point
	switch {
	case name == "空文件.txt":
		return []byte{}, "text/plain"
	case strings.HasSuffix(strings.ToLower(name), ".png"):
		return picture(dice), "image/png"
	case strings.HasSuffix(name, ".csv"):
		return lines(dice, "项目,金额\r\n", "第 %d 项,%d.50\r\n"), "text/csv"
	default:
		return lines(dice, "禾舟协作\n", "- %d：已讨论 %d 分钟，Notes agreed.\n"), "text/plain"
	}
}

func lines(dice *rand.Rand, head, line string) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for n := range 5 + dice.IntN(400) {
		fmt.Fprintf(&b, line, n+1, dice.IntN(90))
	}
	return b.Bytes()
}

// picture draws coloured tiles.
func picture(dice *rand.Rand) []byte {
	const tile, across = 16, 12
	img := image.NewRGBA(image.Rect(0, 0, tile*across, tile*across))
	for t := range across * across {
		c := color.RGBA{R: uint8(dice.IntN(256)), G: uint8(dice.IntN(256)), B: uint8(dice.IntN(256)), A: 255}
		for p := range tile * tile {
			img.SetRGBA(t%across*tile+p%tile, t/across*tile+p/tile, c)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a buffer takes everything
	return b.Bytes()
}
