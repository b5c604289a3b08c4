// Package notice tells customers: it plans who is due a notice of the programme, sends it over the channels that the plan names,
// records how far it reached, and hands customers whom nothing reached to a person.
//
//	message   planned --handed over--> sent          one row a customer, notice and due day, whatever happens
//	          planned --the step is done, or the customer is not meant any more--> dropped
//	          planned --a later stage is due--> superseded
//	          planned --no channel is left--> failed
//	delivery  sending --> accepted | refused | deferred (tried again) | unknown;  accepted --> bounced | complained
//
// Everything is checked anew at the moment of sending. A delivery is written down as being sent before a byte of it leaves, so
// that a process that dies in between leaves "unknown" and never a second copy.
package notice
