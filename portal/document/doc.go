// Package document shows the documents of a refund, takes new ones and hands them out, the same for the customer as for finance.
package document
