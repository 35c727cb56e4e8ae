//go:build !wasm

package registrar

// Outside WebAssembly the package compiles, so that editors and unit tests of a script's functions work, but functions
// that call the host panic. `registrar script test` tests a whole script.

func noHost() { panic("registrar: there is no host outside WebAssembly") }

func contextSource() source     { return nowhere }
func requestSource() source     { return nowhere }
func clientSource() source      { return nowhere }
func statementSource() source   { return nowhere }
func callerSource() source      { return nowhere }
func configSource() source      { return nowhere }
func itemSource(string) source  { return nowhere }
func nowhere([]byte) int32      { noHost(); return 0 }
func clientExists(string) int32 { noHost(); return 0 }
func patchClient(string) int32  { noHost(); return 0 }
func callBase() int32           { noHost(); return 0 }
func now() int64                { noHost(); return 0 }

func setClientID(string)            { noHost() }
func setClientSecret(string, int64) { noHost() }
func setItem(string, string)        { noHost() }
func refuse(string, string)         { noHost() }
func fail(string)                   { noHost() }
func logLine(int32, string)         { noHost() }
func randomBytes([]byte)            { noHost() }
