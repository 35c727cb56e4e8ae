package metering

import "registrar/scripts/wasmbin"

// What one fuel pays for beside an instruction. The package comment has the reasons.
const (
	valuesPerFuel    = 16
	freeVariables    = 64
	variablesPerFuel = 8  // beyond the free ones
	bytesPerFuelBits = 6  // 64 bytes, as a shift
	elementsFuelBits = 3  // 8 elements, as a shift
	fuelPerPageBits  = 10 // 1,024 a page, as a shift
)

// joinPrice is what it costs where paths join, with so many variables.
func joinPrice(variables int) uint64 {
	return uint64(max(0, variables-freeVariables)) / variablesPerFuel
}

// price is what an instruction costs, places where paths join and lengths apart.
func price(i *wasmbin.Instruction) uint64 {
	values := uint64(i.Values) / valuesPerFuel
	switch i.Opcode {
	case wasmbin.Block, wasmbin.Loop, wasmbin.Else, wasmbin.End:
		return values
	}
	return 1 + values
}
