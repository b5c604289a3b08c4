package sms

import (
	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
)

// Length is what a text comes to on the wire.
type Length struct {
	Parts   int  // short messages that are paid for
	Unicode bool // a character is outside the alphabet of GSM 03.38, so that a part holds 70 (67) characters rather than 160 (153)
}

// Measure counts the parts of a text, as a phone network cuts it.
func Measure(text string) Length {
	if text == "" {
		return Length{}
	}
	parts, err := sms.Encode([]byte(text))
	if err != nil || len(parts) == 0 {
		return Length{}
	}
	alphabet, _ := parts[0].Alphabet()
	return Length{Parts: len(parts), Unicode: alphabet == tpdu.AlphaUCS2}
}
