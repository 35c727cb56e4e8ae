package hostfuncs

import (
	"context"
)

const standardInput = 0

// open reports whether a file descriptor is open: standard output, standard error and a program's standard input are.
func (c *Call) open(fd uint32) bool {
	_, ok := output(fd)
	return ok || fd == standardInput && c.Command != nil
}

// arguments returns the arguments of a program; a module with steps has none.
func (c *Call) arguments() []string {
	if c.Command == nil {
		return nil
	}
	return c.Command.args
}

// argsSizesGet implements args_sizes_get(count, size i32) -> errno: the number of arguments and their size in bytes,
// including a zero after each.
func argsSizesGet(_ context.Context, m memory, stack []uint64) {
	var size uint32
	args := m.call.arguments()
	for _, arg := range args {
		size += uint32(len(arg)) + 1
	}
	if !m.WriteUint32Le(u32(stack[0]), uint32(len(args))) || !m.WriteUint32Le(u32(stack[1]), size) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// argsGet implements args_get(argv, buf i32) -> errno: the arguments in buf, and pointers to them in argv.
func argsGet(_ context.Context, m memory, stack []uint64) {
	argv, buf := u32(stack[0]), u32(stack[1])
	for _, arg := range m.call.arguments() {
		if !m.WriteUint32Le(argv, buf) || !m.WriteString(buf, arg+"\x00") {
			answer(stack, errnoFAULT)
			return
		}
		argv += 4
		buf += uint32(len(arg)) + 1
	}
	answer(stack, errnoSuccess)
}

// fdRead implements fd_read(fd, iovs, iovs_len, nread i32) -> errno: reads a program's standard input; nread is 0 at
// the end.
func fdRead(_ context.Context, m memory, stack []uint64) {
	c := m.call
	if c.Command == nil || u32(stack[0]) != standardInput {
		answer(stack, errnoBADF)
		return
	}
	transfer(m, stack, func(b []byte) int {
		n := copy(b, c.Command.input)
		c.charge(int64(n / 16))
		c.Command.input = c.Command.input[n:]
		return n
	})
}

// emit appends to a program's standard output. It traps beyond maxOutput.
func (m memory) emit(b []byte) {
	c := m.call.Command
	if len(c.output)+len(b) > maxOutput {
		m.trap("standard output has more than %d bytes", maxOutput)
	}
	m.call.charge(commandOutput * int64(len(b)))
	c.output = append(c.output, b...)
}
