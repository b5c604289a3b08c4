package migration

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bojanz/currency"
)

const (
	maxFeatures  = 100
	maxSteps     = 50
	maxCodeChars = 100
	maxEffort    = 100_000 // hours
	maxRefresh   = 30 * 24 // hours
	wholeOffer   = 10_000  // basis points
)

var (
	replacementKinds = []string{KindOwn, KindPartner, KindSelf}
	priceModels      = []string{PriceFree, PriceSeatMonth, PriceSeatYear, PriceFlatMonth, PriceFlatYear, PriceOnce}
	moves            = []string{MovesAll, MovesPart, MovesNone}
)

// features checks what the product does and how its use is counted.
func (c *checker) features() {
	if n := len(c.p.Features); n > maxFeatures {
		c.errorf("features", "has %d entries; at most %d are read", n, maxFeatures)
		return
	}
	for i, f := range c.p.Features {
		path := fmt.Sprintf("features[%d]", i)
		c.name(path+".key", f.Key, keyPattern)
		if at := slices.IndexFunc(c.p.Features, func(o Feature) bool { return o.Key == f.Key }); at < i && f.Key != "" {
			c.errorf(path+".key", "there are two features %q", f.Key)
		}
		c.text(path+".name", f.Name, true)
		c.text(path+".group", f.Group, false)
		c.counting(path, f)
	}
	c.choiceRules()
}

// counting checks that a feature's use comes from at most one place.
func (c *checker) counting(path string, f Feature) {
	query := f.SQL != "" || c.has(path+".query")
	switch {
	case query && (f.Attribute != "" || c.has(path+".attribute")):
		c.errorf(path+".attribute", "stands beside query; how often a feature is used comes from one of them")
		return
	case query:
		c.query(path, f.Query)
		for _, name := range parameters(f.SQL) {
			if name != CustomerParameter {
				c.errorf(path+".query", "uses the unknown parameter :%s; only :%s is known, or none for a query about all customers", name, CustomerParameter)
			}
		}
	case f.Source != "" || c.has(path+".source"):
		c.errorf(path+".query", "is missing; say how often a customer uses the feature")
	case f.Attribute == "" && !c.has(path+".attribute"):
		c.warnf(path, "has neither query nor attribute: whether a customer uses it is not known, and it counts for nobody")
	case f.Attribute != "" || c.has(path+".attribute"):
		c.name(path+".attribute", f.Attribute, namePattern)
	}
}

func (c *checker) choiceRules() {
	r := c.p.Choice
	if r.Recommend != "" && r.Recommend != "on" && r.Recommend != "off" {
		c.errorf("choice.recommend", "must be on or off")
	}
	for _, one := range []struct{ key, value string }{{"seats", r.Seats}, {"period", r.Period}} {
		if one.value != "" || c.has("choice."+one.key) {
			c.name("choice."+one.key, one.value, namePattern)
		}
	}
	if c.has("choice.refresh") && (r.Refresh < 1 || r.Refresh > maxRefresh) {
		c.errorf("choice.refresh", "must lie between 1 and %d hours", maxRefresh)
	}
}

// catalogue checks what a replacement says of itself.
func (c *checker) catalogue(path string, r Replacement) {
	c.reserved(path+".key", r.Key)
	if r.Kind != "" && !slices.Contains(replacementKinds, r.Kind) {
		c.errorf(path+".kind", "must be one of %s", strings.Join(replacementKinds, ", "))
	}
	c.text(path+".summary", r.Summary, false)
	c.text(path+".text", r.Text, false)
	c.text(path+".location", r.Location, false)
	c.address(path+".url", r.URL)
	if r.Price != nil {
		c.price(path+".price", *r.Price)
	}
	if e := r.Effort; e != nil {
		if e.Hours < 0 || e.Hours > maxEffort {
			c.errorf(path+".effort.hours", "must lie between 0 and %d", maxEffort)
		}
		c.text(path+".effort.text", e.Text, false)
	}
	if r.Guide != nil {
		c.guide(path+".guide", *r.Guide)
	}
	c.matrix(path, r)
	for i, l := range r.Limits {
		c.text(fmt.Sprintf("%s.limits[%d].name", path, i), l.Name, true)
		c.text(fmt.Sprintf("%s.limits[%d].value", path, i), l.Value, true)
	}
	c.certifications(path+".certifications", r.Certifications)
	if r.Offer != nil {
		c.offer(path+".offer", r, *r.Offer)
	}
	if r.SignUp != nil {
		c.signUp(path+".sign_up", *r.SignUp)
	}
	if r.Contact != nil {
		c.reach(path+".contact", *r.Contact)
	}
}

func (c *checker) certifications(path string, names []string) {
	for i, name := range names {
		if strings.TrimSpace(name) == "" || strings.ContainsFunc(name, isControl) || len(name) > 100 {
			c.errorf(fmt.Sprintf("%s[%d]", path, i), "must be a name such as ISO 27001, at most 100 characters")
		}
	}
}

