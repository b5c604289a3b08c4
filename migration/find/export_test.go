package find

import (
	"context"

	"offramp/internal/db"
)

// Wanted is what a text asks the index for.
func Wanted(text string) []string { return list(read(text).wanted) }

// SearchIn runs the search's statement in a transaction.
func SearchIn(ctx context.Context, tx *db.Tx, text string) error {
	_, err := store{}.search(ctx, tx, read(text), nil, 0, 20)
	return err
}
