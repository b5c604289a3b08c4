package config

import (
	"slices"
	"strings"
	"time"

	"offramp/internal/bank"
	"offramp/internal/bank/bankday"
)

// Stripe is the payment provider through which payments are given back. Without a key no refund is paid through it.
type Stripe struct {
	Key            string   `env:"KEY" doc:"Secret or restricted API key of Stripe, to read payments and to read and write refunds. Empty: nothing is paid back through Stripe." use:"work" secret:"yes" example:"rk_live_..."`
	WebhookSecrets []string `env:"WEBHOOK_SECRETS" doc:"Signing secrets of the endpoint at Stripe to which it sends its events, the current one first; while a secret is changed, the one before it too." use:"serve" secret:"yes" example:"whsec_new,whsec_old"`
	URL            string   `env:"URL" doc:"Address of Stripe's interface. Empty: Stripe's own. For trials with a stand-in." use:"work"`
}

// Bank is our own account, from which bank files pay. Without an account no bank file is made.
type Bank struct {
	Name    string `env:"NAME" doc:"Holder of the account that pays refunds, as the bank has it." use:"serve, work" example:"Hezhou Software Co., Ltd."`
	IBAN    string `env:"IBAN" doc:"IBAN of the account that pays refunds." use:"serve, work" example:"DE89370400440532013000"`
	Account string `env:"ACCOUNT" doc:"Its number instead, where there are no IBANs." use:"serve, work"`
	BIC     string `env:"BIC" doc:"BIC of its bank." use:"serve, work" example:"COBADEFFXXX"`
	CNAPS   string `env:"CNAPS" doc:"CNAPS code of its bank instead, in China." use:"serve, work" example:"102290000017"`
	Unicode Switch `env:"UNICODE" envDefault:"no" doc:"yes: the bank takes names in any script in its files, as Chinese banks do. no: Latin letters only, and a refund to a holder whose name has others is refused." use:"serve, work"`

	Booking  string   `env:"BOOKING" envDefault:"single" doc:"How the bank is asked to book the payments of a file: single, batch, or agreed, which leaves it to what was agreed with the bank. Only single bookings can be told from each other when one comes back." use:"serve, work"`
	Zone     string   `env:"ZONE" doc:"Time zone of the bank. Empty: Asia/Shanghai with a CNAPS code, otherwise Europe/Brussels, the zone of TARGET." use:"serve, work" example:"Asia/Shanghai"`
	CutOff   string   `env:"CUT_OFF" doc:"Time of day, in the bank's zone, from which a release is paid on its next working day. Empty: midnight." use:"serve, work" example:"16:30"`
	Holidays []string `env:"HOLIDAYS" doc:"Days on which the bank is closed, beside weekends and, for euros, TARGET's holidays." use:"serve, work" example:"2027-02-05..2027-02-11,2027-04-05"`
}

// Days is the calendar of our bank.
func (b Bank) Days() (bankday.Calendar, error) {
	zone, err := time.LoadLocation(b.ZoneName())
	if err != nil {
		return bankday.Calendar{}, err
	}
	cutOff, err := bankday.ParseTime(b.CutOff)
	if err != nil {
		return bankday.Calendar{}, err
	}
	holidays, err := bankday.ParseDays(b.Holidays)
	return bankday.Calendar{Zone: zone, CutOff: cutOff, Holidays: holidays}, err
}

// ZoneName is the time zone of our bank.
func (b Bank) ZoneName() string {
	switch {
	case b.Zone != "":
		return b.Zone
	case b.CNAPS != "":
		return "Asia/Shanghai"
	}
	return "Europe/Brussels"
}

// Given reports whether there is an account to pay from.
func (b Bank) Given() bool { return b.IBAN != "" || b.Account != "" }

func (c Config) checkStripe(k *checker, whole bool) {
	s := c.Stripe
	if s.Key != "" && !strings.HasPrefix(s.Key, "sk_") && !strings.HasPrefix(s.Key, "rk_") {
		k.add("STRIPE_KEY", "must begin with sk_ or rk_")
	}
	for _, secret := range s.WebhookSecrets {
		if !strings.HasPrefix(secret, "whsec_") {
			k.add("STRIPE_WEBHOOK_SECRETS", "must be secrets that begin with whsec_, separated by commas")
			break
		}
	}
	if s.URL != "" {
		if u, ok := k.http("STRIPE_URL", s.URL); ok && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			k.add("STRIPE_URL", "must be https: the key is sent there")
		}
		if whole && s.Key == "" {
			k.add("STRIPE_URL", "has no use without "+Prefix+"STRIPE_KEY")
		}
	}
	if whole && (s.Key == "") != (len(s.WebhookSecrets) == 0) {
		k.add("STRIPE_WEBHOOK_SECRETS", "set STRIPE_KEY for work and STRIPE_WEBHOOK_SECRETS for serve, or neither: without events nobody learns that a refund came back")
	}
}

func (c Config) checkBank(k *checker) { //nolint:cyclop // one flat check for each setting
	b := c.Bank
	if (b.Name != "" || b.BIC != "" || b.CNAPS != "") && !b.Given() {
		k.add("BANK_IBAN", "is not set, nor is BANK_ACCOUNT: set one of them, or nothing of BANK_")
	}
	if !b.Given() {
		return
	}
	k.need("BANK_NAME", b.Name)
	for _, rule := range []struct {
		broken        bool
		name, message string
	}{
		{len([]rune(b.Name)) > 70, "BANK_NAME", "may have up to 70 characters, as banks take them: shorten it as your bank does"},
		{b.IBAN != "" && b.Account != "", "BANK_ACCOUNT", "set BANK_IBAN or BANK_ACCOUNT, not both"},
		{b.IBAN != "" && !validIBAN(b.IBAN), "BANK_IBAN", "is no valid IBAN, written without spaces: its length, form or check digits are wrong"},
		{len(b.Account) > 34 || strings.ContainsAny(b.Account, " \t"), "BANK_ACCOUNT", "must be up to 34 characters without spaces"},
		{b.BIC != "" && !bank.BIC(b.BIC), "BANK_BIC", "must be 8 or 11 characters such as COBADEFFXXX"},
		{b.CNAPS != "" && !bank.CNAPS(b.CNAPS), "BANK_CNAPS", "must be 12 digits"},
		{b.BIC != "" && b.CNAPS != "", "BANK_CNAPS", "set BANK_BIC or BANK_CNAPS, not both"},
		{!slices.Contains([]string{"single", "batch", "agreed"}, b.Booking), "BANK_BOOKING", "must be single, batch or agreed"},
	} {
		if rule.broken {
			k.add(rule.name, rule.message)
		}
	}
	if _, err := time.LoadLocation(b.ZoneName()); err != nil {
		k.add("BANK_ZONE", "must be a time zone such as Asia/Shanghai")
	}
	if _, err := bankday.ParseTime(b.CutOff); err != nil {
		k.add("BANK_CUT_OFF", err.Error())
	}
	if _, err := bankday.ParseDays(b.Holidays); err != nil {
		k.add("BANK_HOLIDAYS", err.Error())
	}
}

func validIBAN(s string) bool {
	key, _ := bank.CheckIBAN(s)
	return key == ""
}
