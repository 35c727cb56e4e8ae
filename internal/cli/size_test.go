package cli

import "testing"

func TestByteSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want byteSize // 0 means that it is refused
	}{
		{"1GiB", 1 << 30},
		{"3KiB", 3 << 10},
		{"1", 1},
		{"8589934591GiB", 8589934591 << 30},
		{"8589934592GiB", 0},
		{"9223372036854775807", 1<<63 - 1},
		{"9223372036854775808", 0},
		{"0", 0},
		{"0GiB", 0},
		{"1GB", 0},
		{"-1", 0},
		{"", 0},
	} {
		var s byteSize
		if err := s.UnmarshalText([]byte(tt.text)); (err != nil) != (tt.want == 0) || s != tt.want {
			t.Errorf("%q: got %d and %v, want %d", tt.text, s, err, tt.want)
		}
	}
}
