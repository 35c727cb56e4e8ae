package hostile

import "strings"

// compilers are modules that are small, right, and take a compiler long.
func compilers() []Module {
	return []Module{
		refused("compile-endless", "compil",
			"20 KB, 1,000 loops inside each other around 2,000 variables: minutes and gigabytes for who joins "+
				"values at loop headers", phiWeb(2000, 1000)),
		ends("compile-long", "the same with 150 loops and 200 variables: seconds", phiWeb(200, 150), Harmless, Refused),
		ends("compile-ladder", "3,000 ifs one after the other, around 1,000 variables", ladder(1000, 3000), Harmless,
			Refused),
		tooLong("nested-loops", "300 loops inside each other around 300 variables", phiWeb(300, 300)),
		tooLong("nested-ifs", "9,000 ifs inside each other, and 9,000 reads of a variable that was set before them",
			nestedIfs(9000)),
		tooLong("branches", "15,000 ifs one after the other around one variable: each pass goes over all places for "+
			"each", ladder(1, 15_000)),
		tooLong("returns", "10,000 ifs one after the other, each of which returns", many(10_000, i32(0)+when(ret))),
		tooLong("joins", "5,000 ifs one after the other around 1,000 variables", ladder(1000, 5000)),
		tooLong("labels", "four br_table of 65,000 labels", many(4, block(i32(0)+"\x0e"+same(65_000, "\x00")+"\x00"))),
		tooLong("edges", "50 br_table of 400 labels around 400 variables, all of which change before each",
			edges(400, 400, 50)),
		tooLong("values", "2,000 ifs that hand over 1,000 values each", handOver(1000, 2000)),
		tooLong("spread", "the loops of 80 functions, each of which is compiled in a moment", spread(80, 100)),
		ends("compile-live", "20,000 values on the stack at a time", live(20_000), Harmless, Refused),
	}
}

// tooLong is a module that is refused for what compiling it would take, before anything is compiled.
func tooLong(name, attack string, s *script) Module {
	return refused("compile-"+name, "compiling the module would take", attack, s)
}

// many repeats instructions.
func many(n int, body string) *script {
	s := good()
	s.function(":", "", strings.Repeat(body, n))
	return s
}

// nestedIfs reads a variable as often as ifs are open, each of which has to be looked through for its value.
func nestedIfs(n int) *script {
	s := good()
	body := strings.Repeat(i32(0)+"\x04\x40", n) + strings.Repeat(get(0)+i64(1)+add64+set(1), n) +
		strings.Repeat(end, n)
	s.function(":", groups(group(2, tI64)), body)
	return s
}

// edges branches from each of n tables to each of the labels, where all variables join.
func edges(variables uint32, labels, n int) *script {
	var table []uint32
	for i := range labels {
		table = append(table, uint32(i))
	}
	var change, shut strings.Builder
	for i := range variables {
		change.WriteString(get(i) + get((i+1)%variables) + add64 + set(i))
	}
	for i := range uint32(labels) {
		v := i % variables
		shut.WriteString(get(v) + get((v+1)%variables) + add64 + set(v) + end)
	}
	jump := i32(0) + when(i32(0)+brTable(0, table...))
	s := good()
	s.function(":", groups(group(variables, tI64)),
		strings.Repeat("\x02\x40", labels)+strings.Repeat(change.String()+jump, n)+shut.String())
	return s
}

// handOver has n ifs that take and return so many values.
func handOver(values, n int) *script {
	s := good()
	pass := s.signature(strings.Repeat("I", values) + ":" + strings.Repeat("I", values))
	s.function(":", "", strings.Repeat(i64(1), values)+
		strings.Repeat(i32(1)+"\x04"+s64(int64(pass))+elseOf+end, n)+strings.Repeat(drop, values))
	return s
}

// spread has functions with as many loops inside each other as variables.
func spread(functions int, loops uint32) *script {
	one := phiWeb(loops, loops)
	body := one.bodies[len(one.bodies)-1]
	for range functions - 1 {
		one.functions, one.bodies = append(one.functions, one.functions[len(one.functions)-1]), append(one.bodies, body)
	}
	return one
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
