package reader

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/sms"
	"offramp/migration"
)

// Bounds of codes.
const (
	codeFor      = 15 * time.Minute // how long a code counts
	wrongCodes   = 5                // after so many wrong tries it does not any more
	codesHourly  = 3                // of one person
	codesDaily   = 6                // of one person, and of one number, whoever gives it
	maxWords     = 1000
	maxReply     = 160
	codesAtOnce  = 10
	abandonAfter = 10 * time.Minute // a code that a process was sending when it died
)

// What people may meet.
var (
	ErrNoCountry = fault.New(fault.Invalid, "phone.no_country")
	ErrNumber    = fault.New(fault.Invalid, "phone.bad_number")
	ErrLimit     = fault.New(fault.Limited, "phone.limit")
	ErrWrongCode = fault.New(fault.Invalid, "phone.wrong_code")
	ErrCodeOver  = fault.New(fault.Invalid, "phone.code_over")
	ErrNoPhone   = fault.New(fault.Conflict, "phone.none")
)

// Phone is a contact's number as the person sees it.
type Phone struct {
	Number      string // E.164; empty: there is none
	Imported    bool   // it came with the import and was never confirmed
	ConsentAt   *time.Time
	WithdrawnAt *time.Time
	BlockedAt   *time.Time // the gateway says that there is no such number
	Pending     string     // a number whose code has to be entered; empty: none
	PendingSent string     // what became of sending the code: asked, sending, accepted, refused, ...
	PendingSMS  bool       // with it short messages are agreed to
}

// Texted reports whether short messages go there.
func (p Phone) Texted() bool {
	return p.Number != "" && p.ConsentAt != nil && p.WithdrawnAt == nil && p.BlockedAt == nil
}

// Service keeps what readers decide. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
}

// New works on d.
func New(d *db.DB) *Service { return &Service{db: d} }

// system is the scope of what comes from the gateway, and of counting codes for one number whoever asks.
var system = db.SystemScope("phone numbers")

// Phone returns a contact's number. Without one it is zero.
func (s *Service) Phone(ctx context.Context, who migration.Who) (p Phone, err error) {
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		p, err = s.store.phone(ctx, tx, who)
		return err
	})
	return p, err
}

// AskCode sends a code to a number that a person gives. words are what is agreed to with it; empty: no short messages are. tag is the
// language of the code's message. ErrNoCountry, ErrNumber and ErrLimit, on the field phone.
func (s *Service) AskCode(ctx context.Context, who migration.Who, text, words, tag string) error {
	number, err := sms.Number(text)
	switch {
	case errors.Is(err, sms.ErrNoCountry):
		return ErrNoCountry.Field("phone", "phone.no_country", nil)
	case err != nil:
		return ErrNumber.Field("phone", "phone.bad_number", nil)
	}
	var elsewhere int
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		elsewhere, err = s.store.codesTo(ctx, tx, number, tx.Now.AddDate(0, 0, -1))
		return err
	})
	if err != nil {
		return err
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	id := rand.Text()
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		hour, day, err := s.store.codesOf(ctx, tx, who, tx.Now)
		if err != nil {
			return err
		}
		if hour >= codesHourly || day >= codesDaily || elsewhere >= codesDaily {
			return ErrLimit.Field("phone", "phone.limit", nil)
		}
		err = s.store.addCode(ctx, tx, who, Code{
			ID: id, Number: number, Code: code, Locale: tag, Words: clip(words, maxWords), hash: codeHash(id, code), until: tx.Now.Add(codeFor),
		})
		if err != nil {
			return err
		}
		return record(ctx, tx, who, "phone.ask", map[string]any{"sms": words != ""})
	})
}

// newCode is a random number of six digits.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

func codeHash(id, code string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + code))
	return hex.EncodeToString(sum[:])
}

