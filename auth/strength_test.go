package auth

import (
	"encoding/json"
	"testing"
)

func TestStrengthIsAcrOrAmr(t *testing.T) {
	asked := []string{"phr", "mfa"}
	for name, c := range map[string]struct {
		claims string
		enough bool
	}{
		"nothing said":           {`{}`, false},
		"a level that is asked":  {`{"acr":"phr"}`, true},
		"a lower level":          {`{"acr":"1"}`, false},
		"a number as level":      {`{"acr":0}`, false},
		"a method that is asked": {`{"amr":["pwd","mfa"]}`, true},
		"a password alone":       {`{"amr":["pwd"]}`, false},
		"a method as one text":   {`{"amr":"mfa"}`, true},
		"a part of the word":     {`{"amr":["mfa2"],"acr":"ph"}`, false},
		"an object":              {`{"amr":{"mfa":true}}`, false},
	} {
		var claims Claims
		if err := json.Unmarshal([]byte(c.claims), &claims.Values); err != nil {
			t.Fatal(err)
		}
		if got := strongEnough(claims, asked); got != c.enough {
			t.Errorf("%s: %t", name, got)
		}
		if !strongEnough(claims, nil) {
			t.Errorf("%s: refused though nothing is asked for", name)
		}
	}
}
