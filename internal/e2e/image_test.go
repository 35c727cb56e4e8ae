package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"registrar/internal/wasmtest"
	"registrar/store/storetest/child"
)

// imageScript runs a program as compose.yaml has a container run: in a root that cannot be written but for /data, as
// the image's user, without capabilities, and without a way to get any. Its arguments are the root, the data folder and
// the program's.
const imageScript = `
root=$1 data=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
setpriv --no-new-privs -- chroot --userspec=65532:65532 "$root" "$@"
exit $? # the shell stays the first process: when it is killed, the program is too
`

// imageRoot returns the files of the image, and the environment that the Dockerfile sets.
func imageRoot(t *testing.T) (root string, environment []string) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	for _, folder := range []string{"proc", "dev", "sys", "data"} {
		if err := os.Mkdir(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "registrar"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, image, _ := strings.Cut(string(dockerfile), "\nFROM scratch\n")
	for line := range strings.Lines(image) {
		if variables, ok := strings.CutPrefix(strings.TrimSpace(line), "ENV "); ok {
			environment = append(environment, strings.Fields(variables)...)
		}
	}
	return root, environment
}

// The program runs in the image as compose.yaml confines it, compiles scripts there, and writes only to /data. Its
// health check follows the configuration.
func TestImageWithoutRights(t *testing.T) {
	t.Parallel()
	needs(t, "unshare", "setpriv", "chroot")
	mountDisk(t, "size=64k") // skips where this user may not mount
	root, environment := imageRoot(t)
	data := t.TempDir()
	if err := os.Chmod(filepath.Dir(data), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	public, admin := freePort(t), freePort(t)
	environment = append(environment, "REGISTRAR_LISTEN="+public, "REGISTRAR_ADMIN_LISTEN="+admin)
	contained := func(args ...string) *exec.Cmd {
		cmd := exec.Command("unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child",
			"sh", "-euc", imageScript, "sh", root, data, "/registrar"}, args...)...)
		cmd.Env = environment
		return cmd
	}
	server, log := contained("serve", "--log-format=json"), &buffer{}
	server.Stdout, server.Stderr = log, log
	server.Env = append(server.Env, "PATH="+os.Getenv("PATH"))
	exited, err := child.Start(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); <-exited })
	p := &process{t: t, cmd: server, exited: make(chan struct{}), log: log, folder: data}
	p.awaitListening()
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
	must(t, runBinary(t, data, "script", "push", wasmtest.Path(t, "prefix-id"), "--deploy", "--server", p.admin))
	if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("with a script: the client ID is %q", id)
	}
	health := contained("health", "--ready")
	health.Env = append(health.Env, "PATH="+os.Getenv("PATH"))
	if out, err := health.CombinedOutput(); err != nil || string(out) != "healthy\n" {
		t.Errorf("health: %v\n%s", err, out)
	}
	for _, name := range []string{"registrar.db", "registrar.token", "registrar-scripts"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(log.String(), `"level":"WARN"`) {
		t.Errorf("warnings:\n%s", log)
	}
}

// The compose file confines the server as TestImageWithoutRights does, and gives it the time to stop.
func TestCompose(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Environment     map[string]string `yaml:"environment"`
			Command         []string          `yaml:"command"`
			ReadOnly        bool              `yaml:"read_only"`
			CapDrop         []string          `yaml:"cap_drop"`
			SecurityOpt     []string          `yaml:"security_opt"`
			StopGracePeriod string            `yaml:"stop_grace_period"`
			Ports           []string          `yaml:"ports"`
			Healthcheck     struct {
				Test []string `yaml:"test"`
			} `yaml:"healthcheck"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	s := file.Services["registrar"]
	if !s.ReadOnly || strings.Join(s.CapDrop, " ") != "ALL" ||
		strings.Join(s.SecurityOpt, " ") != "no-new-privileges:true" || s.StopGracePeriod != "30s" {
		t.Errorf("the server is not confined: %+v", s)
	}
	if got := strings.Join(s.Healthcheck.Test, " "); got != "CMD /registrar health --ready" {
		t.Errorf("the health check is %s", got)
	}
	for _, port := range s.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is published beyond this machine", port)
		}
	}
	// check fails, since there is no database at that name; but flags and variables are right.
	variables := []string{"REGISTRAR_LISTEN=:8080"}
	for name, value := range s.Environment {
		variables = append(variables, name+"="+value)
	}
	r := runWith(t, t.TempDir(), variables, append([]string{"check", "--output=json"}, s.Command[1:]...)...)
	if r.code != exitFailed || !strings.Contains(r.out, `"code":"database"`) ||
		!strings.Contains(r.out, `"registration":"open"`) {
		t.Errorf("check: exit code %d: %s%s", r.code, r.out, r.err)
	}
}
