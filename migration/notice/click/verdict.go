package click

import (
	"net/http"
	"strings"
	"sync"
	"time"

	useragent "github.com/medama-io/go-useragent"
)

// What followed a link.
const (
	Program = "program"
	Person  = "person"
)

// Why a request is taken for a program's. The empty reason: it is not.
const (
	WhyMethod   = "method"   // it asks for no page
	WhyPrefetch = "prefetch" // it says that it fetches ahead
	WhyAgent    = "agent"    // it comes from no browser, or from a known crawler
	WhySoon     = "soon"     // it comes while the mail is being delivered, which is when gateways scan
	WhyMany     = "many"     // another link of the same mail was followed at the same moment
	WhyGateway  = "gateway"  // a mail gateway says so
)

const (
	scanTime = time.Minute     // after the mail was handed over
	oneHand  = 2 * time.Second // within which a person does not follow two links
)

// Sign is what a request tells about whoever makes it. Nothing of it is kept.
type Sign struct {
	Method string
	Header http.Header
}

var parser = sync.OnceValue(useragent.NewParser)

// judge tells why a request is taken for a program's; sent is when the mail was handed over.
func judge(s Sign, sent, now time.Time) (why string) {
	switch {
	case s.Method != http.MethodGet:
		return WhyMethod
	case fetchesAhead(s.Header):
		return WhyPrefetch
	case !browses(s.Header.Get("User-Agent")):
		return WhyAgent
	case now.Before(sent.Add(scanTime)):
		return WhySoon
	}
	return ""
}

// fetchesAhead reads the headers by which browsers mark what nobody has asked for yet.
func fetchesAhead(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		value := strings.ToLower(h.Get(name))
		if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") {
			return true
		}
	}
	return false
}

// browses reports whether a User-Agent header is that of a browser which people use.
func browses(agent string) bool {
	ua := parser().Parse(agent)
	return !ua.IsBot() && ua.Browser() != ""
}
