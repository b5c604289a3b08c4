package mail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	smtp "github.com/wneessen/go-mail"
	wire "github.com/wneessen/go-mail/smtp"
)

// How long an idle connection is kept, and for how many mails. Servers hang up after minutes, and some after hundreds of mails.
const (
	keptIdle  = 10 * time.Second
	keptMails = 100
)

// keeper keeps the connection on which a mail went out for the next one, since connecting and signing in cost more than the
// mail. Each carries one mail at a time. It is safe for use by many goroutines.
type keeper struct {
	client *smtp.Client
	idle   time.Duration
	mails  int

	mu     sync.Mutex
	kept   []*line // the one used last is last
	closed bool
}

// line is a connection to the server.
type line struct {
	*wire.Client
	mails int         // that went out on it
	end   *time.Timer // hangs up when it is idle for too long
}

// newKeeper opens no connection yet. When ctx ends, idle connections are closed, and further ones are not kept.
func newKeeper(ctx context.Context, c Config) (*keeper, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	k := &keeper{client: client, idle: keptIdle, mails: keptMails}
	context.AfterFunc(ctx, k.close)
	return k, nil
}

// send hands a mail to the server once. On a kept connection the server may have hung up, or want no more mails: what fails
// before anything of the mail was sent is tried anew on a new connection, whose answer counts.
//
// A mail whose address needs SMTPUTF8 is refused where the server does not offer it: it would be refused there, in words that say less.
func (k *keeper) send(ctx context.Context, m *smtp.Msg, utf8 bool) error {
	if l := k.take(); l != nil {
		if utf8 && !offersUTF8(l.Client) {
			k.keep(l)
			return errUnwritable
		}
		err := k.client.SendWithSMTPClient(l.Client, m)
		if !unsent(err) {
			return k.used(l, err)
		}
		_ = l.Close()
	}
	client, err := k.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if utf8 && !offersUTF8(client) {
		k.keep(&line{Client: client})
		return errUnwritable
	}
	return k.used(&line{Client: client}, k.client.SendWithSMTPClient(client, m))
}

var errUnwritable = refusal{"the address needs SMTPUTF8, which the server does not offer", problemUnwritable}

func offersUTF8(c *wire.Client) bool {
	ok, _ := c.Extension("SMTPUTF8")
	return ok
}

// unsent reports whether a mail failed at or before MAIL FROM, so that the server knows nothing of it.
func unsent(err error) bool {
	var sent *smtp.SendError
	return errors.As(err, &sent) && (sent.Reason == smtp.ErrConnCheck || sent.Reason == smtp.ErrSMTPMailFrom)
}

// used keeps a connection on which a mail went out. After an error nobody knows what state it is in.
func (k *keeper) used(l *line, err error) error {
	l.mails++
	if err != nil || !k.keep(l) {
		l.hangUp()
	}
	return err
}

func (k *keeper) keep(l *line) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || l.mails >= k.mails {
		return false
	}
	l.end = time.AfterFunc(k.idle, func() {
		if k.drop(l) {
			l.hangUp()
		}
	})
	k.kept = append(k.kept, l)
	return true
}

// take returns the connection used last, or nil when none is kept.
func (k *keeper) take() *line {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) == 0 {
		return nil
	}
	l := k.kept[len(k.kept)-1]
	k.kept = k.kept[:len(k.kept)-1]
	l.end.Stop()
	return l
}

// drop reports whether a connection was kept until now.
func (k *keeper) drop(l *line) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.Index(k.kept, l)
	if i >= 0 {
		k.kept = slices.Delete(k.kept, i, i+1)
	}
	return i >= 0
}

func (k *keeper) close() {
	k.mu.Lock()
	k.closed = true
	kept := k.kept
	k.kept = nil
	k.mu.Unlock()
	for _, l := range kept {
		l.end.Stop()
		l.hangUp()
	}
}

// hangUp says goodbye and closes the connection, also when nobody listens.
func (l *line) hangUp() {
	if l.Quit() != nil {
		_ = l.Close()
	}
}
