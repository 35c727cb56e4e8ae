package e2e

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDockerfile runs the build steps of the Dockerfile as shell commands, since there may be no container engine, and
// checks the files for the image.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := strings.Split(string(b), "\nFROM ")
	if len(stages) != 3 {
		t.Fatalf("%d stages, want a build and an image", len(stages)-1)
	}
	build, image := stages[1], stages[2]
	root := t.TempDir()
	source, out := filepath.Join(root, "src"), filepath.Join(root, "out")
	copyTree(t, source)

	env := os.Environ()
	for line := range strings.Lines(build) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "ENV":
			env = append(env, strings.Fields(rest)...)
		case "ARG":
			if rest != "VERSION=" {
				t.Errorf("the build takes %s", rest)
			}
			env = append(env, "VERSION=1.2.3")
		case "RUN":
			command := exec.Command("sh", "-ec", strings.ReplaceAll(rest, "/out", out))
			command.Dir, command.Env = source, env
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, output)
			}
		}
	}

	binary := filepath.Join(out, "registrar")
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is not static")
		}
	}
	if output, err := exec.Command(binary, "version").CombinedOutput(); err != nil ||
		!strings.HasPrefix(string(output), "registrar 1.2.3") {
		t.Errorf("version: %v\n%s", err, output)
	}
	if info, err := os.Stat(filepath.Join(out, "data")); err != nil || !info.IsDir() {
		t.Errorf("folder of the database: %v", err)
	}
	for _, want := range []string{
		"scratch\n",
		"\nUSER 65532:65532\n",
		"\nENV STATE_DIRECTORY=/data ",
		"HEALTHCHECK --interval=10s --timeout=5s CMD [\"/registrar\", \"health\"]\n",
		"\nENTRYPOINT [\"/registrar\"]\n",
		" REGISTRAR_LISTEN=:8080\n",
		"\nCMD [\"serve\"]\n",
	} {
		if !strings.Contains(image, want) {
			t.Errorf("the image lacks %q", want)
		}
	}
}

// copyTree copies the files that git tracks or would track: those that COPY . . sees in a clean checkout.
func copyTree(t *testing.T, to string) {
	t.Helper()
	list, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, but not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
