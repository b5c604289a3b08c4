package mail

import "github.com/yuin/goldmark/util"

// resolve undoes CommonMark's escapes and entities in a piece of text.
func resolve(source []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(source)))
}

// Escape writes a value so that CommonMark shows it as it is, such as a customer's name.
func Escape(value string) string {
	out := make([]byte, 0, len(value)+8)
	for i := range len(value) {
		switch b := value[i]; {
		case b == '\n' || b == '\r' || b == '\t':
			out = append(out, ' ')
		case util.IsPunct(b):
			out = append(out, '\\', b)
		default:
			out = append(out, b)
		}
	}
	return string(out)
}
