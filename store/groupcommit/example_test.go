package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"registrar/store/groupcommit"
)

// Eight callers add a row each. Rows that arrive while others are written share the next batch, and each caller gets
// the error of its own row.
func ExampleNew() {
	var mu sync.Mutex
	table := map[string]bool{"row 3": true}
	c := groupcommit.New(groupcommit.Config[string]{
		Commit: func(_ context.Context, batch []string) []error {
			mu.Lock()
			defer mu.Unlock()
			errs := make([]error, len(batch))
			for i, row := range batch {
				if table[row] {
					errs[i] = errors.New("duplicate")
				}
				table[row] = true
			}
			return errs
		},
	})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			row := fmt.Sprintf("row %d", i)
			if err := c.Do(context.Background(), row); err != nil {
				fmt.Printf("%s: %v\n", row, err)
			}
		})
	}
	callers.Wait()
	fmt.Println(len(table), "rows")
	// Output:
	// row 3: duplicate
	// 8 rows
}
