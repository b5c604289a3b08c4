package truth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/mail"
	"offramp/internal/mail/report"
	"offramp/migration/notice/click"
	"offramp/migration/notice/reader"
)

// Who tells what became of a mail.
const (
	Dialogue = "dialogue" // our own mail server, while it was handed over
	Mailbox  = "mailbox"  // a report in the mailbox that bounces go to
	Listener = "listener" // a report that a mail system brought by LMTP or SMTP
	Webhook  = "webhook"  // a mail provider's message
	Gateway  = "gateway"  // the gateway for short messages
)

// What became of a mail that came in.
const (
	Taken    = "taken"    // it told something of a mail of ours
	Unproven = "unproven" // a report without a valid token: it changes nothing
	Lost     = "lost"     // a valid token of a mail that we do not know any more
	Repeated = "repeated" // the same bytes were read before
)

// Causes of a suppression.
const (
	CauseRefused    = "refused"
	CauseBounced    = "bounced"
	CauseComplained = "complained"
)

// What it takes until an address is not written to any more, within Window. The figures are those of a large open mail server.
const (
	HardFails = 2  // failures for good that do not say what they are about
	SoftFails = 18 // failures for the time being that are about the mailbox
	Window    = 30 * 24 * time.Hour
)

// Silence is how long nobody may say what became of a mail until it counts as lapsed.
const Silence = 72 * time.Hour

// kept is how long a mail that came in is known again.
const kept = 30 * 24 * time.Hour

// ErrNone: there is no such suppression, or nothing to send again.
var (
	ErrNone    = fault.New(fault.NotFound, "truth.none")
	ErrAsked   = fault.New(fault.Conflict, "truth.asked")   // a test mail is under way
	ErrSettled = fault.New(fault.Conflict, "truth.settled") // the delivery is known by now
)

// Fact is what somebody said of one mail.
type Fact struct {
	MailID  string
	Channel string // email or sms
	Source  string
	Kind    string // accepted, refused, deferred, bounced, delayed, delivered or complained
	Blame   string // of a failure
	Status  string
	Detail  string
	Until   time.Time // of a delay
}

// Service keeps the truth of deliveries. Safe for concurrent use, on any number of replicas.
type Service struct {
	db      *db.DB
	store   store
	seals   report.Seals
	readers *reader.Service
	clicks  *click.Service
}

// New works on d. seals prove reports.
func New(d *db.DB, seals report.Seals) *Service {
	return &Service{db: d, seals: seals, readers: reader.New(d), clicks: click.New(d)}
}

// system is the scope of what comes from outside.
var system = db.SystemScope("mail reports")

// facts maps what reports say to facts.
var facts = map[string]string{
	report.Bounced: "bounced", report.Delayed: "delayed", report.Delivered: "delivered", report.Complaint: "complained",
}

// Take reads one mail that came in and records what it says: once, however often it is brought. raw is the mail, bounded by the
// caller; to are the addresses of its envelope. It returns what became of it: Taken, Unproven, Lost, Repeated, or the kind of a mail
// that is no report.
func (s *Service) Take(ctx context.Context, source string, raw []byte, to ...string) (outcome string, err error) {
	sum := sha256.Sum256(raw)
	return s.once(ctx, source, hex.EncodeToString(sum[:]), func(tx *db.Tx) (string, error) {
		return s.weigh(ctx, tx, source, report.ReadBytes(raw, to...))
	})
}

// once has something weighed that came in, but for what came before, and counts what became of it.
func (s *Service) once(ctx context.Context, source, digest string, weigh func(*db.Tx) (outcome string, err error)) (outcome string, err error) {
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		fresh, err := s.store.see(ctx, tx, digest)
		if err != nil {
			return err
		}
		outcome = Repeated
		if fresh {
			if outcome, err = weigh(tx); err != nil {
				return err
			}
		}
		return s.store.count(ctx, tx, source, outcome)
	})
	if err != nil {
		return "", fmt.Errorf("take mail report: %w", err)
	}
	received.WithLabelValues(source, outcome).Inc()
	return outcome, nil
}

// weigh tells what a report is worth, and records what it proves.
func (s *Service) weigh(ctx context.Context, tx *db.Tx, source string, r report.Report) (outcome string, err error) {
	kind, is := facts[r.Kind]
	if !is {
		return r.Kind, nil
	}
	mailID, proven := s.seals.Prove(r)
	if !proven {
		return Unproven, nil
	}
	f := Fact{MailID: mailID, Channel: "email", Source: source, Kind: kind, Status: r.Status, Detail: r.Detail, Until: r.Until}
	if kind == "bounced" || kind == "delayed" {
		f.Blame = report.Blame(r.Status, r.Code)
	}
	known, err := s.Record(ctx, tx, f)
	if err != nil || known {
		return Taken, err
	}
	return Lost, nil
}

