package bank_test

import (
	"testing"

	"offramp/internal/bank"
)

// The numbers themselves are tested where people type them; here, what takes a number as it is.
func TestNumbersAreTakenAsTheyAre(t *testing.T) {
	for number, want := range map[string]string{
		"DE89370400440532013000": "", "de89370400440532013000": "payout.iban.characters", "DE89 3704 0044 0532 0130 00": "payout.iban.characters", "": "payout.iban.none",
	} {
		if key, _ := bank.CheckIBAN(number); key != want {
			t.Errorf("%q: %q, want %q", number, key, want)
		}
	}
	for number, want := range map[string]string{
		"6222020200000000006": "", "6222 0202 0000 0000 006": "payout.card.characters", "6222020200000000005": "payout.card.checksum", "": "payout.card.none",
	} {
		if key := bank.CheckCard(number); key != want {
			t.Errorf("%q: %q, want %q", number, key, want)
		}
	}
	for code, want := range map[string]bool{"102290000017": true, "10229000001": false, "10229000001X": false, "": false} {
		if bank.CNAPS(code) != want {
			t.Errorf("CNAPS %q", code)
		}
	}
	for code, want := range map[string]bool{"COBADEFF": true, "COBADEFFXXX": true, "COBADEF": false, "C0BADEFF": false, "cobadeff": false, "": false} {
		if bank.BIC(code) != want {
			t.Errorf("BIC %q", code)
		}
	}
}
