// Package locale holds every word the product says and every format it writes,
// in each language it speaks. Pages, mail, calendars and archives all use it,
// so that one message has one wording wherever it appears.
//
// Messages live in messages/{area}.{tag}.json, flat ids with dots; each area
// has one file per language. A test keeps the languages complete and equal in
// placeholders, and another fails for an id that code names and no file has.
//
// A message may use {{.Count}} (grouped by thousands) or {{.PluralCount}} when
// it is read by N, and whatever names its caller passes.
package locale
