package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
	"offramp/export"
	"offramp/export/storage"
)

// heap is a number of attachments of one size that do not pack, given to one customer.
type heap struct {
	ref        string
	many, size int
	delay      int // ms to the place where they lie
}

var (
	largeHeap = heap{ref: product.Reference, many: 40, size: 10 << 20}
	farHeap   = heap{ref: "HZ-20452", many: 1_000, size: 16 << 10, delay: 20}
)

// benchFiles copies attachments: large ones against one bare PUT of as many bytes, small ones from far away against fetching
// them one after another and storing them as one.
func benchFiles(ctx context.Context, rounds int) error {
	g, err := prepare(ctx, 2_000)
	if err != nil {
		return err
	}
	defer g.close()
	fmt.Fprintln(os.Stderr, "  Measuring ...")
	_, bucket, err := g.exports(ctx)
	if err != nil {
		return err
	}
	text := func(d time.Duration) string { return d.Round(time.Millisecond).String() }
	ours, bare, err := g.againstCopying(ctx, largeHeap, rounds, func() (time.Duration, error) { return largeHeap.put(ctx, bucket) })
	if err != nil {
		return err
	}
	line(fmt.Sprintf("attachments, %d MB in all, against one bare PUT", largeHeap.many*largeHeap.size>>20), text(ours), text(bare), bare.Seconds()/ours.Seconds(), ">= 0.75")
	if ours, bare, err = g.againstCopying(ctx, farHeap, 1, func() (time.Duration, error) { return g.oneByOne(ctx, bucket, farHeap) }); err != nil {
		return err
	}
	line(fmt.Sprintf("%d attachments at %d ms each, against one after another", farHeap.many, farHeap.delay), text(ours), text(bare), bare.Seconds()/ours.Seconds(), ">= 9.00 times faster")
	return nil
}

// againstCopying gives a customer the attachments, exports them by a worker of its own in each round, does what is compared with
// it after each, and returns the medians.
func (g *ground) againstCopying(ctx context.Context, h heap, rounds int, other func() (time.Duration, error)) (ours, theirs time.Duration, err error) {
	if err := g.pile(ctx, h); err != nil {
		return 0, 0, err
	}
	files, stop, err := g.files(h)
	if err != nil {
		return 0, 0, err
	}
	defer stop()
	worker, err := g.benchWorker(ctx, map[string]string{"OFFRAMP_SOURCE_FILES_URL": files})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = worker.Stop(10 * time.Second) }()
	var all [2][]time.Duration
	for range rounds {
		took, err := g.copyHeap(ctx, h)
		if err != nil {
			return 0, 0, err
		}
		against, err := other()
		if err != nil {
			return 0, 0, err
		}
		all[0], all[1] = append(all[0], took), append(all[1], against)
	}
	return median(all[0]), median(all[1]), nil
}

// copyHeap exports a heap once.
func (g *ground) copyHeap(ctx context.Context, h heap) (time.Duration, error) {
	service, _, err := g.exports(ctx)
	if err != nil {
		return 0, err
	}
	who, err := g.owner(ctx, h.ref)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	e, err := service.Request(ctx, who, g.programme, export.Selection{Datasets: []string{"attachments"}, Formats: []string{export.CSV}, VolumeSize: 50})
	if err != nil {
		return 0, err
	}
	_, err = g.ready(ctx, who, service, e.ID)
	return time.Since(began), err
}

// pile replaces a customer's attachments by the heap.
func (g *ground) pile(ctx context.Context, h heap) error {
	shelf := g.stack.S3.Shelf(product.Bucket)
	body := make([]byte, h.size)
	_, _ = rand.Read(body) // never fails
	numbers := make([]int, h.many)
	for i := range numbers {
		numbers[i] = i
	}
	err := each(numbers, func(i int) error {
		return shelf.Put(ctx, h.key(i), "application/octet-stream", body)
	})
	if err != nil {
		return err
	}
	return execute(ctx, g.stack.Postgres.URL(product.Database, postgres.SuperRole), fmt.Sprintf(`
		DELETE FROM attachment WHERE customer_id = '%[1]s';
		INSERT INTO attachment (id, customer_id, task_id, file_name, object_key, content_type, size_bytes, sha256, uploaded_at)
		SELECT (SELECT coalesce(max(id), 0) FROM attachment) + 1 + n, '%[1]s', (SELECT min(id) FROM task WHERE customer_id = '%[1]s'), n || '.bin', 'heap/%[1]s/' || n, 'application/octet-stream', %[3]d, '', now()
		  FROM generate_series(0, %[2]d - 1) n`, h.ref, h.many, h.size))
}

func (h heap) key(i int) string { return fmt.Sprintf("heap/%s/%d", h.ref, i) }

// files is the address of the attachments at the heap's distance, and what ends the distance.
func (g *ground) files(h heap) (address string, stop func(), err error) {
	if h.delay == 0 {
		address, err = product.FilesURL(g.stack.S3, g.stack.S3.Endpoint)
		return address, func() {}, err
	}
	at, err := url.Parse(g.stack.S3.Endpoint)
	if err != nil {
		return "", nil, err
	}
	n, err := local.StartNetwork("far away", at.Host)
	if err != nil {
		return "", nil, err
	}
	if err := n.Add(local.Toxic{Kind: "latency", Attributes: map[string]any{"latency": h.delay}}); err != nil {
		return "", nil, err
	}
	address, err = product.FilesURL(g.stack.S3, "http://"+n.Address)
	return address, n.Cut, err
}

// put stores as many bytes as the heap has as one object.
func (h heap) put(ctx context.Context, b *storage.Bucket) (time.Duration, error) {
	body := make([]byte, h.size)
	_, _ = rand.Read(body)
	began := time.Now()
	up := b.Create(ctx, storage.NewKey("bare/"), int64(h.many*h.size), "application/octet-stream")
	defer up.Abort()
	for range h.many {
		if _, err := io.Copy(up, bytes.NewReader(body)); err != nil {
			return 0, err
		}
	}
	_, err := up.Commit()
	return time.Since(began), err
}

// oneByOne fetches the heap in order, one object at a time, and stores it as one.
func (g *ground) oneByOne(ctx context.Context, to *storage.Bucket, h heap) (time.Duration, error) {
	address, stop, err := g.files(h)
	if err != nil {
		return 0, err
	}
	defer stop()
	config, err := storage.ParseURL(address)
	if err != nil {
		return 0, err
	}
	from, err := storage.Open(ctx, config)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	up := to.Create(ctx, storage.NewKey("bare/"), int64(h.many*h.size), "application/octet-stream")
	defer up.Abort()
	for i := range h.many {
		o, err := from.Open(ctx, h.key(i), 0)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(up, o)
		_ = o.Close()
		if err != nil {
			return 0, err
		}
	}
	_, err = up.Commit()
	return time.Since(began), err
}
