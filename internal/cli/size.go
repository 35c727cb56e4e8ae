package cli

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A byteSize is a number of bytes above 0.
type byteSize int64

// UnmarshalText reads 1GiB, 16MiB, 512KiB, or a number of bytes.
func (s *byteSize) UnmarshalText(b []byte) error {
	n, err := parseSize(string(b))
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%q: it must be above 0", b)
	}
	*s = byteSize(n)
	return nil
}

// parseSize reads a number of bytes below 2^63, which may have a unit: KiB, MiB or GiB.
func parseSize(text string) (uint64, error) {
	number, shift := text, 0
	for unit, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, s
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || bits.Len64(n)+shift > 63 {
		return 0, fmt.Errorf("%q is not a size, such as 16MiB", text)
	}
	return n << shift, nil
}
