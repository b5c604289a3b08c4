package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	smtp "github.com/wneessen/go-mail"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
)

// post sends mails by a keeper of its own to a server of its own.
type post struct {
	*testing.T
	*keeper
	sink *local.Mail
	stop context.CancelFunc
}

func newPost(t *testing.T) *post {
	t.Helper()
	t.Parallel()
	sink := localtest.Mail(t)
	ctx, cancel := context.WithCancel(t.Context())
	k, err := newKeeper(ctx, Config{Host: "127.0.0.1", Port: sink.Port(), TLS: None, From: "moving@hezhou.example"})
	if err != nil {
		t.Fatal(err)
	}
	k.idle = time.Hour
	return &post{T: t, keeper: k, sink: sink, stop: cancel}
}

// mail sends one mail and returns what came of it.
func (p *post) mail(to string) error {
	m := smtp.NewMsg()
	if err := errors.Join(m.From("moving@hezhou.example"), m.To(to)); err != nil {
		p.Error(err)
	}
	m.Subject("To " + to)
	m.SetBodyString(smtp.TypeTextPlain, "Hello")
	return outcome(p.send(p.Context(), m, false))
}

// mails sends n mails, each of which must arrive once, and between them does something.
func (p *post) mails(n int, between func()) {
	p.Helper()
	for i := range n {
		if i > 0 {
			between()
		}
		to := fmt.Sprintf("%d@example.com", i)
		if err := p.mail(to); err != nil {
			p.Errorf("mail %d: %v", i, err)
		}
		if got := len(p.sink.Messages(to)); got != 1 {
			p.Errorf("mail %d arrived %d times", i, got)
		}
	}
}

// begun holds how many connections the server has seen against what is wanted.
func (p *post) begun(want int) {
	p.Helper()
	if got, _ := p.sink.Connections(); got != want {
		p.Errorf("%d connections, want %d", got, want)
	}
}

// open waits until the server has so many open connections.
func (p *post) open(want int) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 20*time.Second)
	defer cancel()
	if err := p.sink.WaitOpen(ctx, want); err != nil {
		_, open := p.sink.Connections()
		p.Errorf("%d connections are open, want %d", open, want)
	}
}

func nothing() {}

func TestSeveralMailsShareAConnectionUntilShutdown(t *testing.T) {
	p := newPost(t)
	p.mails(5, nothing)
	p.begun(1)
	p.open(1)
	p.stop()
	p.open(0)
	if err := p.mail("late@example.com"); err != nil { // of a job that may still end
		t.Error(err)
	}
	p.begun(2)
	p.open(0)
}

func TestAConnectionEndsAfterItsMails(t *testing.T) {
	p := newPost(t)
	p.keeper.mails = 2
	p.mails(5, nothing)
	p.begun(3)
	p.open(1)
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	p := newPost(t)
	p.idle = time.Millisecond
	p.mails(2, func() { p.open(0) })
	p.begun(2)
	p.open(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) > 0 {
		t.Errorf("%d closed connections are kept", len(p.kept))
	}
}

func TestAServerThatClosesAfterEachMail(t *testing.T) {
	p := newPost(t)
	p.sink.HangUpAfter(1)
	p.mails(3, func() { p.open(0) })
	p.begun(3)
}

func TestAServerThatClosesIdleConnections(t *testing.T) {
	for name, word := range map[string]bool{"with a word": true, "in silence": false} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.mails(3, func() { p.sink.HangUp(word) })
			p.begun(3)
		})
	}
}

func TestARefusedRecipientDoesNotSpoilTheNextMail(t *testing.T) {
	p := newPost(t)
	p.sink.Refuse(func(to string) int { return map[string]int{"gone@example.com": 550, "later@example.com": 451}[to] })
	p.mails(2, func() {
		var final refusal
		if err := p.mail("gone@example.com"); !errors.As(err, &final) {
			t.Errorf("no refusal: %v", err)
		}
		if err := p.mail("later@example.com"); err == nil || errors.As(err, &final) {
			t.Errorf("not to be tried again: %v", err)
		}
	})
}

// TestAMailThatBreaksOffIsLeftToTheQueue: the keeper itself tries nothing anew of which the server knows.
func TestAMailThatBreaksOffIsLeftToTheQueue(t *testing.T) {
	p := newPost(t)
	p.mails(1, nothing)
	tries := 0
	p.sink.Refuse(func(string) int {
		tries++
		p.sink.HangUp(false)
		return 0
	})
	if err := p.mail("ann@example.com"); err == nil {
		t.Error("no error")
	}
	if tries != 1 || len(p.sink.Messages("ann@example.com")) != 0 {
		t.Errorf("%d tries, %d mails", tries, len(p.sink.Messages("ann@example.com")))
	}
	p.sink.Refuse(nil)
	if err := p.mail("ann@example.com"); err != nil {
		t.Error(err)
	}
}

func TestManyMailsAtOnceHaveAConnectionEach(t *testing.T) {
	const workers, each = 8, 20
	p := newPost(t)
	p.keeper.mails = 7 // so that connections end among the others
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				if err := p.mail(fmt.Sprintf("%d-%d@example.com", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for _, m := range p.sink.Messages("") {
		seen[m.To[0]] = true
		if len(m.To) != 1 || m.Subject != "To "+m.To[0] {
			t.Errorf("to %v: %s", m.To, m.Subject)
		}
	}
	if n := len(p.sink.Messages("")); n != workers*each || len(seen) != n {
		t.Errorf("%d mails to %d people", n, len(seen))
	}
	begun, _ := p.sink.Connections()
	if least := workers * each / 7; begun < least || begun > least+workers {
		t.Errorf("%d connections", begun)
	}
	p.stop()
	p.open(0)
}
