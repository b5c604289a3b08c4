// Package quote works out what a customer gets back of what was prepaid, and explains it line by line. It is pure: the same
// policy, payments and days always give the same quote, down to the byte of its canonical form.
//
// For each payment, in this order:
//
//	unused    + price x unused days / days of the period     (or months, or units)
//	discount  - the discount's part of it
//	tax       + the tax's part of it                          (inclusive prices: none, it is in the price)
//	refunded  - what was refunded before, as far as it reaches
//	credited  - what was credited before, as far as it reaches
//	goodwill  + what the tier gets on top, at most up to what was paid
//
// Each line is rounded by itself to the currency's smallest unit, and the amount is the sum of the lines. It is never
// negative and never more than was paid less what was given back before. Money is int64 in minor units; there is no
// floating point anywhere. A quote is in one currency: nothing is converted.
package quote
