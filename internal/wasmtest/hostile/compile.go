package hostile

import "strings"

// compilers are modules that are small, right, and take a compiler long.
func compilers() []Module {
	return []Module{
		refused("compile-endless", "compil", "20 KB, 1,000 loops inside each other around 2,000 variables: minutes and gigabytes for who joins values at loop headers", phiWeb(2000, 1000)),
		ends("compile-long", "the same with 150 loops and 200 variables: seconds", phiWeb(200, 150), Harmless, Refused),
		ends("compile-ladder", "3,000 ifs one after the other, around 1,000 variables", ladder(1000, 3000), Harmless, Refused),
		ends("compile-live", "20,000 values on the stack at a time", live(20_000), Harmless, Refused),
	}
}

// phiWeb nests loops that change the variables: at each header values of all of them have to be joined.
func phiWeb(variables, loops uint32) *script {
	var shut strings.Builder
	for i := range loops {
		v := i % variables
		shut.WriteString(get(v) + get((v+1)%variables) + add64 + set(v) + get(v) + i64(0) + "\x51" + brIf(0) + end)
	}
	s := good()
	s.function(":", groups(group(variables, tI64)), strings.Repeat("\x03\x40", int(loops))+shut.String())
	return s
}

// ladder has n ifs one after the other, each of which changes one of the variables.
func ladder(variables, n uint32) *script {
	var b strings.Builder
	for i := range n {
		v := i % variables
		b.WriteString(get(v) + i64(1) + "\x51" + when(get((v+7)%variables)+i64(5)+add64+set(v)))
	}
	s := good()
	s.function(":", groups(group(variables, tI64)), b.String())
	return s
}

// live keeps n values before it takes the first.
func live(n int) *script {
	s := good()
	s.function("I:", "", strings.Repeat(get(0)+i64(3)+mul64+tee(0), n)+strings.Repeat(add64, n-1)+drop)
	return s
}
