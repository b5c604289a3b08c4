package main

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
)

// open reaches the installation as its processes do.
func (w *world) open() *parts {
	w.Helper()
	c := &console{ctx: context.WithoutCancel(w.Context()), out: io.Discard, err: io.Discard}
	for name, value := range w.env {
		c.environ = append(c.environ, name+"="+value)
	}
	p, err := c.open("work")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(p.close)
	return p
}

// work runs a worker in this process until the test ends or the returned function is called.
func (w *world) work() (stop func()) {
	w.Helper()
	env := w.with("OFFRAMP_WORK_ID", w.database.Name, "OFFRAMP_WORK_DRAIN", "2s").env
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	var out bytes.Buffer
	c := &console{out: &out, err: &out}
	for name, value := range env {
		c.environ = append(c.environ, name+"="+value)
	}
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"work"}, c) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if n := <-code; n != 0 {
			w.Errorf("offramp work: %d", n)
		}
		w.Logf("offramp work:\n%s", out.String())
	})
	w.Cleanup(stop)
	return stop
}

// request asks for an export as the customer's owner does.
func (w *world) request(ref string) export.Export {
	w.Helper()
	p := w.with("OFFRAMP_DATABASE_URL", w.database.WebURL).open()
	who := migration.Who{Role: migration.Owner}
	const sql = `SELECT c.id, k.id FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref = $1`
	if err := w.database.Super(w.T).QueryRow(w.Context(), sql, ref).Scan(&who.CustomerID, &who.ContactID); err != nil {
		w.Fatal(err)
	}
	programme, err := p.programmes.Active(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	e, err := w.service(p).Request(w.Context(), who, programme, export.Selection{})
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) service(p *parts) *export.Service {
	w.Helper()
	queue, err := jobs.NewInserter(p.db)
	if err != nil {
		w.Fatal(err)
	}
	bucket, err := p.bucket(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return export.NewService(p.db, p.journeys, queue, bucket, export.Options{})
}

// await waits until the export is in a state, or, for "delayed", until an attempt of it has failed.
func (w *world) await(e export.Export, state string) export.Export {
	w.Helper()
	service := w.service(w.open())
	for deadline := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		got, err := service.GetForStaff(w.Context(), db.StaffScope("test"), e.ID)
		if err != nil {
			w.Fatal(err)
		}
		if string(got.State) == state || state == "delayed" && got.Delayed != "" {
			return got
		}
		if time.Now().After(deadline) {
			w.Fatalf("the export does not become %s: %+v", state, got)
		}
	}
}

// fetch reads a finished archive from the bucket.
func (w *world) fetch(e export.Export) []byte {
	w.Helper()
	bucket, err := w.open().bucket(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	o, err := bucket.Open(w.Context(), e.Volumes[0].Key, 0)
	if err != nil {
		w.Fatal(err)
	}
	defer o.Close()
	content, err := io.ReadAll(o)
	if err != nil {
		w.Fatal(err)
	}
	return content
}
