package notice_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/notice"
)

// relay is a mail server that counts the mails that it took, by recipient.
type relay struct {
	mu    sync.Mutex
	taken map[string]int
	more  chan struct{} // holds something when mails came
}

// NewSession implements smtp.Backend.
func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return &relayed{relay: r}, nil }

func (r *relay) count() (mails int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.taken {
		mails += n
	}
	return mails
}

type relayed struct {
	*relay
	to []string
}

func (s *relayed) Mail(string, *smtp.MailOptions) error { return nil }
func (s *relayed) Reset()                               { s.to = nil }
func (s *relayed) Logout() error                        { return nil }

func (s *relayed) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, strings.ToLower(to))
	return nil
}

func (s *relayed) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, to := range s.to {
		s.taken[to]++
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// openRelay listens until the test ends.
func openRelay(t *testing.T) (*relay, string) {
	t.Helper()
	r := &relay{taken: map[string]int{}, more: make(chan struct{}, 1)}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(r)
	server.ErrorLog = log.New(io.Discard, "", 0) // who is killed hangs up
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return r, l.Addr().String()
}

// senderTo is a sender on a database and a mail server.
func senderTo(t *testing.T, d *db.DB, address string) *notice.Sender {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	post, err := mail.NewPost(t.Context(), mail.Config{Host: host, Port: number, TLS: mail.None, From: "Moving <moving@boats.example>"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	service := notice.NewService(d, migration.NewProgrammes(d), "https://moving.example", seals)
	return &notice.Sender{Service: service, Post: post, Logger: slog.New(slog.DiscardHandler)}
}

// TestN01_Worker is the process that TestN01_KilledInMidSend kills. By itself it does nothing.
func TestN01_Worker(t *testing.T) {
	url, address := os.Getenv("OFFRAMP_TEST_KILL_DB"), os.Getenv("OFFRAMP_TEST_KILL_SMTP")
	if url == "" {
		t.Skip("started by TestN01_KilledInMidSend")
	}
	at, err := time.Parse(time.RFC3339, os.Getenv("OFFRAMP_TEST_KILL_NOW"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), url, db.Options{Clock: clock.Shifted(time.Until(at))})
	if err != nil {
		t.Fatal(err)
	}
	senderTo(t, d, address).Run(t.Context()) // until it is killed
}

// TestN01_KilledInMidSend kills a real worker in the middle of a send to 10,000, three times.
func TestN01_KilledInMidSend(t *testing.T) {
	customers := 10_000
	if testing.Short() {
		customers = 400
	}
	list := make([]string, customers)
	for i := range list {
		list[i] = fmt.Sprintf("A-%d,Asia/Shanghai,en", i)
	}
	h := openHarbour(t, strings.Replace(boats, "notices:\n", "notices:\n  rate: 1000000\n", 1), list...)
	h.approveAll()
	server, address := openRelay(t)
	for kill := range 3 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestN01_Worker$", "-test.count=1")
		c.Env = append(os.Environ(), "OFFRAMP_TEST_KILL_DB="+h.database.WorkURL, "OFFRAMP_TEST_KILL_SMTP="+address, "OFFRAMP_TEST_KILL_NOW=2026-06-01T02:00:00Z")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for want := customers * (kill + 1) / 5; server.count() < want; {
			select {
			case <-server.more:
			case <-t.Context().Done():
				t.Fatal(t.Context().Err())
			}
		}
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if n, open := server.count(), h.one(`SELECT count(*)::text FROM notice_message WHERE state = 'planned'`); n >= customers || open == "0" {
		t.Fatalf("%d sent and %s open after the kills: they came too late to prove anything", n, open)
	}
	h.clock.Set(time.Date(2026, 6, 1, 2, 30, 0, 0, time.UTC)) // leases of the dead are over
	if err := senderTo(t, h.db, address).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settled(server, customers)
}

// settled holds what every recipient has come to: sent once, or unknown and not twice.
func (h *harbour) settled(server *relay, customers int) {
	h.Helper()
	rows, err := h.database.Super(h.T).Query(h.Context(), `
		SELECT lower(c.ref) || '@customer.example', m.state, coalesce(string_agg(d.state, ','), 'none') FROM customer c
		  JOIN notice_message m ON m.customer_id = c.id AND m.notice = 'announcement' LEFT JOIN notice_delivery d ON d.message_id = m.id GROUP BY 1, 2`)
	if err != nil {
		h.Fatal(err)
	}
	defer rows.Close()
	seen, unknown := 0, 0
	for rows.Next() {
		var to, message, delivery string
		if err := rows.Scan(&to, &message, &delivery); err != nil {
			h.Fatal(err)
		}
		seen++
		switch mails := server.taken[to]; {
		case message == "sent" && delivery == "accepted" && mails == 1:
		case message == "sent" && delivery == "unknown" && mails <= 1:
			unknown++
		default:
			h.Errorf("%s: %s, %s, %d mails", to, message, delivery, mails)
		}
	}
	if seen != customers || unknown == 0 || unknown > 3*128 {
		h.Errorf("%d of %d have a row, %d are unknown", seen, customers, unknown)
	}
}
