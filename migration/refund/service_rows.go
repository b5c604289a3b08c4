package refund

import "context"

// Rows returns refunds by their references, in that order; those that do not exist are left out. For finance.
func (s *Service) Rows(ctx context.Context, staffID string, refs []string) ([]Row, error) {
	return nil, errNotYet
}
