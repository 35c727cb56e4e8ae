package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/scripts"
	"registrar/scripts/javascript"
)

// packLimits are what packing one script may take. An honest one takes 0.3 s of CPU.
var packLimits = compileLimits{cpu: 15, wall: time.Minute}

// PackScript makes a module of the text of a script in JavaScript or TypeScript, which imports nothing. file is the
// name of its file, whose extension tells the language. A child process packs it, with the bounds of a compilation,
// since a script may exhaust the process that packs it. A *[scripts.RejectedError] is the script's fault;
// [ErrUnavailable] is the server's.
func (s *Sandbox) PackScript(ctx context.Context, file string, text []byte) ([]byte, error) {
	leave, err := s.compiler.queue.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var module, reasons bytes.Buffer
	failure, err := s.compiler.startChild(ctx, packLimits, bytes.NewReader(text),
		&limited{buffer: &module, left: s.config.MaxModule + 1}, &limited{buffer: &reasons, left: 64 << 10},
		file, strconv.Itoa(packLimits.cpu))
	switch {
	case err != nil:
		return nil, err
	case failure == nil:
		return module.Bytes(), nil
	case failure.code == exitInvalid:
		var rejected scripts.RejectedError
		if err := json.Unmarshal(reasons.Bytes(), &rejected.Reasons); err != nil || len(rejected.Reasons) == 0 {
			return nil, fmt.Errorf("packing the script: the child's reasons cannot be read: %w", err)
		}
		return nil, &rejected
	case failure.code == exitDefect:
		return nil, fmt.Errorf("packing the script: %s", bytes.TrimSpace(reasons.Bytes()))
	case failure.overdue:
		return nil, scripts.Reject("packing the script took longer than %s", packLimits.wall)
	}
	return nil, scripts.Reject("packing the script took more than %d s of CPU or %d GiB of memory, or crashed the "+
		"packer "+
		"(%s)", packLimits.cpu, compileMemory>>30, failure.state)
}

// packChild packs the script that it reads from in, and writes the module to out. args are the name of the script's
// file and the seconds of CPU that the process may take. It returns the exit code. Where the script is to blame, it
// writes the reasons to reasons, as a list in JSON.
func packChild(ctx context.Context, args []string, in io.Reader, out, reasons io.Writer) (exit int) {
	module, err := packLimited(ctx, args[0], args[1], in)
	if rejected, ok := errors.AsType[*javascript.Error](err); ok {
		if err := json.MarshalWrite(reasons, rejected.Reasons()); err == nil {
			return exitInvalid
		}
	}
	if err == nil {
		_, err = out.Write(module)
	}
	if err != nil {
		fmt.Fprintln(reasons, err)
		return exitDefect
	}
	return 0
}

func packLimited(ctx context.Context, file, cpu string, in io.Reader) ([]byte, error) {
	seconds, err := strconv.ParseUint(cpu, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := limitSelf(seconds); err != nil {
		return nil, fmt.Errorf("limiting the packer: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(in, scripts.MaxSource+1))
	if err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	return javascript.PackText(ctx, file, text)
}
