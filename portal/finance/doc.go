// Package finance is the console in which refunds are reviewed, approved, paid and reconciled: by different people, with the
// calculation that the customer sees, and with every decision recorded.
package finance
