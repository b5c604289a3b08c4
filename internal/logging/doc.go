// Package logging makes the product's logger: JSON lines from which secrets and people's addresses are struck out.
//
// It is a net under the rule that nobody logs such things, not a licence to: attributes whose name says that they are
// secret lose their value, and e-mail addresses, signatures, tokens and credentials are struck out of all text, errors and
// structured values included.
package logging
