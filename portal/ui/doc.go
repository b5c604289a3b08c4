// Package ui holds the components that pages are made of: one per file, each
// with a small view struct beside it. Components take data and a locale, never
// a context, and know nothing of nouns, stores or requests.
//
// Text in view structs is in the reader's language already; components add only
// the words that are theirs. Nothing here writes a style or a script into a
// page: sizes that depend on data are SVG attributes or progress values.
//
// After changing a .templ file run: go tool templ generate -path ./portal/ui
package ui
