package bank

// formats gives, by country, what follows the country and the two check digits: n digits, a capital letters, c either.
// Source: the IBAN registry of ISO 13616-2, kept by SWIFT.
var formats = map[string]string{
	"AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c", "BH": "4a14c",
	"BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c", "CZ": "20n", "DE": "18n", "DJ": "23n",
	"DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n", "FK": "2a12n", "FO": "14n", "FR": "10n11c2n",
	"GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n", "GR": "7n16c", "GT": "24c", "HN": "4a20n", "HR": "17n", "HU": "24n",
	"IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c",
	"LC": "4a24c", "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n",
	"MK": "3n10c2n", "MN": "16n", "MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c",
	"PK": "4a16c", "PL": "24n", "PS": "4a21c", "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c",
	"SC": "4a20n3a", "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n", "SV": "4a20n",
	"TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}

// CheckIBAN judges an IBAN by its country's length and format and by its check digits (ISO 7064, MOD 97-10). It returns the
// key of the message that says what is wrong, and the values for its placeholders; an empty key is a number that can exist.
func CheckIBAN(s string) (key string, args map[string]any) {
	switch {
	case s == "":
		return "payout.iban.none", nil
	case !alphanumeric(s):
		return "payout.iban.characters", nil
	case len(s) < 2 || formats[s[:2]] == "":
		return "payout.iban.country", nil
	}
	format := formats[s[:2]]
	if want := 4 + length(format); len(s) != want {
		return "payout.iban.length", map[string]any{"Country": s[:2], "Length": want, "Given": len(s)}
	}
	if !digits(s[2:4]) || !fits(s[4:], format) {
		return "payout.iban.format", map[string]any{"Country": s[:2]}
	}
	// 00, 01 and 99 leave the right remainder too, and are never given out.
	if check := s[2:4]; check == "00" || check == "01" || check == "99" || mod97(s[4:]+s[:4]) != 1 {
		return "payout.iban.checksum", nil
	}
	return "", nil
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if !is(s[i], 'c') {
			return false
		}
	}
	return true
}

func is(b byte, class byte) bool {
	digit, letter := '0' <= b && b <= '9', 'A' <= b && b <= 'Z'
	return class == 'n' && digit || class == 'a' && letter || class == 'c' && (digit || letter)
}

// each calls f with the parts of a format such as 4a14n.
func each(format string, f func(count int, class byte)) {
	count := 0
	for i := range len(format) {
		if c := format[i]; c >= '0' && c <= '9' {
			count = count*10 + int(c-'0')
		} else {
			f(count, c)
			count = 0
		}
	}
}

func length(format string) (sum int) {
	each(format, func(count int, _ byte) { sum += count })
	return sum
}

// fits reports whether s, of the format's length, has the right class of character everywhere.
func fits(s, format string) bool {
	at, ok := 0, true
	each(format, func(count int, class byte) {
		for range count {
			ok = ok && is(s[at], class)
			at++
		}
	})
	return ok
}

// mod97 is the remainder by 97 of the number in which letters stand for 10 to 35.
func mod97(s string) int {
	rest := 0
	for i := range len(s) {
		if c := s[i]; c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest
}
