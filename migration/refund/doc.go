// Package refund gives customers back what they prepaid: asked for once, looked at by three people, paid once, and every
// cent explained.
//
// A refund covers the payments of one customer in one currency. Its quote is frozen when it is submitted; what was approved
// is what is paid, or it is approved again.
//
//	submitted --reviewed--> reviewed --approved--> approved --in a batch--> batched --released--> released
//	    |  ^                   |  \--from a limit on--> second --approved--^                          |
//	    |  |                   |                                                                     v
//	    |  answered            +-- sent back: questioned, declined (from any of these until released)   paid
//	    |  |                                                                                          ^  |
//	    +--questioned                                  released --nobody knows--> unknown --looked up--+  |
//	    +--> withdrawn (by the customer, until approved)                                                   v
//	                                              paid, released, unknown --money came back--> returned
//	returned --other bank details--> submitted      credit: batched --released--> credited
//	declined --objection--> objected --> reviewed   waive: reviewed or second --approved--> waived
//	declined --period over--> closed
//
// Review, approval, second approval and release are by different people, none of whom asked; the database holds to it.
// Changing the amount, the method or the account of what is approved voids the approval.
//
// A payment leaves in this order: the attempt with its idempotency key is committed, the provider is called, the outcome is
// committed. Whoever finds an attempt without an outcome looks it up at the provider and never calls blindly again.
package refund
