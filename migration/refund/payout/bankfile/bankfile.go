package bankfile

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/internal/fault"
	"offramp/migration/refund/payout/account"
)

// Why a batch cannot be written, or a file cannot be used.
var (
	// ErrBatch is the cause of a batch that does not fit the format. It is a fault of ours.
	ErrBatch = errors.New("bankfile: the batch cannot be written")
	// ErrName is the refusal of a name that the bank does not take, with Ref.
	ErrName = fault.New(fault.Invalid, "payout.names.latin")
	// ErrFile is the cause of a file that is not what it should be.
	ErrFile = errors.New("bankfile: the file is not valid")
	// ErrEdited is the cause of a file that is not the one that was written.
	ErrEdited = errors.New("bankfile: the file was changed after it was written")
)

// Debtor is the account that pays, from the configuration.
type Debtor struct {
	Name    string
	IBAN    string // or Account
	Account string // number of an account without IBAN
	BIC     string // of the bank; or CNAPS; both may be empty
	CNAPS   string // 12 digits
}

// Payment is one credit transfer.
type Payment struct {
	Ref      string // EndToEndId: our reference with its attempt, at most 35 characters, unique in all files
	Amount   int64  // minor units, above zero
	Currency string // ISO 4217
	To       account.Account
	Group    string // PmtInfId under which it is paid; set by Check, not looked at by Write
	Note     string // what the customer reads on the statement, at most 140 characters; may be empty
}

// Batch is what one file pays.
type Batch struct {
	ID        string    // MsgId: unique in all files, at most 30 characters
	Created   time.Time // of the batch, not of the writing: the same batch gives the same bytes
	Execution time.Time // the day on which the bank is asked to pay; its year, month and day count
	Debtor    Debtor
	Booking   Booking // how the bank is asked to book the payments
	Unicode   bool    // the bank takes names and notes in any script, as Chinese banks do; else Latin letters only
	// Payments lists them in one order, the same each time it is called: it is walked more than once, to have the totals first.
	Payments func() iter.Seq2[Payment, error]
}

// Booking is how a bank is asked to book the payments of a batch (BtchBookg).
type Booking string

// The ways.
const (
	Single  Booking = "single" // each for itself, so that each can be told from the others
	Lump    Booking = "batch"  // as one sum
	Unasked Booking = ""       // as was agreed with the bank: the element is left out
)

// The limits of SEPA's and China's payment systems, which are narrower than the schema's.
const (
	MaxName   = 70             // characters of a name: EPC115-06, AT-01 and AT-20; the schema has 140
	maxNote   = 140            // of a note
	maxSEPA   = 999_999_999_99 // minor units of one payment in euros (EPC115-06)
	maxDigits = 18             // of an amount, all together
)

// Total is how many payments come to how much, in one currency.
type Total struct {
	Currency string
	Count    int
	Sum      int64 // minor units
}

// Summary is what a file holds.
type Summary struct {
	ID     string // MsgId
	Count  int
	Sum    string  // CtrlSum of the whole file: the amounts added up without regard to currency, as ISO 20022 wants it
	Totals []Total // by currency, in its order
	Size   int64   // bytes
	SHA256 string  // of the bytes, hexadecimal
}

// group is what one PmtInf pays: all of one currency to one kind of account, by the same rules.
type group struct {
	currency string
	kind     account.Kind
	sepa     bool // by SEPA's rules: the charges are borne otherwise
}

func groupOf(p Payment) group { return group{p.Currency, p.To.Kind, sepa(p)} }

func (b Batch) check() error {
	d := b.Debtor
	switch {
	case !reference(b.ID) || len(b.ID) > 30:
		return fmt.Errorf("%w: id %q", ErrBatch, b.ID)
	case b.Created.IsZero() || b.Execution.IsZero():
		return fmt.Errorf("%w: no day", ErrBatch)
	case (d.IBAN == "") == (d.Account == "") || len(d.Account) > 34:
		return fmt.Errorf("%w: the debtor needs an IBAN or an account", ErrBatch)
	case !writable(d.Name, MaxName, b.Unicode):
		return fmt.Errorf("%w: the debtor's name %q", ErrBatch, d.Name)
	}
	return nil
}

func (b Batch) checkPayment(p Payment) error {
	switch {
	case !reference(p.Ref):
		return fmt.Errorf("%w: reference %q", ErrBatch, p.Ref)
	case p.Amount <= 0, sepa(p) && p.Amount > maxSEPA, len(strconv.FormatInt(p.Amount, 10)) > maxDigits:
		return fmt.Errorf("%w: %s pays %d", ErrBatch, p.Ref, p.Amount)
	}
	if checked, err := account.Check(p.To); err != nil || checked != p.To {
		return fmt.Errorf("%w: %s goes to an account that was not checked: %w", ErrBatch, p.Ref, errors.Join(err))
	}
	if !Takes(p.To.Holder, b.Unicode) || p.To.BankName != "" && !Takes(p.To.BankName, b.Unicode) {
		return ErrName.With(map[string]any{"Ref": p.Ref})
	}
	if p.Note != "" && !writable(p.Note, maxNote, b.Unicode) {
		return fmt.Errorf("%w: the note of %s", ErrBatch, p.Ref)
	}
	return nil
}

// Takes reports whether a bank takes a holder's name; script: it takes any, else Latin letters only.
func Takes(holder string, script bool) bool {
	return writable(holder, MaxName, script) && reserved(holder)
}

// reserved reports whether a text keeps to EPC217-08's rule on slashes, which some systems give a meaning.
func reserved(s string) bool {
	return !strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/") && !strings.Contains(s, "//")
}

// sepa reports whether a payment goes by SEPA's rules: euros to an IBAN of a country that takes part.
func sepa(p Payment) bool {
	return p.Currency == "EUR" && p.To.Kind == account.IBAN && sepaCountries[p.To.Country()]
}

// sepaCountries take part in SEPA (EPC409-09), by the beginning of their IBANs.
var sepaCountries = set("AD AL AT BE BG CH CY CZ DE DK EE ES FI FO FR GB GI GL GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, word := range strings.Fields(words) {
		m[word] = true
	}
	return m
}

// latin is the character set that every bank takes (EPC217-08).
const latin = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "

// writable reports whether a text fits into an element of so many characters.
func writable(s string, most int, script bool) bool {
	if s == "" || utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		if script {
			return !unicode.IsGraphic(r) || r == utf8.RuneError || unicode.Is(unicode.So, r) // such as emoji
		}
		return !strings.ContainsRune(latin, r)
	})
}

// reference reports whether s can be an id in a file: 1 to 35 characters that every bank takes, without slashes, which some
// banks give a meaning.
func reference(s string) bool {
	return writable(s, 35, false) && !strings.Contains(s, "/")
}
