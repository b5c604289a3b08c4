// Package payout is the way money leaves: one interface over the providers that can give a payment back, and the facts
// that bank files are written from. It decides nothing about who gets what; it promises that what it says of an attempt is
// true, and that it says unknown when it does not know.
//
// The caller stores the reference, the attempt and the idempotency key before it calls, and what comes back after:
//
//	                  +--accepted--+--succeeded--+
//	stored -> Refund -+            |             +--failed (also after succeeded: money came back)
//	            |     +--failed: the provider refused, nothing moved
//	            |
//	            +--unknown -> LookUp -+-- what the provider has
//	                  ^               +-- not_found: Refund again, same key
//	                  +---- unknown --+
//
// An unknown outcome is never settled by a new key. The provider's events are folded in by Merge, which comes to the same
// end in every order and however often an event is delivered.
package payout
