//go:build goexperiment.jsonv2 && !go1.27

package engine

// With this experiment, Go 1.25 and 1.26 replace the JSON library by one without the embed tag, which silently loses
// unknown members. This declaration makes the build fail.
var _ int = "build with GOEXPERIMENT=nojsonv2"
