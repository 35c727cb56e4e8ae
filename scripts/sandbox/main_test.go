package sandbox_test

import (
	"testing"

	"registrar/internal/wasmtest"
)

func TestMain(m *testing.M) { wasmtest.Main(m) }
