package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/internal/config"
)

func TestPayoutIsReadAsAWhole(t *testing.T) {
	vars := good()
	maps.Copy(vars, map[string]string{
		"OFFRAMP_STRIPE_KEY": "rk_live_x", "OFFRAMP_STRIPE_WEBHOOK_SECRETS": "whsec_new,whsec_old", "OFFRAMP_STRIPE_URL": "http://127.0.0.1:12111",
		"OFFRAMP_BANK_NAME": "河舟软件", "OFFRAMP_BANK_ACCOUNT": "31050123456789012345", "OFFRAMP_BANK_CNAPS": "102290000017", "OFFRAMP_BANK_UNICODE": "yes",
	})
	for _, command := range []string{"serve", "work", "doctor"} {
		c, err := config.Load(environ(vars), command)
		if err != nil || c.Stripe.Key != "rk_live_x" || !cmp.Equal(c.Stripe.WebhookSecrets, []string{"whsec_new", "whsec_old"}) || !c.Bank.Given() || !bool(c.Bank.Unicode) {
			t.Errorf("%s: %+v, %v", command, c, err)
		}
	}
	if c, err := config.Load(environ(good()), "doctor"); err != nil || c.Bank.Given() {
		t.Error("neither is needed", err)
	}
}

func TestPayoutFaultsAreTold(t *testing.T) {
	for name, row := range map[string]struct {
		vars map[string]string
		want string
	}{
		"a way of booking":     {map[string]string{"BANK_NAME": "H", "BANK_IBAN": "DE89370400440532013000", "BANK_BOOKING": "lump"}, "BANK_BOOKING: must be"},
		"a zone":               {map[string]string{"BANK_NAME": "H", "BANK_IBAN": "DE89370400440532013000", "BANK_ZONE": "Mars"}, "BANK_ZONE: must be"},
		"a cut-off":            {map[string]string{"BANK_NAME": "H", "BANK_IBAN": "DE89370400440532013000", "BANK_CUT_OFF": "4pm"}, "BANK_CUT_OFF: "},
		"a holiday":            {map[string]string{"BANK_NAME": "H", "BANK_IBAN": "DE89370400440532013000", "BANK_HOLIDAYS": "2027-02-30"}, "BANK_HOLIDAYS: "},
		"a publishable key":    {map[string]string{"STRIPE_KEY": "pk_live_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}, "STRIPE_KEY: must begin"},
		"no secret":            {map[string]string{"STRIPE_KEY": "sk_live_x"}, "STRIPE_WEBHOOK_SECRETS: set"},
		"no key":               {map[string]string{"STRIPE_WEBHOOK_SECRETS": "whsec_x"}, "STRIPE_WEBHOOK_SECRETS: set"},
		"another secret":       {map[string]string{"STRIPE_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x,y"}, "STRIPE_WEBHOOK_SECRETS: must be"},
		"plain HTTP":           {map[string]string{"STRIPE_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x", "STRIPE_URL": "http://api.example.com"}, "STRIPE_URL: must be https"},
		"no address":           {map[string]string{"STRIPE_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x", "STRIPE_URL": "api"}, "STRIPE_URL: is no address"},
		"an address alone":     {map[string]string{"STRIPE_URL": "https://api.example.com"}, "STRIPE_URL: has no use"},
		"a name alone":         {map[string]string{"BANK_NAME": "Hezhou"}, "BANK_IBAN: is not set"},
		"no name":              {map[string]string{"BANK_ACCOUNT": "1"}, "BANK_NAME: is not set"},
		"a long name":          {map[string]string{"BANK_ACCOUNT": "1", "BANK_NAME": strings.Repeat("河", 141)}, "BANK_NAME: may have"},
		"two accounts":         {map[string]string{"BANK_NAME": "H", "BANK_ACCOUNT": "1", "BANK_IBAN": "DE89370400440532013000"}, "BANK_ACCOUNT: set"},
		"a wrong IBAN":         {map[string]string{"BANK_NAME": "H", "BANK_IBAN": "DE88370400440532013000"}, "BANK_IBAN: is no valid"},
		"an account of spaces": {map[string]string{"BANK_NAME": "H", "BANK_ACCOUNT": "1 2"}, "BANK_ACCOUNT: must be"},
		"a wrong BIC":          {map[string]string{"BANK_NAME": "H", "BANK_ACCOUNT": "1", "BANK_BIC": "COBA"}, "BANK_BIC: must be"},
		"a wrong CNAPS code":   {map[string]string{"BANK_NAME": "H", "BANK_ACCOUNT": "1", "BANK_CNAPS": "1"}, "BANK_CNAPS: must be"},
		"two codes":            {map[string]string{"BANK_NAME": "H", "BANK_ACCOUNT": "1", "BANK_CNAPS": "102290000017", "BANK_BIC": "COBADEFF"}, "BANK_CNAPS: set"},
		"neither yes nor no":   {map[string]string{"BANK_UNICODE": "maybe"}, "BANK_UNICODE: is neither"},
	} {
		vars := good()
		for k, v := range row.vars {
			vars["OFFRAMP_"+k] = v
		}
		_, err := config.Load(environ(vars), "doctor")
		if err == nil || !strings.Contains(err.Error(), "OFFRAMP_"+row.want) || !strings.Contains(err.Error(), "has 1 problem") {
			t.Errorf("%s: %v", name, err)
		}
		for _, secret := range []string{"sk_live_x", "whsec_x"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: a secret is told: %v", name, err)
			}
		}
	}
}
