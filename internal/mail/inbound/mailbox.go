package inbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// patience bounds each step of a talk with a mailbox.
const patience = time.Minute

// Cursor is how far a mailbox was read. That of POP3 stays zero: what was read is deleted there.
type Cursor struct {
	Validity uint32 // UIDVALIDITY of IMAP, RFC 9051, section 2.3.1.1
	UID      uint32 // of the last mail
}

// Mailbox is where reports lie.
type Mailbox struct {
	scheme, host, port, user, password, folder string
	roots                                      *tls.Config // nil: the system's
}

var ports = map[string]string{"imaps": "993", "imap": "143", "pop3s": "995", "pop3": "110"}

// Parse reads the address of a mailbox, such as imaps://bounces@imap.example.com/INBOX or pop3s://bounces@pop.example.com. Without
// TLS (imap, pop3) only this machine is talked to.
func Parse(address, password string) (Mailbox, error) {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Hostname() == "" || ports[u.Scheme] == "" {
		return Mailbox{}, errors.New("must be imaps://USER@HOST/FOLDER or pop3s://USER@HOST")
	}
	m := Mailbox{scheme: u.Scheme, host: u.Hostname(), port: u.Port(), user: u.User.Username(), password: password, folder: strings.Trim(u.Path, "/")}
	if _, inside := u.User.Password(); inside {
		return Mailbox{}, errors.New("must not hold the password; it has a variable of its own")
	}
	if m.port == "" {
		m.port = ports[u.Scheme]
	}
	if m.folder == "" {
		m.folder = "INBOX"
	}
	if ip := net.ParseIP(m.host); !strings.HasSuffix(m.scheme, "s") && m.host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return Mailbox{}, fmt.Errorf("must be %ss://: without TLS only this machine is talked to", m.scheme)
	}
	return m, nil
}

// Name tells mailboxes apart, without a secret.
func (m Mailbox) Name() string {
	return m.scheme + "://" + m.user + "@" + net.JoinHostPort(m.host, m.port) + "/" + m.folder
}

// Take is what becomes of one mail; at is how far the mailbox is read with it. With an error the mail stays, and is read again.
type Take func(raw []byte, at Cursor) error

// Read takes at most most mails that come after a cursor, oldest first, and reports whether there are more. By POP3 each mail that
// was taken is deleted; by IMAP nothing is changed.
func (m Mailbox) Read(ctx context.Context, from Cursor, most int, take Take) (more bool, err error) {
	if strings.HasPrefix(m.scheme, "pop3") {
		return m.readPOP(ctx, most, take)
	}
	return m.readIMAP(ctx, from, most, take)
}

// Check signs in, opens the folder and takes nothing.
func (m Mailbox) Check(ctx context.Context) error {
	_, err := m.Read(ctx, Cursor{}, 0, func([]byte, Cursor) error { return nil })
	return err
}

// dial connects; the connection is closed when ctx ends.
func (m Mailbox) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(m.host, m.port)
	plain := &net.Dialer{Timeout: patience}
	if !strings.HasSuffix(m.scheme, "s") {
		conn, err := plain.DialContext(ctx, "tcp", address)
		return conn, wrap("connect", err)
	}
	config := m.roots.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName = m.host
	conn, err := (&tls.Dialer{NetDialer: plain, Config: config}).DialContext(ctx, "tcp", address)
	return conn, wrap("connect", err)
}

// ErrSignIn is a server that refuses user or password.
var ErrSignIn = errors.New("the mailbox refuses user or password")

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mailbox: %s: %w", what, err)
}
