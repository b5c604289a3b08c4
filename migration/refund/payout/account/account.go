package account

// Kind is how an account is named.
type Kind string

// The kinds.
const (
	IBAN Kind = "iban" // ISO 13616
	Card Kind = "card" // a Chinese bank card, ISO/IEC 7812
)

// Account is where money is to go, normalised by Check: upper case, no spaces.
type Account struct {
	Kind   Kind
	Number string // IBAN or card number
	Holder string // as the bank has it
	Bank   string // Card: CNAPS code of the branch, 12 digits; IBAN: BIC; may be empty
}
