package inbound

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"offramp/internal/mail/report"
)

// pop is a talk of RFC 1939.
type pop struct {
	*textproto.Conn
	raw net.Conn
}

// say sends a command and returns what follows "+OK".
func (p pop) say(format string, args ...any) (string, error) {
	if err := p.raw.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if format != "" {
		if err := p.PrintfLine(format, args...); err != nil {
			return "", err
		}
	}
	line, err := p.ReadLine()
	if err != nil {
		return "", err
	}
	answer, ok := strings.CutPrefix(line, "+OK")
	if !ok {
		return "", fmt.Errorf("the server answers %q", report.Clean(line))
	}
	return strings.TrimSpace(answer), nil
}

func (m Mailbox) readPOP(ctx context.Context, most int, take Take) (more bool, err error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	p := pop{textproto.NewConn(conn), conn}
	defer func() { _ = p.Close() }()
	count, err := p.enter(m.user, m.password)
	if err != nil {
		return false, err
	}
	for n := 1; n <= min(most, count); n++ {
		if err = p.one(n, take); err != nil {
			break
		}
	}
	// Deletions count once the server has said goodbye, also after an error: what was taken is known.
	if _, quit := p.say("QUIT"); err == nil && quit != nil {
		err = wrap("delete what was read", quit)
	}
	return err == nil && count > most, err
}

// enter signs in and returns how many mails there are.
func (p pop) enter(user, password string) (count int, err error) {
	if _, err := p.say(""); err != nil {
		return 0, wrap("greet", err)
	}
	if strings.ContainsAny(user+password, "\r\n") {
		return 0, ErrSignIn
	}
	for _, line := range []string{"USER " + user, "PASS " + password} {
		if _, err := p.say("%s", line); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrSignIn, err)
		}
	}
	answer, err := p.say("STAT")
	if err != nil {
		return 0, wrap("count mails", err)
	}
	if _, err := fmt.Sscan(answer, &count); err != nil {
		return 0, fmt.Errorf("mailbox: count mails: the server answers %q", report.Clean(answer))
	}
	return count, nil
}

// one takes a mail and deletes it.
func (p pop) one(n int, take Take) error {
	if _, err := p.say("RETR %d", n); err != nil {
		return wrap("read mail", err)
	}
	body := p.DotReader()
	raw, err := io.ReadAll(io.LimitReader(body, report.MaxBytes))
	if err != nil {
		return wrap("read mail", err)
	}
	for { // the rest of a large mail, a bounded time for each piece
		if err := p.raw.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, body, 1<<20); err == io.EOF { //nolint:errorlint // what CopyN promises
			break
		} else if err != nil {
			return wrap("read mail", err)
		}
	}
	if err := take(raw, Cursor{}); err != nil {
		return err
	}
	_, err = p.say("DELE %d", n)
	return wrap("delete mail", err)
}
