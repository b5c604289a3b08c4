package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/mail/report"
)

// Ways to protect the connection to the SMTP server.
const (
	STARTTLS = "starttls" // and refuse a server without
	TLS      = "tls"      // from the first byte
	None     = "none"     // for a server on the same machine
)

// Config says how mail is sent and what every mail shows.
type Config struct {
	Host     string
	Port     int
	Username string // empty: no sign-in
	Password string
	TLS      string // STARTTLS, TLS or None; empty: STARTTLS
	From     string // such as "Moving team <moving@example.com>"
	HELO     string // our own host name; empty: that of the From address

	Timeout time.Duration // of each step of the talk with the server; 0: half a minute

	// Notices alone: where reports come back, such as bounces@example.com (empty: to From), and what proves them.
	Bounces string
	Seals   report.Seals

	// What follows is for sending, not for Check.
	DB         *db.DB
	Logger     *slog.Logger
	PortalURL  string // where the buttons lead, without a slash at the end
	Letterhead func(ctx context.Context) (Letterhead, error)
	OpenCode   func(envelope, owner string) (string, error) // opens the sealed code of an offer; nil: mails with one are refused
}

// Letterhead is what every mail of the programme shows. Maps hold wordings by locale tag.
type Letterhead struct {
	Product map[string]string
	Company map[string]string
	Zone    *time.Location // of all times in the mail
	Email   string         // of the help desk
	Phone   string
	Hours   map[string]string
	Colour  string // #rrggbb of the brand; used where white text is readable on it
}

// sender returns the parsed From address.
func (c Config) sender() (*netmail.Address, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("read sender of mails: %w", err)
	}
	return from, nil
}

// domain is the host part of the From address, which also makes our message ids unique.
func domain(from *netmail.Address) string {
	return from.Address[strings.LastIndex(from.Address, "@")+1:]
}

func (c Config) complete() error {
	if _, err := c.sender(); err != nil {
		return err
	}
	if c.DB == nil || c.Logger == nil || c.PortalURL == "" || c.Letterhead == nil {
		return errors.New("set up mail: database, logger, portal address and letterhead are needed")
	}
	return nil
}
