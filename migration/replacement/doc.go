// Package replacement is step 3: which replacement fits what a customer uses, what the customer chooses, the code of its
// offer, the hand-over to its sign-up, and the guide to tick off.
//
//	        +---------------------undone---------------------+
//	        v                                                |
//	(none) --made--> made --accepted--> accepted --importing--> importing --done--> moved
//	   |               |                    +--failed--> failed --importing--> ...
//	   |               +--withdrawn from the programme--> withdrawn
//	   +--none of these--> none      +--ask me later--> deferred
//
// A new decision takes the place of the one before until the customer has moved. What is decided, the losses that were
// accepted with it, its code, the customer's journey, the audit row and the mail are written in one transaction.
package replacement
