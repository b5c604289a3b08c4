// Package examples holds whole programme files that are applied as they are: by the demonstration and by tests.
package examples

import _ "embed"

// Hezhou retires Hezhou Teamwork, the demonstration's fictional product.
//
//go:embed hezhou/programme.yaml
var Hezhou []byte

// Chinook retires a digital music shop.
//
//go:embed chinook/programme.yaml
var Chinook []byte
