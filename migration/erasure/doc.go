// Package erasure erases a customer: everything the register names (deploy/schema/erasure.go), everywhere, provably, and so that it
// stays gone after a restore.
//
//	asked --another manager agrees--> agreed --planned--> planned            (a run: one customer, or all who are due)
//	  +--> withdrawn
//	ordered --kept outside--> kept --> running --nothing found--> complete   (an order: one customer)
//	                                     |  ^
//	                                     v  |
//	                                  incomplete: the store or a hold keeps something; it goes on by itself
//
// The order comes first: a row of the ledger, numbered and chained, is committed, and kept outside the database, before anything is
// deleted. Deleting is erasure_step's alone, a function of the database that goes by the register and by the order; each step is a
// transaction of its own with its count, so that a process may die between any two of them. Objects go before the rows that name
// them. Complete is what was counted again and found to be nothing, which the database checks once more.
//
// A restored database is behind the ledger outside. Standing finds that out, and Replay erases again.
package erasure
