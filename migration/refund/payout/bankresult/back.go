package bankresult

import (
	"regexp"
	"strings"
)

// returnCodes are the sub-families of ISO 20022's external bank transaction codes that tell of a credit transfer which was
// returned or called back (PMNT/ICDT and PMNT/RCDT); SWIFT's type of a returned item (RTI, in MT 940 NRTI); and the German
// banks' 159, a returned transfer.
var returnCodes = map[string]bool{"RRTN": true, "RPCR": true, "RTI": true, "NRTI": true, "159": true}

// returnCode reports whether one of a transaction's codes says that it is a return. A bank's own code may have several parts, such
// as NRTI+159+00931.
func returnCode(codes []string) bool {
	for _, code := range codes {
		for part := range strings.FieldsFuncSeq(strings.ToUpper(code), func(r rune) bool { return strings.ContainsRune("+/,.- ", r) }) {
			if returnCodes[part] {
				return true
			}
		}
	}
	return false
}

// back are words by which banks say in free text that money came back: English, German, French, Italian, Spanish, Dutch, Chinese.
var back = regexp.MustCompile(`(?i)\b(?:returned|returns?|rejected|refused|unpaid|reversal|retoure?n?|retour(?:ned)?|zur(?:ü|ue)ck(?:gewiesen|gegeben)?` +
	`|r(?:ü|ue)ck(?:gabe|(?:ü|ue)berweisung|buchung|l(?:ä|ae)ufer|zahlung|weisung)|storn\pL+|rejet\pL*|retorno|restituit\pL+|respint\pL+|devoluci(?:ó|o)n|devuelt\pL+|teruggeboekt|geweigerd)\b` +
	`|退汇|退回|退票|冲正|被拒`)

// returnWords reports whether a text says that money came back.
func returnWords(text string) bool { return back.MatchString(text) || reasonIn(text) != "" }

// reasons are the codes of ISO 20022's external return reasons, as far as they are letters and digits that no other word has.
var reasons = regexp.MustCompile(`\b(?:AC0[1-7]|AC1[3-7]|AG0[1-3]|AM0[1-9]|BE0[1-8]|BE1[0-9]|DT01|ED05|FF0[1-6]|MD0[1-7]|MS0[23]|RC0[1-8]|RR0[1-4]|SL0[1-4]|TM01)\b`)

// reasonIn finds the code in a text; empty: it has none.
func reasonIn(text string) string { return reasons.FindString(text) }