// Record writes a fact down in the caller's transaction, moves the deliveries of its mail forward, and stops writing to the address
// where the facts say so. It reports whether the mail is known.
func (s *Service) Record(ctx context.Context, tx *db.Tx, f Fact) (known bool, err error) {
	about, known, err := s.store.about(ctx, tx, f.MailID, f.Channel)
	if err != nil || !known {
		return false, err
	}
	if err := s.store.add(ctx, tx, about, f); err != nil {
		return true, err
	}
	if err := s.store.move(ctx, tx, f); err != nil {
		return true, err
	}
	return true, s.judge(ctx, tx, about, f)
}

// judge suppresses an address that the facts speak against. What is our own fault never does.
func (s *Service) judge(ctx context.Context, tx *db.Tx, to subject, f Fact) error {
	if f.Channel == "sms" {
		return s.judgeNumber(ctx, tx, to, f)
	}
	cause := CauseBounced
	if f.Kind == "refused" {
		cause = CauseRefused
	}
	switch {
	case f.Kind == "complained":
		cause = CauseComplained
	case f.Blame == report.Address && (f.Kind == "bounced" || f.Kind == "refused"):
	case f.Blame == report.Unclear && (f.Kind == "bounced" || f.Kind == "refused"), f.Blame == report.Mailbox:
		hard, soft, err := s.store.fails(ctx, tx, to, tx.Now.Add(-Window))
		if err != nil || hard < HardFails && soft < SoftFails {
			return err
		}
	default:
		return nil
	}
	return s.suppress(ctx, tx, to, cause, f)
}

// judgeNumber stops texting a number of which the gateway says that there is none. Any other failure is not about the number.
func (s *Service) judgeNumber(ctx context.Context, tx *db.Tx, to subject, f Fact) error {
	if f.Blame != report.Address || f.Kind != "bounced" && f.Kind != "refused" {
		return nil
	}
	fresh, err := s.store.block(ctx, tx, to, evidenceOf(f), f.MailID)
	if err != nil || !fresh {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "notices", ActorKind: audit.System, Act: "sms.block", Object: "contact " + to.ContactID, CustomerID: to.CustomerID,
		Detail: map[string]any{"evidence": evidenceOf(f), "source": f.Source, "message": f.MailID},
	})
}

func (s *Service) suppress(ctx context.Context, tx *db.Tx, to subject, cause string, f Fact) error {
	fresh, err := s.store.suppress(ctx, tx, to, cause, evidenceOf(f), f.MailID)
	if err != nil || !fresh {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "notices", ActorKind: audit.System, Act: "notice.suppress", Object: "contact " + to.ContactID, CustomerID: to.CustomerID,
		Detail: map[string]any{"cause": cause, "evidence": evidenceOf(f), "source": f.Source, "mail": f.MailID},
	})
}

// evidenceOf is what stands beside a suppression. Nothing is put in the place of words that nobody said.
func evidenceOf(f Fact) string {
	switch {
	case f.Detail != "" && f.Status != "" && len(f.Detail) < 400:
		return f.Status + " · " + f.Detail
	case f.Detail != "":
		return f.Detail
	case f.Status != "":
		return f.Status
	}
	return f.Kind
}

// Dialogued is what handing a mail over came to, as a fact. A mail that was taken, or of which nobody knows, leaves none: the
// delivery itself says so.
func Dialogued(mailID string, r mail.Result) (f Fact, is bool) {
	switch r.State {
	case mail.Refused:
		f.Kind = "refused"
	case mail.Deferred:
		f.Kind = "deferred"
	default:
		return f, false
	}
	f.MailID, f.Channel, f.Source, f.Blame, f.Status, f.Detail = mailID, "email", Dialogue, r.Blame, r.Status, r.Detail
	return f, f.Kind == "refused" || f.Blame != ""
}

// Sweep ends what waited too long: nobody has said for Silence what became of it. It also forgets mails that came in long ago.
func (s *Service) Sweep(ctx context.Context, tx *db.Tx) error {
	if err := s.store.lapse(ctx, tx, tx.Now.Add(-Silence)); err != nil {
		return err
	}
	return s.store.forget(ctx, tx, tx.Now.Add(-kept))
}
