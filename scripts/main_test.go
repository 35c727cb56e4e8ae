package scripts_test

import (
	"testing"

	"registrar/testdata"
)

func TestMain(m *testing.M) { testdata.Main(m) }
