package http

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errLink = errors.New("the Link header cannot be read")

// nextLink finds the target of the link with rel="next", or "". It is strict, since a link that was not understood would
// end the pages too early.
// Source: RFC 8288, section 3.
func nextLink(headers []string) (string, error) {
	next := ""
	for _, h := range headers {
		for rest := h; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if rest == "" {
				break
			}
			target, isNext, after, err := oneLink(rest)
			if err != nil {
				return "", err
			}
			if isNext && next != "" && next != target {
				return "", errors.New("the Link header names two next pages")
			}
			if isNext {
				next = target
			}
			rest = after
		}
	}
	return next, nil
}

// oneLink reads <target>;param=value;... and returns what follows it.
func oneLink(s string) (target string, isNext bool, rest string, err error) {
	end := strings.IndexByte(s, '>')
	if s[0] != '<' || end < 0 {
		return "", false, "", errLink
	}
	target, rest = s[1:end], s[end+1:]
	relation, anchored := "", false
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" || rest[0] == ',' {
			break
		}
		if rest[0] != ';' {
			return "", false, "", errLink
		}
		var name, value string
		if name, value, rest, err = oneParameter(strings.TrimLeft(rest[1:], " \t")); err != nil {
			return "", false, "", err
		}
		switch {
		case name == "rel" && relation == "": // a second one must be ignored
			relation = value
		case name == "anchor":
			anchored = true // a link of something else than this page
		}
	}
	isNext = !anchored && slices.ContainsFunc(strings.Fields(relation), func(r string) bool { return strings.EqualFold(r, "next") })
	if isNext && target == "" {
		return "", false, "", errLink
	}
	return target, isNext, rest, nil
}

// oneParameter reads name, name=token or name="quoted". Nothing at all is allowed, too.
func oneParameter(s string) (name, value, rest string, err error) {
	end := strings.IndexAny(s, "=;, \t")
	if end < 0 {
		return strings.ToLower(s), "", "", nil
	}
	name, rest = strings.ToLower(s[:end]), strings.TrimLeft(s[end:], " \t")
	if rest == "" || rest[0] != '=' {
		return name, "", rest, nil
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	if rest == "" || rest[0] != '"' {
		if end = strings.IndexAny(rest, ";, \t"); end < 0 {
			end = len(rest)
		}
		return name, rest[:end], rest[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			return name, b.String(), rest[i+1:], nil
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", fmt.Errorf("%w: a quote has no end", errLink)
}
