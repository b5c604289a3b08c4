// Package receipt signs the receipt of an export, so that the customer can show to others, also when the portal is long
// gone, what was handed over: a JSON Web Signature (RFC 7515) with EdDSA over Ed25519 (RFC 8037), and nothing else, since an
// algorithm that the reader lets the file choose is no protection (RFC 8725, section 3.1).
//
// The key is derived from the installation's secret, so that every replica signs with the same one and none is stored. Its
// public half is published as a JSON Web Key Set (RFC 7517); a key's id is its thumbprint (RFC 7638).
package receipt
