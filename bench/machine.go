package main

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"

	"registrar/bench/database"
)

// A Machine describes the machine. Unknown fields are empty.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	MariaDB string `json:"mariadb"`
	MySQL   string `json:"mysql,omitzero"` // of the section peers; "" if it did not run
	NodeJS  string `json:"nodejs,omitzero"`
	Load    string `json:"load"` // load average of 1, 5 and 15 minutes at the start: near 0 on an idle machine
}

func machine(ctx context.Context, db *database.MariaDB) Machine {
	m := Machine{
		CPU:    field("/proc/cpuinfo", "model name"),
		Cores:  runtime.NumCPU(),
		Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: runtime.GOOS + "/" + runtime.GOARCH + " " + first("/proc/sys/kernel/osrelease"),
		Go:     runtime.Version(),
		Load:   strings.Join(strings.Fields(first("/proc/loadavg"))[:3], " "),
	}
	m.MariaDB, _ = db.Version(ctx) // only information
	return m
}

// field returns the first value of a name in a file of /proc.
func field(file, name string) string {
	b, _ := os.ReadFile(file)
	for line := range bytes.Lines(b) {
		if key, value, _ := bytes.Cut(line, []byte(":")); string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

func first(file string) string {
	b, _ := os.ReadFile(file)
	return strings.TrimSpace(string(b))
}
