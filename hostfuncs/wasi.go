package hostfuncs

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
)

// The errors of WASI preview 1 that the shim returns.
const (
	errnoSuccess = 0
	errnoBADF    = 8
	errnoFAULT   = 21
	errnoINVAL   = 28
	errnoNOSYS   = 52
	errnoSPIPE   = 70
)

// wasiLevels holds the levels of log lines from standard output and standard error.
var wasiLevels = [2]Level{LevelInfo, LevelWarn}

// wasiFunctions returns the functions of WASI preview 1: a shim without files, sockets, environment and real time, and
// stubs.
func wasiFunctions() []Function {
	functions := []Function{
		{Name: "args_get", Params: types(i32, i32), call: argsGet},
		{Name: "args_sizes_get", Params: types(i32, i32), call: argsSizesGet},
		{Name: "environ_get", Params: types(i32, i32), call: succeed},
		{Name: "environ_sizes_get", Params: types(i32, i32), call: noSizes},
		{Name: "random_get", Fuel: 500, Params: types(i32, i32), call: randomGet},
		{Name: "clock_time_get", Params: types(i32, i64, i32), call: clockTimeGet},
		{Name: "sched_yield", call: succeed},
		{Name: "poll_oneoff", Fuel: 500, Params: types(i32, i32, i32, i32), call: pollOneoff},
		{Name: "proc_exit", Params: types(i32), call: procExit},
		{Name: "fd_write", Fuel: 500, Params: types(i32, i32, i32, i32), call: fdWrite},
		{Name: "fd_close", Params: types(i32), call: onOpen(errnoSuccess)},
		{Name: "fd_fdstat_get", Params: types(i32, i32), call: fdFdstatGet},
		{Name: "fd_fdstat_set_flags", Params: types(i32, i32), call: onOpen(errnoSuccess)},
		{Name: "fd_prestat_dir_name", Params: types(i32, i32, i32), call: onOpen(errnoBADF)},
		{Name: "fd_prestat_get", Params: types(i32, i32), call: onOpen(errnoBADF)},
		{Name: "fd_read", Params: types(i32, i32, i32, i32), call: fdRead},
		{Name: "fd_seek", Params: types(i32, i64, i32, i32), call: onOpen(errnoSPIPE)},
	}
	functions = append(functions, wasiStubs()...)
	for i := range functions {
		functions[i].Module = WASIModuleName
		if functions[i].Name != "proc_exit" {
			functions[i].Results = types(i32)
		}
	}
	return functions
}

// wasiStubs returns the functions of preview 1 that the shim does not implement. Standard Go imports many without
// calling them.
func wasiStubs() []Function {
	functions := []Function{
		{Name: "clock_res_get", Params: types(i32, i32)},
		{Name: "fd_advise", Params: types(i32, i64, i64, i32)},
		{Name: "fd_allocate", Params: types(i32, i64, i64)},
		{Name: "fd_datasync", Params: types(i32)},
		{Name: "fd_fdstat_set_rights", Params: types(i32, i64, i64)},
		{Name: "fd_filestat_get", Params: types(i32, i32)},
		{Name: "fd_filestat_set_size", Params: types(i32, i64)},
		{Name: "fd_filestat_set_times", Params: types(i32, i64, i64, i32)},
		{Name: "fd_pread", Params: types(i32, i32, i32, i64, i32)},
		{Name: "fd_pwrite", Params: types(i32, i32, i32, i64, i32)},
		{Name: "fd_readdir", Params: types(i32, i32, i32, i64, i32)},
		{Name: "fd_renumber", Params: types(i32, i32)},
		{Name: "fd_sync", Params: types(i32)},
		{Name: "fd_tell", Params: types(i32, i32)},
		{Name: "path_create_directory", Params: types(i32, i32, i32)},
		{Name: "path_filestat_get", Params: types(i32, i32, i32, i32, i32)},
		{Name: "path_filestat_set_times", Params: types(i32, i32, i32, i32, i64, i64, i32)},
		{Name: "path_link", Params: types(i32, i32, i32, i32, i32, i32, i32)},
		{Name: "path_open", Params: types(i32, i32, i32, i32, i32, i64, i64, i32, i32)},
		{Name: "path_readlink", Params: types(i32, i32, i32, i32, i32, i32)},
		{Name: "path_remove_directory", Params: types(i32, i32, i32)},
		{Name: "path_rename", Params: types(i32, i32, i32, i32, i32, i32)},
		{Name: "path_symlink", Params: types(i32, i32, i32, i32, i32)},
		{Name: "path_unlink_file", Params: types(i32, i32, i32)},
		{Name: "proc_raise", Params: types(i32)},
		{Name: "sock_accept", Params: types(i32, i32, i32)},
		{Name: "sock_recv", Params: types(i32, i32, i32, i32, i32, i32)},
		{Name: "sock_send", Params: types(i32, i32, i32, i32, i32)},
		{Name: "sock_shutdown", Params: types(i32, i32)},
	}
	for i := range functions {
		functions[i].Stub = true
		functions[i].call = func(_ context.Context, _ memory, stack []uint64) { stack[0] = errnoNOSYS }
	}
	return functions
}

