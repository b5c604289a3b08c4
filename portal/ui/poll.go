package ui

import (
	"fmt"
	"time"

	"github.com/a-h/templ"
)

// Poll makes an element replace itself with what url answers, every so often.
// The answer is the same element: without these attributes the polling ends.
func Poll(url string, every time.Duration) templ.Attributes {
	return templ.Attributes{
		"hx-get":     url,
		"hx-trigger": fmt.Sprintf("every %ds", max(1, int(every.Seconds()))),
		"hx-swap":    "outerHTML",
	}
}
