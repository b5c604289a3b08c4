package writeback_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/internal/outbound"
)

// BenchmarkDrain delivers one event of each of b.N customers; ns/op is the time of one event.
func BenchmarkDrain(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer sink.Close()
	database := localtest.Database(b)
	d := database.Open(b)
	inEffect(b, database, 1, time.Now().Add(-time.Hour), "crm")
	fill := `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at)
		SELECT 'msg_' || i, 'c' || i, 1, 'offramp.customer.status.changed.v1', 'REF-' || i, '{"version": 1}', $2 FROM generate_series(1, $1) i`
	err := d.InTx(b.Context(), db.SystemScope("bench"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(b.Context(), fill, b.N, time.Now())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	s := service(d, sink.URL, 30*time.Second)
	b.ResetTimer()
	if err := s.Sweep(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	if n, err := s.Summary(b.Context(), db.SystemScope("bench")); err != nil || n[0].Pending != 0 {
		b.Fatal(fmt.Sprint(n, err))
	}
}

// BenchmarkHTTPAlone is the ceiling of BenchmarkDrain: the same calls by as many senders, without a database or signature.
func BenchmarkHTTPAlone(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer sink.Close()
	client := outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	body := []byte(`{"specversion":"1.0","id":"msg_1","source":"https://moving.example.com","type":"offramp.customer.status.changed.v1","data":{"version":1}}`)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := client.Post(sink.URL, "application/cloudevents+json", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
