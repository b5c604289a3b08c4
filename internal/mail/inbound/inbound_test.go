package inbound_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/backend/memory"
	"github.com/emersion/go-imap/server"

	"offramp/deploy/local/pop3"
	"offramp/internal/mail/inbound"
	"offramp/internal/mail/report"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func popBox(t *testing.T) (*pop3.Server, inbound.Mailbox) {
	t.Helper()
	l := listen(t)
	s := &pop3.Server{User: "bounces", Password: "secret word"}
	go s.Serve(l)
	return s, parse(t, "pop3://bounces@"+l.Addr().String(), "secret word")
}

func parse(t *testing.T, address, password string) inbound.Mailbox {
	t.Helper()
	m, err := inbound.Parse(address, password)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPOPDeletesWhatWasTakenAndNothingElse(t *testing.T) {
	s, box := popBox(t)
	for i := range 5 {
		s.Add(fmt.Appendf(nil, "Subject: %d\r\n\r\n.dot\r\n", i))
	}
	var got []string
	full := errors.New("full")
	take := func(raw []byte, _ inbound.Cursor) error {
		if len(got) == 2 {
			return full
		}
		got = append(got, string(raw))
		return nil
	}
	if more, err := box.Read(t.Context(), inbound.Cursor{}, 10, take); !errors.Is(err, full) || more || s.Len() != 3 {
		t.Errorf("%t %v; %d mails left, want 3", more, err, s.Len())
	}
	if got[0] != "Subject: 0\n\n.dot\n" {
		t.Errorf("read as %q", got[0])
	}
	got = nil
	if more, err := box.Read(t.Context(), inbound.Cursor{}, 2, take); err != nil || !more || s.Len() != 1 {
		t.Errorf("%t %v; %d mails left, want 1", more, err, s.Len())
	}
	if _, err := box.Read(t.Context(), inbound.Cursor{}, 0, take); err != nil || s.Len() != 1 {
		t.Errorf("a look that takes nothing: %v, %d left", err, s.Len())
	}
	wrong := parse(t, "pop3://bounces@"+strings.TrimSuffix(strings.TrimPrefix(box.Name(), "pop3://bounces@"), "/INBOX"), "no")
	if err := wrong.Check(t.Context()); !errors.Is(err, inbound.ErrSignIn) {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestN13_AMailboxOfAHundredThousandMailsNeedsTheMemoryOfOne(t *testing.T) {
	s, box := popBox(t)
	mail := []byte("To: bounces@example.com\r\n\r\n" + strings.Repeat("words and words\r\n", 20))
	const many = 100_000
	for range many {
		s.Add(mail)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, most := 0, uint64(0)
	for more := true; more; {
		var err error
		more, err = box.Read(t.Context(), inbound.Cursor{}, 5000, func(raw []byte, _ inbound.Cursor) error {
			if n++; n%20_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n != many || s.Len() != 0 {
		t.Errorf("%d of %d mails were read; %d are left", n, many, s.Len())
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d MiB for %d mails", grown>>20, many)
	}
}

func TestAHugeMailIsCutOff(t *testing.T) {
	s, box := popBox(t)
	s.Add([]byte("Subject: huge\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 4000)))
	s.Add([]byte("Subject: next\r\n\r\n"))
	var sizes []int
	_, err := box.Read(t.Context(), inbound.Cursor{}, 10, func(raw []byte, _ inbound.Cursor) error {
		sizes = append(sizes, len(raw))
		return nil
	})
	if err != nil || !slices.Equal(sizes, []int{report.MaxBytes, len("Subject: next\n\n")}) {
		t.Errorf("%v: %v", sizes, err)
	}
}

func TestIMAPGoesOnBehindTheLastMailAndChangesNothing(t *testing.T) {
	l := listen(t)
	store := memory.New()
	s := server.New(store)
	s.AllowInsecureAuth = true
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	user, err := store.Login(nil, "username", "password")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := user.GetMailbox("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	add := func(subject string) {
		if err := folder.CreateMessage(nil, time.Now(), strings.NewReader("Subject: "+subject+"\r\n\r\nwords\r\n")); err != nil {
			t.Error(err)
		}
	}
	for i := range 45 {
		add(fmt.Sprint("mail ", i))
	}
	box := parse(t, "imap://username@"+l.Addr().String()+"/INBOX", "password")
	var at inbound.Cursor
	var got []string
	take := func(raw []byte, read inbound.Cursor) error {
		subject, _, _ := strings.Cut(strings.TrimPrefix(string(raw), "Subject: "), "\r\n")
		got, at = append(got, subject), read
		return nil
	}
	more, err := box.Read(t.Context(), at, 30, take)
	if err != nil || !more || len(got) != 30 {
		t.Fatalf("%t %v: %d mails", more, err, len(got))
	}
	if more, err = box.Read(t.Context(), at, 30, take); err != nil || more || len(got) != 46 { // one was there before
		t.Fatalf("%t %v: %d mails", more, err, len(got))
	}
	got = nil
	if _, err = box.Read(t.Context(), at, 30, take); err != nil || len(got) != 0 { // "n:*" names the last mail
		t.Errorf("nothing new, and %q (%v)", got, err)
	}
	add("late")
	if _, err = box.Read(t.Context(), at, 30, take); err != nil || !slices.Equal(got, []string{"late"}) {
		t.Errorf("%q (%v)", got, err)
	}
	got = nil
	if _, err = box.Read(t.Context(), inbound.Cursor{Validity: at.Validity + 1, UID: at.UID}, 100, take); err != nil || len(got) != 47 {
		t.Errorf("numbered anew: %d mails (%v)", len(got), err)
	}
	if err := parse(t, "imap://username@"+l.Addr().String(), "no").Check(t.Context()); !errors.Is(err, inbound.ErrSignIn) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := parse(t, "imap://username@"+l.Addr().String()+"/None", "password").Check(t.Context()); err == nil || errors.Is(err, inbound.ErrSignIn) {
		t.Errorf("no such folder: %v", err)
	}
}

func TestAddressesOfMailboxes(t *testing.T) {
	for address, fine := range map[string]bool{
		"imaps://bounces@imap.example.com/INBOX": true, "pop3s://a%40example.com@pop.example.com": true, "pop3://bounces@127.0.0.1:2110": true,
		"imap://bounces@localhost": true, "imap://bounces@imap.example.com": false, "pop3://bounces@10.0.0.1": false, "https://x@example.com": false,
		"imaps://imap.example.com": false, "imaps://bounces:secret@imap.example.com": false, "": false, "bounces@example.com": false,
	} {
		if _, err := inbound.Parse(address, "x"); (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
	}
}

var seals = report.NewSeals([]byte("a secret of at least 32 characters"))

// open starts a listener that speaks SMTP, as net/smtp does, and returns what it takes.
func open(t *testing.T, take func(raw []byte, to []string) error) (address string, end func()) {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	one := &inbound.Listener{Bounces: "bounces@moving.example", Seals: seals, Take: func(_ context.Context, raw []byte, to []string) error { return take(raw, to) }}
	done := make(chan error, 1)
	go func() { done <- one.Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the listener ended with %v", err)
		}
	}
}

func TestTheListenerTakesReportsAndNothingElse(t *testing.T) {
	var mu sync.Mutex
	var took []string
	fail := true
	address, end := open(t, func(raw []byte, to []string) error {
		mu.Lock()
		defer mu.Unlock()
		if fail {
			fail = false
			return errors.New("the database is away")
		}
		took = append(took, strings.Join(to, " ")+": "+strings.TrimSpace(string(raw)))
		return nil
	})
	back := report.Return("bounces@moving.example", seals.Token("00112233445566778899aabbccddeeff"))
	send := func(to string) error {
		return smtp.SendMail(address, nil, "", []string{to}, []byte("Subject: x\r\n\r\n"))
	}
	if err := send(back); err == nil || !strings.HasPrefix(err.Error(), "451") {
		t.Errorf("what was not kept is answered %v", err)
	}
	for _, to := range []string{back, strings.ToUpper(back), "bounces@moving.example"} {
		if err := send(to); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, to := range []string{"ann@customer.example", "bounces+" + strings.Repeat("a", 42) + "@moving.example", "postmaster@moving.example"} {
		if err := send(to); err == nil || !strings.HasPrefix(err.Error(), "550") {
			t.Errorf("%s is answered %v", to, err)
		}
	}
	end()
	if len(took) != 3 || took[0] != back+": Subject: x" {
		t.Errorf("took %q", took)
	}
}

func TestTheListenerBoundsConnectionsAndMails(t *testing.T) {
	size := make(chan int, 1)
	address, end := open(t, func(raw []byte, _ []string) error {
		size <- len(raw)
		return nil
	})
	defer end()
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 2000)
	if err := smtp.SendMail(address, nil, "", []string{"bounces@moving.example"}, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if n := <-size; n != report.MaxBytes {
		t.Errorf("%d bytes were kept", n)
	}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	refused := false
	for range 60 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		talk, err := smtp.NewClient(c, "localhost")
		if err == nil {
			err = talk.Hello("me")
		}
		if err != nil {
			refused = strings.HasPrefix(err.Error(), "421")
			break
		}
	}
	if !refused {
		t.Errorf("%d connections at once were let in", len(open))
	}
}