func clip(text string, most int) string {
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// ConfirmCode takes the number whose code is entered, and the consent that was given with it. ErrWrongCode, on the field code, as often
// as five times; then, and without a code under way, ErrCodeOver, on the field phone.
func (s *Service) ConfirmCode(ctx context.Context, who migration.Who, code string) error {
	code = strings.Join(strings.Fields(code), "")
	wrong := false
	err := s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		c, err := s.store.liveCode(ctx, tx, who, tx.Now)
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(c.hash), []byte(codeHash(c.ID, code))) != 1 {
			wrong = true // which has to be counted, so that the transaction stands
			return s.store.wrongCode(ctx, tx, c.ID)
		}
		if err := s.store.useCode(ctx, tx, c.ID); err != nil {
			return err
		}
		if err := s.store.setNumber(ctx, tx, who, c.Number, c.Words != ""); err != nil {
			return err
		}
		if c.Words != "" {
			if err := s.store.logConsent(ctx, tx, who, c.Number, "given", c.Words); err != nil {
				return err
			}
		}
		return record(ctx, tx, who, "phone.confirm", map[string]any{"sms": c.Words != ""})
	})
	if err == nil && wrong {
		return ErrWrongCode.Field("code", "phone.wrong_code", nil)
	}
	return err
}

// Agree records that short messages may come to a contact's number, in the words that the person read. ErrNoPhone, also for a number
// that the person has never confirmed: it may be another's.
func (s *Service) Agree(ctx context.Context, who migration.Who, words string) error {
	return s.decide(ctx, who, "sms.agree", true, clip(words, maxWords))
}

// Withdraw records that short messages may not come any more. ErrNoPhone.
func (s *Service) Withdraw(ctx context.Context, who migration.Who) error {
	return s.decide(ctx, who, "sms.withdraw", false, "")
}

func (s *Service) decide(ctx context.Context, who migration.Who, act string, agree bool, words string) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		number, changed, err := s.store.consent(ctx, tx, who, agree)
		if err != nil || !changed {
			return err
		}
		how := "withdrawn"
		if agree {
			how = "given"
		}
		if err := s.store.logConsent(ctx, tx, who, number, how, words); err != nil {
			return err
		}
		return record(ctx, tx, who, act, nil)
	})
}

// Remove forgets a contact's number. An import does not bring it back. ErrNoPhone.
func (s *Service) Remove(ctx context.Context, who migration.Who) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		number, texted, err := s.store.removeNumber(ctx, tx, who)
		if err != nil {
			return err
		}
		if texted {
			if err := s.store.logConsent(ctx, tx, who, number, "withdrawn", ""); err != nil {
				return err
			}
		}
		return record(ctx, tx, who, "phone.remove", nil)
	})
}

func record(ctx context.Context, tx *db.Tx, who migration.Who, act string, detail map[string]any) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: who.ContactID, ActorKind: audit.Customer, Act: act, Object: "contact " + who.ContactID, CustomerID: who.CustomerID, Detail: detail,
	})
}

// Stops are the words that end short messages, as a whole answer in any letters.
var stops = []string{"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "退订", "t", "td", "停止", "取消"}

// Stop reports whether an answer to a short message takes the consent back.
func Stop(text string) bool {
	text = strings.ToLower(strings.Trim(strings.TrimSpace(text), ".!。！\"' "))
	for _, one := range stops {
		if text == one {
			return true
		}
	}
	return false
}

// Answered takes back the consent of everybody whose number this is. It returns whose.
func (s *Service) Answered(ctx context.Context, tx *db.Tx, number, text string) (whose []migration.Who, err error) {
	if whose, err = s.store.stop(ctx, tx, number); err != nil {
		return nil, err
	}
	for _, who := range whose {
		if err := s.store.logReply(ctx, tx, who, number, clip(text, maxReply)); err != nil {
			return nil, err
		}
		err := audit.Record(ctx, tx, audit.Entry{
			Actor: "gateway", ActorKind: audit.System, Act: "sms.stop", Object: "contact " + who.ContactID, CustomerID: who.CustomerID,
		})
		if err != nil {
			return nil, err
		}
	}
	return whose, nil
}

// Code is a code to send.
type Code struct {
	ID, Number, Code, Locale, Words string

	hash  string
	until time.Time
}

// Codes takes codes that wait, as being sent. What a process that died was sending is unknown.
func (s *Service) Codes(ctx context.Context) (list []Code, err error) {
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		list, err = s.store.takeCodes(ctx, tx, codesAtOnce, tx.Now.Add(-abandonAfter))
		return err
	})
	return list, err
}

// Sent records what sending a code came to.
func (s *Service) Sent(ctx context.Context, id string, r sms.Result) error {
	return s.db.InTx(ctx, system, func(tx *db.Tx) error { return s.store.endCode(ctx, tx, id, r) })
}