func succeed(_ context.Context, _ memory, stack []uint64) { answer(stack, errnoSuccess) }

// answer sets the result. The stack has a slot for it even if the function has no parameters.
func answer(stack []uint64, errno uint64) { stack[0] = errno }

// noSizes implements environ_sizes_get(count, size i32) -> errno: no variables.
func noSizes(_ context.Context, m memory, stack []uint64) {
	if !m.WriteUint32Le(u32(stack[0]), 0) || !m.WriteUint32Le(u32(stack[1]), 0) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// randomGet implements random_get(ptr, len i32) -> errno: writes random bytes. It shares the limit of random, beyond
// which it traps.
func randomGet(_ context.Context, m memory, stack []uint64) {
	b, ok := m.Read(u32(stack[0]), u32(stack[1]))
	if !ok {
		answer(stack, errnoFAULT)
		return
	}
	m.call.Entropy.fill(m, b)
	answer(stack, errnoSuccess)
}

const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// clockTimeGet implements clock_time_get(id i32, precision i64, time i32) -> errno, in nanoseconds. The realtime clock
// always returns Call.Now; the monotonic clock advances by 1 ns per read, and by poll_oneoff.
func clockTimeGet(_ context.Context, m memory, stack []uint64) {
	c := m.call
	var t int64
	switch u32(stack[0]) {
	case clockRealtime:
		t = c.Now.UnixNano()
	case clockMonotonic:
		c.monotonicOffset++
		t = c.monotonicOffset
	default:
		answer(stack, errnoINVAL)
		return
	}
	if !m.WriteUint64Le(u32(stack[2]), uint64(t)) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// procExit implements proc_exit(code i32): stops the script.
func procExit(_ context.Context, _ memory, stack []uint64) { panic(&ExitError{Code: u32(stack[0])}) }

// output returns 0 for standard output, 1 for standard error, and false for any other file descriptor.
func output(fd uint32) (int, bool) { return int(fd) - 1, fd == 1 || fd == 2 }

// onOpen returns a function that returns errno if its file descriptor is open, else EBADF.
func onOpen(errno uint64) func(context.Context, memory, []uint64) {
	return func(_ context.Context, m memory, stack []uint64) {
		if !m.call.open(u32(stack[0])) {
			errno := uint64(errnoBADF)
			answer(stack, errno)
			return
		}
		answer(stack, errno)
	}
}

// fdFdstatGet implements fd_fdstat_get(fd, stat i32) -> errno: a character device for appending or reading.
func fdFdstatGet(_ context.Context, m memory, stack []uint64) {
	if !m.call.open(u32(stack[0])) {
		answer(stack, errnoBADF)
		return
	}
	const characterDevice, flagAppend, rightRead, rightWrite = 2, 1, 1 << 1, 1 << 6
	var stat [24]byte
	stat[0] = characterDevice
	if u32(stack[0]) == standardInput {
		binary.LittleEndian.PutUint64(stat[8:], rightRead)
	} else {
		binary.LittleEndian.PutUint16(stat[2:], flagAppend)
		binary.LittleEndian.PutUint64(stat[8:], rightWrite)
	}
	if !m.Write(u32(stack[1]), stat[:]) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// maxVectors bounds the buffers of one fd_read or fd_write.
const maxVectors = 1024

// fdWrite implements fd_write(fd, iovs, iovs_len, nwritten i32) -> errno: writes lines to the log, at the levels in
// wasiLevels, or to a program's standard output. Lines without room are dropped, but count as written.
func fdWrite(_ context.Context, m memory, stack []uint64) {
	c := m.call
	stream, ok := output(u32(stack[0]))
	if !ok {
		answer(stack, errnoBADF)
		return
	}
	transfer(m, stack, func(b []byte) int {
		if c.Command != nil && stream == 0 {
			m.emit(b)
		} else {
			c.charge(int64(min(len(b), MaxLogBytes) / 16))
			c.write(stream, b)
		}
		return len(b)
	})
}

// transfer calls move for each buffer of fd_read or fd_write (fd, iovs, iovs_len, n i32), and writes the number of
// moved bytes to n.
func transfer(m memory, stack []uint64, move func(b []byte) int) {
	vectors, result := u32(stack[2]), u32(stack[3])
	if vectors > maxVectors {
		answer(stack, errnoINVAL)
		return
	}
	headers, ok := m.Read(u32(stack[1]), vectors*8)
	if !ok {
		answer(stack, errnoFAULT)
		return
	}
	var moved uint32
	for vector := range slices.Chunk(slices.Clone(headers), 8) { // fd_read may overwrite headers
		b, ok := m.Read(binary.LittleEndian.Uint32(vector), binary.LittleEndian.Uint32(vector[4:]))
		if !ok {
			answer(stack, errnoFAULT)
			return
		}
		moved += uint32(move(b))
	}
	if !m.WriteUint32Le(result, moved) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// write logs the complete lines of a stream, and keeps the rest for the next write. It reads at most MaxLogBytes+1
// bytes of b, so that a script cannot make the host read its whole memory repeatedly.
func (c *Call) write(stream int, b []byte) {
	b = b[:min(len(b), MaxLogBytes+1)]
	for {
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		if room := MaxLogBytes + 1 - len(c.pending[stream]); room < len(line) {
			line = line[:room]
		}
		c.pending[stream] = append(c.pending[stream], line...)
		if !ended {
			return
		}
		c.notePanic(c.pending[stream])
		c.log(wasiLevels[stream], c.pending[stream])
		c.pending[stream] = c.pending[stream][:0]
		b = rest
	}
}

// The layout of subscriptions and events (WASI preview 1, subscription and event).
const (
	subscriptionSize = 48
	eventSize        = 32
	eventClock       = 0
	absoluteTime     = 1
)

// pollOneoff implements poll_oneoff(in, out, nsubscriptions, nevents i32) -> errno. It never blocks: clock
// subscriptions fire immediately and advance the monotonic clock, and file descriptors get EBADF.
func pollOneoff(_ context.Context, m memory, stack []uint64) {
	c := m.call
	n := u32(stack[2])
	if n == 0 || n > maxVectors {
		answer(stack, errnoINVAL)
		return
	}
	in, okIn := m.Read(u32(stack[0]), n*subscriptionSize)
	out, okOut := m.Read(u32(stack[1]), n*eventSize)
	if !okIn || !okOut {
		answer(stack, errnoFAULT)
		return
	}
	c.charge(100 * int64(n))
	for i := range int(n) {
		subscription := slices.Clone(in[i*subscriptionSize:][:subscriptionSize]) // the ranges may overlap
		event := out[i*eventSize:][:eventSize]
		clear(event)
		copy(event, subscription[:8]) // userdata
		event[10] = subscription[8]   // type
		if subscription[8] != eventClock {
			binary.LittleEndian.PutUint16(event[8:], errnoBADF)
			continue
		}
		c.sleep(binary.LittleEndian.Uint32(subscription[16:]), int64(binary.LittleEndian.Uint64(subscription[24:])),
			binary.LittleEndian.Uint16(subscription[40:]))
	}
	if !m.WriteUint32Le(u32(stack[3]), n) {
		answer(stack, errnoFAULT)
		return
	}
	answer(stack, errnoSuccess)
}

// sleep advances the monotonic clock by a timeout in nanoseconds. Invalid timeouts do not advance it.
func (c *Call) sleep(clock uint32, timeout int64, flags uint16) {
	switch {
	case timeout <= 0:
	case flags&absoluteTime == 0:
		if sum := c.monotonicOffset + timeout; sum > c.monotonicOffset {
			c.monotonicOffset = sum
		}
	case clock == clockMonotonic:
		c.monotonicOffset = max(c.monotonicOffset, timeout)
	}
}
