package javascript

import "testing"

// BenchmarkPack packs a small script.
func BenchmarkPack(b *testing.B) {
	for b.Loop() {
		if _, err := PackText(b.Context(), "typed.ts", []byte(typed)); err != nil {
			b.Fatal(err)
		}
	}
}
