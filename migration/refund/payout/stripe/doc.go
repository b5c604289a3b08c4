// Package stripe pays refunds back through Stripe to the card or account that was charged, reads what Stripe has of them,
// and checks what Stripe tells by itself.
//
// It never tries again by itself: the library's retries and those of Go's transport are switched off, and whoever calls
// decides. Stripe answers a key that it has seen with what it answered then, errors of its own included, for at least 24
// hours; so after an unknown outcome LookUp decides, by the reference that every refund bears in its metadata.
package stripe
