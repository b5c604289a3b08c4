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

// Watch makes an element ask for itself when the reader may have done something that the server learns first, such as a download: a
// moment after a click anywhere in it, when the reader comes back to the page, and now and then. An answer 204 leaves it as it is.
func Watch(url string) templ.Attributes {
	return templ.Attributes{
		"hx-get":     url,
		"hx-trigger": "click delay:2s, focus from:window, every 20s",
		"hx-swap":    "outerHTML",
	}
}

// FlashID is where a page says what the reader's last act did. A fragment that replaces the page below it takes that away.
const FlashID = "flash"
