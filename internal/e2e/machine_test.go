package e2e

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bootScript boots systemd with a script as its only service: a fresh machine, on a copy-on-write view of this one's
// files that is dropped afterwards. It has processes, mounts, control groups and a network of its own, and cannot
// change the kernel's settings. Its arguments are a folder that is shared with it and a new control group.
const bootScript = `set -eu
mkdir "$2"
echo $$ > "$2/cgroup.procs"
exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --net sh -euc '
mount -t tmpfs machine /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work machine /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p ".$1"
mount --bind "$1" ".$1"
rm -rf etc/systemd/system var/lib/private var/cache/private
mkdir -p etc/systemd/system
for unit in sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount \
	dev-mqueue.mount modprobe@.service systemd-timesyncd.service; do ln -s /dev/null etc/systemd/system/$unit; done
mkdir -p run/systemd/system
cp "$1/script.service" run/systemd/system
mkdir old
pivot_root . old
umount -l /old
rmdir /old
mount --make-rshared /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=other \
	/lib/systemd/systemd --system --unit=script.service --log-target=console --show-status=no
' sh "$1"
`

// scriptUnit runs the script of a machine and then halts it.
const scriptUnit = `[Unit]
DefaultDependencies=no
Wants=dbus.socket
After=dbus.socket
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=HOME=/root
WorkingDirectory=%[1]s/work
ExecStart=/bin/bash %[1]s/script
StandardOutput=append:%[1]s/output
StandardError=append:%[1]s/output
ExecStopPost=/bin/sh -c "echo $EXIT_STATUS > %[1]s/status; systemctl --force --force halt"
`

// needsMachine skips the test where no machine can be booted: only root may, in a kernel with overlays.
func needsMachine(t *testing.T) (cgroups string) {
	t.Helper()
	needs(t, "/lib/systemd/systemd", "unshare", "pivot_root", "bash")
	if os.Geteuid() != 0 {
		t.Skip("only root may boot a machine")
	}
	mountDisk(t, "size=64k") // skips where root may not mount
	for _, folder := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(folder, "cgroup.controllers")); err == nil {
			return folder
		}
	}
	t.Skip("there are no control groups of version 2")
	return ""
}

// inMachine runs a script of bash in a fresh machine with systemd, as root. Its working directory is the folder work
// beneath folder, which is shared with the machine. It returns the script's output and exit code.
func inMachine(t *testing.T, folder, script string) (output string, code int) {
	t.Helper()
	group := filepath.Join(needsMachine(t), "registrar-test-"+filepath.Base(filepath.Dir(folder)))
	for name, content := range map[string]string{
		"boot":           bootScript,
		"script":         script,
		"script.service": strings.ReplaceAll(scriptUnit, "%[1]s", folder),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", filepath.Join(folder, "boot"), folder, group)
	console, err := cmd.CombinedOutput()
	removeGroup(group)
	said, _ := os.ReadFile(filepath.Join(folder, "output")) // none if it did not boot
	status, errStatus := os.ReadFile(filepath.Join(folder, "status"))
	if errStatus != nil {
		t.Fatalf("the machine did not end its script: %v\n%s\nthe console:\n%s", err, said, console)
	}
	if code, err = strconv.Atoi(strings.TrimSpace(string(status))); err != nil {
		t.Fatalf("the script ended with %q\n%s", status, said)
	}
	return string(said), code
}

// removeGroup removes a control group, whose processes have ended, with those beneath it.
func removeGroup(group string) {
	var folders []string
	_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		_ = os.Remove(folder)
	}
}
