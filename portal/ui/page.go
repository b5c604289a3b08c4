package ui

import (
	"strings"

	"offramp/internal/locale"
)

// Page is what the shell around every page shows.
type Page struct {
	Locale *locale.Locale
	Title  string // also the browser's title, with the product behind it
	Path   string // the page's own path and query, where switches of language and theme return to

	ProductName string
	ServiceName string // empty: the words for customers' pages or for consoles
	CompanyName string
	Year        int    // of the copyright line; 0 leaves the line out
	LegalLine   string // what a law demands in the footer, such as an ICP number
	HomeURL     string // empty: "/"
	LogoURL     string // empty: the built-in mark
	BrandCSS    string // address of the brand's stylesheet; empty: the built-in colours
	Theme       string // light or dark; empty or auto follows the system

	Nav         []NavItem
	Active      string // Key of the current NavItem
	Account     *Account
	FooterLinks []Link
	Languages   []string    // tags on offer; nil: all that the product speaks
	Alternates  []Alternate // the same public page in other languages

	Times   string // in which zone the page tells times, for staff
	Origin  string // of the portal's addresses, as papers show them
	Printed string // as of when, for paper, behind whose it is; empty: the page says nothing of itself there

	Flash   *Banner // what the last action did
	Strip   *Banner // what holds for the whole visit, such as a support agent's read-only view
	Errors  bool    // the form on the page has errors: the title says so
	HTMX    bool    // the page refreshes parts of itself
	NoIndex bool
	Held    bool // the page holds what was typed and is kept nowhere else: switches of language and theme, which would lose it, are not offered
	Narrow  bool // a form or a text: the column is as wide as reading is comfortable
}

// NavItem is one entry of the navigation row.
type NavItem struct {
	Key, Label, URL string
	Badge           string // a count of things that wait; empty for none
}

// Account is the person who is signed in.
type Account struct {
	Name       string
	Detail     string // role or organisation
	Links      []Link
	SignOutURL string // where the sign-out form is posted; empty: "/sign-out"
}

// Alternate is the address of a page in another language.
type Alternate struct{ Tag, URL string }

// htmxConfig keeps htmx within the content security policy and out of the
// browser's history, and keeps error pages out of page fragments.
const htmxConfig = `{"includeIndicatorCSS":false,"history":false,"noSwap":[204,304,"4xx","5xx"]}`

func (p Page) title(service string) string {
	id := "shell.title"
	if p.Errors {
		id = "shell.title_error"
	}
	return p.Locale.T(id, "Title", p.Title, "Product", p.ProductName, "Service", service)
}

func (p Page) service(fallback string) string {
	if p.ServiceName != "" {
		return p.ServiceName
	}
	return p.Locale.T(fallback)
}

func (p Page) home() string {
	if p.HomeURL != "" {
		return p.HomeURL
	}
	return "/"
}

// theme is the value of data-theme; the stylesheet follows the system for any but light and dark.
func (p Page) theme() string {
	if p.Theme == "light" || p.Theme == "dark" {
		return p.Theme
	}
	return "auto"
}

// switchable are the locales that the page offers in its head. A page that holds what was typed offers none: it would be lost.
func (p Page) switchable() []*locale.Locale {
	if p.Held {
		return nil
	}
	return p.otherLanguages()
}

// otherLanguages are the locales that a reader could switch to.
func (p Page) otherLanguages() []*locale.Locale {
	tags := p.Languages
	if tags == nil {
		tags = locale.Tags()
	}
	var others []*locale.Locale
	for _, tag := range tags {
		if l := locale.For(tag); l.Tag() == tag && tag != p.Locale.Tag() {
			others = append(others, l)
		}
	}
	return others
}

// rights is the last line of the footer.
func (p Page) rights() string {
	var parts []string
	if p.Year > 0 && p.CompanyName != "" {
		parts = append(parts, p.Locale.T("shell.rights", "Year", p.Year, "Company", p.CompanyName))
	}
	if p.LegalLine != "" {
		parts = append(parts, p.LegalLine)
	}
	return strings.Join(parts, " · ")
}
