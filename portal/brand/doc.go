// Package brand turns one seed colour into the few colours a customer's brand
// may set: the top rule and logo, links, the primary button, the current
// navigation item, the countdown and progress. The hue of the seed is kept and
// its lightness moved until the contrasts of WCAG 2.2 AA hold in both themes,
// so no seed can make a page unreadable.
package brand
