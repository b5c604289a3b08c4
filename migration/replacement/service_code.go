package replacement

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/secret"
	"offramp/migration"
)

// What a choice's code came to, in audit rows.
const (
	codeDrawn  = "drawn"
	codeWaits  = "waiting"
	codeShared = "shared" // the same for everybody
)

// codeFor gives the customer the code that comes with a choice, and returns what it came to and what the mail says of it.
func (s *Service) codeFor(ctx context.Context, tx *db.Tx, who migration.Who, r migration.Replacement, c Choice) (string, map[string]string, error) {
	letter := letterOf(r, c.OfferUntil)
	switch {
	case !c.WithOffer:
		delete(letter, "code")
		return "", letter, nil
	case r.Offer.Code != "":
		return codeShared, letter, nil
	case !r.Offer.Pool:
		return "", letter, nil
	}
	code, err := s.store.draw(ctx, tx, who.CustomerID, r.Key)
	if err != nil {
		return "", nil, err
	}
	if code.id == "" {
		letter["waiting"] = "yes"
		return codeWaits, letter, s.wait(ctx, tx, who, r.Key)
	}
	letter["sealed"], letter["owner"] = code.sealed, code.id
	return codeDrawn, letter, nil
}

// letterOf is what every mail about a replacement says: its key, its names, the code for everybody, and the last moment of
// its offer.
func letterOf(r migration.Replacement, until *time.Time) map[string]string {
	letter := map[string]string{"replacement": r.Key}
	for tag, name := range r.Name {
		letter["name."+tag] = name
	}
	if until != nil {
		letter["until"] = until.UTC().Format(time.RFC3339)
	}
	if r.Offer != nil && r.Offer.Code != "" {
		letter["code"] = r.Offer.Code
	}
	return letter
}

// wait puts a customer on the waiting list and raises the alarm.
func (s *Service) wait(ctx context.Context, tx *db.Tx, who migration.Who, key string) error {
	exhausted.WithLabelValues(key).Inc()
	s.log.WarnContext(ctx, "no offer code is left; the customer waits", slog.String("replacement", key), slog.String("customer", who.CustomerID))
	return s.store.wait(ctx, tx, who, key)
}

// CodeLine is one line of a list of codes.
type CodeLine struct {
	Line int // from 1
	Code string
}

// CodeRefusal is a line that was not taken, with the reason in English, for operators.
type CodeRefusal struct {
	Line   int
	Reason string
}

// CodeReport is what an import of codes came to.
type CodeReport struct {
	Added   int
	Known   int // were there already; also codes that stand in the list twice
	Served  int // customers who had waited and have a code now
	Refused []CodeRefusal
}

// maxCode bounds a code, in bytes.
const maxCode = 100

// ImportCodes adds codes to the pool of a replacement's offer and serves those who wait. The same list again changes
// nothing. ErrNotFound where the programme has no such pool.
func (s *Service) ImportCodes(ctx context.Context, by migration.Actor, p *migration.Programme, key string, lines []CodeLine) (report CodeReport, err error) {
	r, ok := p.Replacement(key)
	if !ok || r.Offer == nil || !r.Offer.Pool {
		return CodeReport{}, ErrNotFound
	}
	var codes []sealedCode
	for _, l := range lines {
		code := strings.TrimSpace(l.Code)
		switch {
		case code == "":
			report.Refused = append(report.Refused, CodeRefusal{l.Line, "holds no code"})
		case len(code) > maxCode || strings.ContainsFunc(code, func(r rune) bool { return r < ' ' || r == 0x7f }):
			report.Refused = append(report.Refused, CodeRefusal{l.Line, fmt.Sprintf("is longer than %d bytes or holds a control character", maxCode)})
		default:
			id := rand.Text()
			c := sealedCode{id: id, digest: codeDigest(s.key, key, code), sealed: s.box.Seal(code, id)}
			for _, old := range s.before {
				c.earlier = append(c.earlier, codeDigest(old, key, code))
			}
			codes = append(codes, c)
		}
	}
	err = s.db.InTx(ctx, db.SystemScope("import offer codes"), func(tx *db.Tx) error {
		if report.Added, err = s.store.addCodes(ctx, tx, key, codes); err != nil {
			return err
		}
		report.Known = len(codes) - report.Added
		if report.Served, err = s.serve(ctx, tx, p, r); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: by.ID, ActorKind: by.Kind, Act: "codes.import", Object: object(key),
			Detail: map[string]any{"added": report.Added, "known": report.Known, "served": report.Served, "refused": len(report.Refused)},
		})
	})
	return report, err
}

// codeDigest finds a code without giving it back: short codes could be guessed from a plain hash.
func codeDigest(by []byte, key, code string) string {
	return secret.Hash(string(by) + "\x00" + key + "\x00" + code)
}

// serve gives codes to those who wait, longest first, in the caller's transaction, as long as there are any and the offer is
// open for them. It returns how many it served.
func (s *Service) serve(ctx context.Context, tx *db.Tx, p *migration.Programme, r migration.Replacement) (int, error) {
	waiters, err := s.store.waiters(ctx, tx, r.Key)
	if err != nil {
		return 0, err
	}
	served := 0
	for _, w := range waiters {
		state, until := OfferFor(p, r, w.tier, tx.Now)
		if state != OfferOpen || r.Withdrawn {
			continue
		}
		free, err := s.store.tryLine(ctx, tx, w.customerID)
		if err != nil {
			return served, err
		}
		if !free { // the customer is deciding; the next sweep looks again
			continue
		}
		code, err := s.store.draw(ctx, tx, w.customerID, r.Key)
		if err != nil || code.id == "" {
			return served, err
		}
		if err := s.store.served(ctx, tx, w.customerID, r.Key); err != nil {
			return served, err
		}
		letter := letterOf(r, nil)
		if !until.IsZero() {
			letter = letterOf(r, &until)
		}
		letter["sealed"], letter["owner"] = code.sealed, code.id
		if err := s.write(ctx, tx, mail.CodeReady, w.customerID, w.contactID, code.id, letter); err != nil {
			return served, err
		}
		served++
	}
	return served, nil
}
