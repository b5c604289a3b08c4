package account

import (
	"log/slog"
	"strings"

	"offramp/internal/bank"
	"offramp/internal/fault"
	"offramp/internal/locale"
)

// Kind is how an account is named.
type Kind string

// The kinds.
const (
	IBAN Kind = "iban"    // ISO 13616
	Card Kind = "cn_card" // a Chinese bank card, ISO/IEC 7812
	// Company is a company's account at a Chinese bank (对公账户). Its number has no check digit, so the bank is named, too.
	Company Kind = "cn_company"
)

// The names of the inputs, as fields of ErrAccount have them.
const (
	FieldKind   = "kind"
	FieldNumber = "number"
	FieldHolder = "holder"
	FieldBank   = "bank"
	FieldBranch = "branch"
)

// ErrAccount is the refusal of an account. Its Fields say what to mend.
var ErrAccount = fault.New(fault.Invalid, "payout.account.bad")

// Account is where money is to go, normalised by Check. It prints and logs masked.
type Account struct {
	Kind   Kind
	Number string // IBAN or card number: upper case, no spaces
	Holder string // as the bank has it
	Bank   string // Card, Company: CNAPS code of the branch, 12 digits; IBAN: BIC; may be empty

	BankName string `json:",omitempty"` // Company: bank and branch (开户行), as they call themselves
}

// Mask is the number with all but its last four characters hidden: **** 1208.
func (a Account) Mask() string { return locale.MaskAccount(a.Number) }

// String is the kind and the masked number.
func (a Account) String() string { return string(a.Kind) + " " + a.Mask() }

// LogValue is String.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Country is the country of an IBAN, or China.
func (a Account) Country() string {
	if a.Kind == IBAN && len(a.Number) > 2 {
		return a.Number[:2]
	}
	return "CN"
}

// Check normalises an account as somebody typed it: spaces and dashes, small letters and full-width digits are fine. The
// error is ErrAccount with a field for each fault.
func Check(in Account) (Account, error) {
	out := Account{Kind: in.Kind, Number: labelled(compact(in.Number)), Bank: compact(in.Bank), BankName: strings.TrimSpace(in.BankName)}
	if !bank.BIC(out.Bank) { // some begin with these letters
		out.Bank = labelled(out.Bank)
	}
	refusal := ErrAccount
	name, key, args := holder(in.Holder)
	if out.Holder = name; key != "" {
		refusal = refusal.Field(FieldHolder, key, args)
	}
	if key, args := number(out.Kind, out.Number); key != "" {
		refusal = refusal.Field(FieldNumber, key, args)
	}
	if key := code(out.Kind, out.Bank); key != "" {
		refusal = refusal.Field(FieldBank, key, nil)
	}
	if key := branch(&out); key != "" {
		refusal = refusal.Field(FieldBranch, key, map[string]any{"Limit": maxHolder})
	}
	if out.Kind != IBAN && out.Kind != Card && out.Kind != Company {
		refusal = refusal.Field(FieldKind, "payout.kind.bad", nil)
	}
	if len(refusal.Fields) > 0 {
		return Account{}, refusal
	}
	return out, nil
}

func number(kind Kind, s string) (key string, args map[string]any) {
	switch {
	case kind == IBAN:
		return bank.CheckIBAN(s)
	case kind == Card:
		return bank.CheckCard(s), nil
	case kind == Company:
		return bank.CheckCompany(s), nil
	case s == "":
		return "payout.number.none", nil
	}
	return "", nil
}

// branch normalises and judges the name of a company's bank.
func branch(a *Account) (key string) {
	name, key, _ := holder(a.BankName)
	switch {
	case a.Kind != Company:
		a.BankName = ""
		return ""
	case key == "payout.holder.none":
		return "payout.branch.none"
	case key == "payout.holder.long":
		return "payout.branch.long"
	case key != "":
		return "payout.branch.characters"
	}
	a.BankName = name
	return ""
}

func code(kind Kind, s string) (key string) {
	switch {
	case s == "":
		return ""
	case kind != IBAN && !bank.CNAPS(s):
		return "payout.cnaps.bad"
	case kind == IBAN && !bank.BIC(s):
		return "payout.bic.bad"
	}
	return ""
}
