package source

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// guard makes sure that a reference that is no whole number is not read as one: these servers find 1 equal to '1 or so', and
// 0 to 'acme', when they compare a text with a column of numbers, and say nothing. It asks the query for two customers that
// no product has: one that would be taken for this one's number, and one that would be taken for another number. Where texts
// are compared, both get the same, mostly nothing.
// Source: MySQL manual, "Type Conversion in Expression Evaluation".
func (s *mysqlSnapshot) guard(ctx context.Context, q Query, text string) error {
	if s.safe[text] || wholeNumber.MatchString(s.customer) {
		return nil
	}
	nobody := "~" + rand.Text()
	taken, err := s.glimpse(ctx, q, text, leadingNumber.FindString(s.customer)+nobody)
	if err != nil {
		return err
	}
	other, err := s.glimpse(ctx, q, text, "7461539028641907"+nobody)
	if err != nil {
		return err
	}
	if !slices.Equal(taken, other) {
		return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("it compares the customer's reference with a number, and this customer's is none")}
	}
	s.safe[text] = true
	return nil
}

var (
	wholeNumber   = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`)
	leadingNumber = regexp.MustCompile(`^[ \t\n\v\f\r]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)?([eE][-+]?[0-9]+)?`)
)

// glimpse is the beginning of what a customer would get.
func (s *mysqlSnapshot) glimpse(ctx context.Context, q Query, text, customer string) (cells []string, err error) {
	a, err := bindMySQL(q, text, customer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.limited(ctx, q, "checking")
	defer cancel()
	a.sql = "select * from " + within(a.sql) + fmt.Sprintf(" limit %d", sampled)
	err = s.run(ctx, q, a, func([]Column) error { return nil }, func(values [][]byte) error {
		for _, v := range values {
			cell := "null"
			if v != nil {
				cell = "=" + string(v)
			}
			cells = append(cells, cell)
		}
		return nil
	})
	return cells, err
}
