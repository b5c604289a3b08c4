package truth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/mail/report"
	"offramp/internal/sms"
	"offramp/migration/notice/click"
	"offramp/migration/notice/reader"
)

// Bring takes mails that a mail system brings.
func (s *Service) Bring(log *slog.Logger) func(ctx context.Context, raw []byte, to []string) error {
	return func(ctx context.Context, raw []byte, to []string) error {
		_, err := s.Take(ctx, Listener, raw, to...)
		if err != nil {
			log.ErrorContext(ctx, "keep a mail report", slog.Any("error", err))
		}
		return err
	}
}

// maxEvents bounds one message of a provider.
const maxEvents = 500

// What a provider's message may be refused for.
var (
	ErrUnsigned = fault.New(fault.Unauthenticated, "truth.unsigned")
	ErrBadEvent = fault.New(fault.Invalid, "truth.bad_event")
)

// Verify checks that a message was signed with one of the secrets, as Standard Webhooks has it, and is not older than five minutes.
// ErrUnsigned.
func Verify(secrets []string, header http.Header, body []byte) error {
	for _, one := range secrets {
		if w, err := webhooks.NewWebhook(one); err == nil && w.Verify(body, header) == nil {
			return nil
		}
	}
	return ErrUnsigned
}

// Event is what a mail provider tells of one mail.
type Event struct {
	Type   string    `json:"type"`   // bounced, delayed, delivered, complained, opened or clicked
	Mail   string    `json:"mail"`   // our Message-ID, or the envelope's sender, either of which holds the proof
	Status string    `json:"status"` // enhanced status code; may be missing
	Code   int       `json:"code"`   // of the dialogue; may be missing
	Detail string    `json:"detail"` // the other server's words; may be missing
	Until  time.Time `json:"until"`  // of a delay; may be missing
	Person bool      `json:"person"` // of opened and clicked: the provider holds that no program did it
}

var eventKinds = map[string]string{
	"bounced": report.Bounced, "delayed": report.Delayed, "delivered": report.Delivered, "complained": report.Complaint,
}

// clickKinds are what a mail's reader did, or a program in their place.
var clickKinds = map[string]string{"opened": click.Opened, "clicked": click.Followed}

// TakeHook records the events of a signed message: {"events": [...]}. Each counts once, however often the message comes. It returns
// how many told something of a mail of ours. ErrBadEvent.
func (s *Service) TakeHook(ctx context.Context, messageID string, body []byte) (taken int, err error) {
	var message struct {
		Events []Event `json:"events"`
	}
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&message); err != nil {
		return 0, ErrBadEvent.Wrap(err)
	}
	if len(message.Events) == 0 || len(message.Events) > maxEvents {
		return 0, ErrBadEvent.Wrap(fmt.Errorf("%d events, want 1 to %d", len(message.Events), maxEvents))
	}
	if i := slices.IndexFunc(message.Events, func(e Event) bool { return eventKinds[e.Type] == "" && clickKinds[e.Type] == "" || e.Mail == "" }); i >= 0 {
		return 0, ErrBadEvent.Wrap(fmt.Errorf("event %d has no mail, or the type %q", i, message.Events[i].Type))
	}
	for i, e := range message.Events {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", messageID, i))
		outcome, err := s.once(ctx, Webhook, hex.EncodeToString(sum[:]), func(tx *db.Tx) (string, error) { return s.weighEvent(ctx, tx, e) })
		if err != nil {
			return taken, err
		}
		if outcome == Taken {
			taken++
		}
	}
	return taken, nil
}

// ErrNotYet answers for a message by an id that we do not know yet: its sender may bring it again.
var ErrNotYet = fault.New(fault.Conflict, "truth.not_yet")

// TextEvent is what the gateway tells of one short message, or an answer to one.
type TextEvent struct {
	Type      string `json:"type"`      // delivered, failed or answered
	Reference string `json:"reference"` // ours
	ID        string `json:"id"`        // the gateway's own, where there is no reference
	Code      string `json:"code"`      // of a failure, the gateway's; may be missing
	Detail    string `json:"detail"`    // its words; may be missing
	Number    string `json:"number"`    // of an answer, who wrote; of a failure "unknown" where there is no such number
	Text      string `json:"text"`      // of an answer
}

// sound says what is wrong with an event; empty: nothing.
func (e TextEvent) sound() string {
	switch e.Type {
	case "delivered", "failed":
		if e.Reference == "" && e.ID == "" {
			return "names no reference and no id"
		}
	case "answered":
		if _, err := sms.Number(e.Number); err != nil {
			return "names no number with its country code"
		}
	default:
		return fmt.Sprintf("has the type %q", e.Type)
	}
	return ""
}

