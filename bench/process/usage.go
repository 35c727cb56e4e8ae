package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A Usage is the resource usage of a process.
type Usage struct {
	CPU       time.Duration // user and system, in steps of 10 ms, without children
	RSS, Peak int64         // resident memory in bytes, now and at its peak
}

// tick is the unit of processor times in /proc, the same on every architecture that Go knows.
const tick = 10 * time.Millisecond

// UsageOf returns the resource usage of a process. It reads /proc, so it works only on Linux.
func UsageOf(pid int) (u Usage, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The second field, the name, is in parentheses and may contain anything. utime and stime are the 14th and 15th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return u, fmt.Errorf("/proc/%d/stat has too few fields", pid)
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(ticks) * tick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		to := map[string]*int64{"VmRSS": &u.RSS, "VmHWM": &u.Peak}[string(name)]
		if to == nil {
			continue
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
		if err != nil {
			return u, err
		}
		*to = kib << 10
	}
	return u, nil
}
