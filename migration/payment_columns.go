package migration

import (
	"fmt"
	"slices"
	"strings"
)

// PaymentColumns are the columns of a query or a file of payments; the first eight are needed.
var PaymentColumns = []string{
	"customer_ref", "ref", "paid_at", "method", "currency", "gross", "period_start", "period_end",
	"invoice_ref", "provider", "provider_ref", "tax", "discount", "units", "units_used", "refunded", "credited",
}

const neededPaymentColumns = 8

// CheckPaymentColumns says what is wrong with the columns of a query or a file of payments; nil when all are known, none is
// there twice and none is missing. A column that nobody knows is most likely a misspelt one, whose data would be lost in silence.
func CheckPaymentColumns(names []string) error {
	trimmed := make([]string, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		switch {
		case slices.Contains(trimmed[:i], name):
			return fmt.Errorf("the column %q is there twice", clip(name))
		case !slices.Contains(PaymentColumns, name):
			return fmt.Errorf("the column %q is unknown; known are %s", clip(name), strings.Join(PaymentColumns, ", "))
		}
		trimmed[i] = name
	}
	for _, name := range PaymentColumns[:neededPaymentColumns] {
		if !slices.Contains(trimmed, name) {
			return fmt.Errorf("the column %s is missing", name)
		}
	}
	return nil
}
