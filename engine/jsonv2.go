//go:build goexperiment.jsonv2 && !go1.27

package engine

// The experiment of Go 1.25 and 1.26 replaces the JSON library by one that does not know the tag embed and loses unknown
// members without a word. So this does not compile.
var _ int = "build with GOEXPERIMENT=nojsonv2"
