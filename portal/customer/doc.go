// Package customer holds the pages of a retired product's customers: the public notice, the plan, the dates with their
// calendar, and help. Each page has a handler that reads, asks and renders; a builder, which is a pure function from what
// was read to what is shown; and a templ component.
package customer
