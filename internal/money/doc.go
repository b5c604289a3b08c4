// Package money reads, divides and adds amounts: int64 in the smallest unit of an ISO 4217 currency. Nothing here or
// anywhere else that bears money is a floating-point number, which a test in internal/arch holds.
package money