// address checks a web address that pages link to.
func (c *checker) address(path, value string) {
	if value == "" && !c.has(path) {
		return
	}
	if u, err := url.Parse(value); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		c.errorf(path, "must be a web address such as https://product.example/")
	}
}

func (c *checker) price(path string, p Price) {
	c.text(path+".note", p.Note, false)
	switch {
	case !slices.Contains(priceModels, p.Model):
		c.errorf(path+".model", "must be one of %s", strings.Join(priceModels, ", "))
	case p.Model == PriceFree:
		if p.Amount != 0 || p.Currency != "" {
			c.errorf(path+".amount", "does not go with model: free; leave amount and currency out")
		}
	case p.Amount < 1 || p.Amount > 1_000_000_000_000:
		c.errorf(path+".amount", "must be a whole number of minor units above zero, such as 990 for 9.90")
	case !currency.IsValid(p.Currency):
		c.errorf(path+".currency", "%q is no currency of ISO 4217, such as EUR", p.Currency)
	}
}

func (c *checker) guide(path string, g Guide) {
	c.address(path+".video", g.Video)
	if n := len(g.Steps); n == 0 || n > maxSteps {
		c.errorf(path+".steps", "has %d entries; a guide has between 1 and %d", n, maxSteps)
	}
	for i, s := range g.Steps {
		at := fmt.Sprintf("%s.steps[%d]", path, i)
		c.name(at+".key", s.Key, keyPattern)
		if slices.IndexFunc(g.Steps, func(o GuideStep) bool { return o.Key == s.Key }) < i {
			c.errorf(at+".key", "there are two steps %q; what customers ticked off is kept by this key", s.Key)
		}
		c.text(at+".title", s.Title, true)
		c.text(at+".text", s.Text, false)
	}
}

func (c *checker) offer(path string, r Replacement, o Offer) {
	c.text(path+".text", o.Text, true)
	if o.Discount < 0 || o.Discount > wholeOffer {
		c.errorf(path+".discount", "must lie between 0 and %d basis points; 2500 is a quarter off", wholeOffer)
	}
	if o.Discount > 0 && (r.Price == nil || r.Price.Model == PriceFree) {
		c.errorf(path+".discount", "is off no price; give the price, or leave the discount out")
	}
	c.code(path, o)
	for i, key := range o.Tiers {
		if !slices.ContainsFunc(c.p.Tiers, func(t Tier) bool { return t.Key == key }) {
			c.errorf(fmt.Sprintf("%s.tiers[%d]", path, i), "there is no tier %q", key)
		}
	}
	if last, ok := c.p.Milestone(ExportDeadline); ok && !o.Until.IsZero() && o.Until.After(last.Day) {
		c.warnf(path+".until", "lies after the export deadline %s: customers cannot reach the portal for it any more", last.Day)
	}
}

func (c *checker) code(path string, o Offer) {
	if o.Code != "" && o.Pool {
		c.errorf(path+".pool", "stands beside code; an offer has one code for everybody or a pool of codes")
	}
	if c.has(path+".code") && (strings.TrimSpace(o.Code) == "" || len(o.Code) > maxCodeChars || strings.ContainsFunc(o.Code, isControl)) {
		c.errorf(path+".code", "must be one line of at most %d characters", maxCodeChars)
	}
}

func (c *checker) signUp(path string, s SignUp) {
	c.address(path+".url", s.URL)
	if s.URL == "" {
		c.errorf(path+".url", "is missing; give the address of the sign-up")
	} else if !strings.HasPrefix(s.URL, "https://") && !loopback(s.URL) {
		c.errorf(path+".url", "must begin with https://; customers arrive there with a token")
	}
	for i, field := range s.Fields {
		at := fmt.Sprintf("%s.fields[%d]", path, i)
		switch {
		case !slices.Contains(SignUpFields, field):
			c.errorf(at, "%q is not handed over; known: %s", field, strings.Join(SignUpFields, ", "))
		case slices.Index(s.Fields, field) < i:
			c.errorf(at, "%s is listed twice", field)
		}
	}
}

// loopback reports whether an address is of this machine, as in a demonstration.
func loopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

func (c *checker) reach(path string, r Reach) {
	if r.Email != "" && !isEmail(r.Email) {
		c.errorf(path+".email", "%q is no e-mail address", r.Email)
	}
	if r.Phone != "" && !phonePattern.MatchString(r.Phone) {
		c.errorf(path+".phone", "must hold digits, spaces, brackets and hyphens, and may begin with +")
	}
	c.address(path+".url", r.URL)
	if r == (Reach{}) {
		c.errorf(path, "is empty; give email, phone or url, or leave it out")
	}
}
