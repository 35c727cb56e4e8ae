package metering

import "registrar/scripts/wasmbin"

// Units of the additional price of an instruction. The package comment explains them.
const (
	valuesPerFuel    = 16
	freeVariables    = 64
	variablesPerFuel = 8  // beyond the free ones
	bytesPerFuelBits = 6  // 64 bytes, as a shift
	elementsFuelBits = 3  // 8 elements, as a shift
	fuelPerPageBits  = 10 // 1,024 a page, as a shift
)

// joinPrice returns the price of a place where control paths join, for a number of variables.
func joinPrice(variables int) uint64 {
	return uint64(max(0, variables-freeVariables)) / variablesPerFuel
}

// price returns the price of an instruction, without that of joining paths and of lengths.
func price(i *wasmbin.Instruction) uint64 {
	values := uint64(i.Values) / valuesPerFuel
	switch i.Opcode {
	case wasmbin.Block, wasmbin.Loop, wasmbin.Else, wasmbin.End:
		return values
	}
	return 1 + values
}
