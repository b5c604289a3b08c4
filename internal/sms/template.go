package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Forms in which a gateway takes a message.
const (
	JSON = "json"
	Form = "form"
)

// values fill the placeholders.
type values struct{ number, text, reference, secret string }

// places are the placeholders: number with its plus sign, digits without, the text, our reference and the gateway's secret.
var places = []string{"number", "digits", "text", "reference", "secret"}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill replaces the placeholders of a text, once: what is put in is not read again.
func (v values) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		switch found {
		case "{number}":
			return v.number
		case "{digits}":
			return strings.TrimPrefix(v.number, "+")
		case "{text}":
			return v.text
		case "{reference}":
			return v.reference
		case "{secret}":
			return v.secret
		}
		return found
	})
}

// template is the body of a request. It is read before it is filled, so that no text can become more than a value.
type template struct {
	json any
	form url.Values
}

func parseTemplate(format, body string) (t template, err error) {
	switch format {
	case JSON:
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&t.json); err != nil {
			return t, fmt.Errorf("is no JSON: %w", err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return t, errors.New("is more than one JSON value")
		}
	case Form:
		if t.form, err = url.ParseQuery(body); err != nil {
			return t, fmt.Errorf("is no form such as To={number}&Body={text}: %w", err)
		}
		for _, list := range t.form {
			if slices.ContainsFunc(list, func(v string) bool { return strings.HasPrefix(v, " ") }) {
				return t, errors.New("has a value that begins with a space: a plus sign is written %2B")
			}
		}
	default:
		return t, fmt.Errorf("is for the format %q; formats are json and form", format)
	}
	return t, nil
}

// fill returns the body and its media type.
func (t template) fill(v values) (body []byte, media string, err error) {
	if t.form != nil {
		filled := url.Values{}
		for name, list := range t.form {
			for _, one := range list {
				filled.Add(name, v.fill(one))
			}
		}
		return []byte(filled.Encode()), "application/x-www-form-urlencoded", nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(fillJSON(t.json, v)); err != nil {
		return nil, "", fmt.Errorf("write message: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), "application/json", nil
}

// fillJSON fills every text of a JSON value. Names of fields stay.
func fillJSON(node any, v values) any {
	switch n := node.(type) {
	case string:
		return v.fill(n)
	case []any:
		list := make([]any, len(n))
		for i, one := range n {
			list[i] = fillJSON(one, v)
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(n))
		for name, one := range n {
			fields[name] = fillJSON(one, v)
		}
		return fields
	}
	return node
}

// used lists the placeholders of a text, known or not.
func used(texts ...string) (names []string) {
	for _, text := range texts {
		for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// parseHeaders reads "Name: value; Name: value".
func parseHeaders(line string) (http.Header, error) {
	header := http.Header{}
	for one := range strings.SplitSeq(line, ";") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, ok := strings.Cut(one, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" || strings.ContainsAny(name, " \t\"(),/<=>?@[\\]{}") || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("holds %q, which is no header such as Authorization: App {secret}", strings.TrimSpace(one))
		}
		header.Add(name, value)
	}
	return header, nil
}