// TakeTextHook records what the gateway tells: {"events": [...]}. Each event counts once, however often the message comes. It returns how
// many told something of a message of ours, or took a consent back. ErrBadEvent; ErrNotYet where an event names an id that we do not know,
// or do not know yet: everything else of the message is recorded, and it may be brought again.
func (s *Service) TakeTextHook(ctx context.Context, messageID string, body []byte) (taken int, err error) {
	var message struct {
		Events []TextEvent `json:"events"`
	}
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&message); err != nil {
		return 0, ErrBadEvent.Wrap(err)
	}
	if len(message.Events) == 0 || len(message.Events) > maxEvents {
		return 0, ErrBadEvent.Wrap(fmt.Errorf("%d events, want 1 to %d", len(message.Events), maxEvents))
	}
	for i, e := range message.Events {
		if wrong := e.sound(); wrong != "" {
			return 0, ErrBadEvent.Wrap(fmt.Errorf("event %d %s", i, wrong))
		}
	}
	early := false
	for i, e := range message.Events {
		sum := sha256.Sum256(fmt.Appendf(nil, "sms\x00%s\x00%d", messageID, i))
		outcome, err := s.takeText(ctx, hex.EncodeToString(sum[:]), e)
		switch {
		case errors.Is(err, ErrNotYet):
			early = true
		case err != nil:
			return taken, err
		case outcome == Taken:
			taken++
		}
	}
	if early {
		return taken, ErrNotYet
	}
	return taken, nil
}

func (s *Service) takeText(ctx context.Context, digest string, e TextEvent) (outcome string, err error) {
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		fresh, err := s.store.see(ctx, tx, digest)
		if err != nil {
			return err
		}
		switch {
		case !fresh:
			outcome = Repeated
		case e.Type == "answered":
			outcome, err = s.answer(ctx, tx, e)
		default:
			outcome, err = s.receipt(ctx, tx, e)
		}
		if err != nil {
			return err
		}
		return s.store.count(ctx, tx, Gateway, outcome)
	})
	if err != nil {
		return "", fmt.Errorf("take a gateway's event: %w", err)
	}
	received.WithLabelValues(Gateway, outcome).Inc()
	return outcome, nil
}

// answer takes the consent back of whoever wrote STOP. What else people answer is nothing that we could read: it is counted.
func (s *Service) answer(ctx context.Context, tx *db.Tx, e TextEvent) (outcome string, err error) {
	if !reader.Stop(e.Text) {
		return "letter", nil
	}
	number, err := sms.Number(e.Number)
	if err != nil {
		return "", ErrBadEvent.Wrap(err)
	}
	whose, err := s.readers.Answered(ctx, tx, number, e.Text)
	if err != nil || len(whose) == 0 {
		return Lost, err
	}
	return Taken, nil
}

func (s *Service) receipt(ctx context.Context, tx *db.Tx, e TextEvent) (outcome string, err error) {
	mailID := e.Reference
	if mailID == "" {
		if mailID, err = s.store.named(ctx, tx, e.ID); err != nil {
			return "", err
		}
		if mailID == "" {
			return "", ErrNotYet
		}
	}
	f := Fact{MailID: mailID, Channel: "sms", Source: Gateway, Kind: "delivered", Status: sms.Clean(e.Code), Detail: sms.Clean(e.Detail)}
	if e.Type == "failed" {
		f.Kind, f.Blame = "bounced", report.Unclear
		if e.Number == "unknown" {
			f.Blame = report.Address
		}
	}
	known, err := s.Record(ctx, tx, f)
	if err != nil {
		return "", err
	}
	if known {
		return Taken, nil
	}
	return Lost, nil
}

// weighEvent records what a provider's event proves.
func (s *Service) weighEvent(ctx context.Context, tx *db.Tx, e Event) (outcome string, err error) {
	r := report.Report{
		Kind: eventKinds[e.Type], Status: report.StatusOf(e.Status), Code: e.Code, Detail: report.Clean(e.Detail), Until: e.Until,
		Tokens: report.TokensOf(e.Mail),
	}
	kind, is := clickKinds[e.Type]
	if !is {
		return s.weigh(ctx, tx, Webhook, r)
	}
	mailID, proven := s.seals.Prove(r)
	if !proven {
		return Unproven, nil
	}
	known, err := s.clicks.Report(ctx, tx, mailID, kind, e.Person)
	if err != nil || known {
		return Taken, err
	}
	return Lost, nil
}
