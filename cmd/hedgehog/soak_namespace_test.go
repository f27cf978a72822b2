//go:build linux

package main_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceDir is where ip keeps the names of network namespaces.
const namespaceDir = "/run/netns"

// leftover is the name of a namespace or mount of a fault runner, with the
// runner's process id.
var leftover = regexp.MustCompile(`^hedgehog-(\d+)-\w+$`)

// named returns the name under which something of this run is known to the system.
func named(what string) string { return fmt.Sprintf("hedgehog-%d-%s", os.Getpid(), what) }

// needNamespaces skips the test where it may not or cannot set up networks.
func needNamespaces(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skipf("needs ip, for network namespaces: %v", err)
	}
	if _, err := os.Stat(tunDevice); err != nil {
		t.Skipf("needs %s, for the network between the namespaces: %v", tunDevice, err)
	}
	removeLeftovers(t)
}

// removeLeftovers ends what runners have left that were killed.
func removeLeftovers(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(namespaceDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if orphaned(e.Name()) {
			removeNamespace(t, e.Name())
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); orphaned(fields[0]) {
			if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", fields[1], err)
			}
		}
	}
}

// orphaned says whether the name is of a run that is over.
func orphaned(name string) bool {
	match := leftover.FindStringSubmatch(name)
	if match == nil {
		return false
	}
	pid, err := strconv.Atoi(match[1])
	return err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// ip runs ip with the arguments.
func ip(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// newNamespace adds a network namespace with a loopback of its own; it is removed
// when the test is over.
func newNamespace(t testing.TB, name string) {
	t.Helper()
	ip(t, "netns", "add", name)
	t.Cleanup(func() { removeNamespace(t, name) })
	ip(t, "-n", name, "link", "set", "lo", "up")
}

// removeNamespace ends the processes of a namespace, and it.
func removeNamespace(t testing.TB, name string) {
	t.Helper()
	for _, text := range strings.Fields(ip(t, "netns", "pids", name)) {
		pid, err := strconv.Atoi(text)
		if err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
	ip(t, "netns", "del", name)
}

// within calls do in a network namespace: sockets that it makes and processes
// that it starts belong there.
func within(namespace string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		done <- enter(namespace, do)
	}()
	return <-done
}

func enter(namespace string, do func() error) error {
	f, err := os.Open(filepath.Join(namespaceDir, namespace))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", namespace, err)
	}
	return do()
}

// dialWithin returns a connection to an address that only the namespace has.
func dialWithin(ctx context.Context, namespace, address string) (c net.Conn, err error) {
	err = within(namespace, func() error {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

// smallDisk makes the directory a file system of so many bytes; it is removed when
// the test is over.
func smallDisk(t testing.TB, dir, name string, bytes int) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(name, dir, "tmpfs", 0, fmt.Sprintf("mode=0700,size=%d", bytes)); err != nil {
		t.Fatalf("mount a small disk at %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}
