package powercut

import (
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	ok      = sqlite3.SQLITE_OK
	ioError = sqlite3.SQLITE_IOERR_FSYNC
)

// opened is a file that SQLite has open.
type opened struct {
	path    string
	file    *file
	methods uintptr // of the operating system's files, an sqlite3_io_methods
	own     uintptr // the copy of them that leads here, to be freed
}

// The functions of SQLite's interface to the operating system that Disk is in the
// way of. See sqlite.org/vfs.html.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, flagsOut uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	writeFunc    = func(tls *libc.TLS, file, from uintptr, size int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
)

// interpose makes the Disk SQLite's way to the disk, until stop is called.
func (d *Disk) interpose() (stop func(), err error) {
	tls := libc.NewTLS()
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if base == 0 {
		tls.Close()
		return nil, errors.New("power cut: SQLite has no file system")
	}
	name, err := libc.CString(fmt.Sprintf("powercut %p", d))
	if err != nil {
		tls.Close()
		return nil, fmt.Errorf("power cut: %w", err)
	}
	real := *at[sqlite3.Tsqlite3_vfs](base)
	// What SQLite calls it knows as numbers alone: keep holds on to the functions.
	var keep []any
	function := func(f any) uintptr {
		keep = append(keep, f)
		return word(f)
	}
	vfs := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(real)))
	*at[sqlite3.Tsqlite3_vfs](vfs) = real
	hooks := sqlite3.Tsqlite3_io_methods{FxWrite: function(d.onWrite()), FxTruncate: function(d.onTruncate()),
		FxSync: function(d.onSync()), FxClose: function(d.onClose())}
	at[sqlite3.Tsqlite3_vfs](vfs).FzName = name
	at[sqlite3.Tsqlite3_vfs](vfs).FxOpen = function(d.onOpen(call[openFunc](real.FxOpen), hooks))
	at[sqlite3.Tsqlite3_vfs](vfs).FxDelete = function(d.onDelete(call[deleteFunc](real.FxDelete)))
	if code := sqlite3.Xsqlite3_vfs_register(tls, vfs, 1); code != ok {
		tls.Close()
		return nil, fmt.Errorf("power cut: register: SQLite's code %d", code)
	}
	return func() {
		sqlite3.Xsqlite3_vfs_unregister(tls, vfs)
		sqlite3.Xsqlite3_vfs_register(tls, base, 1)
		libc.Xfree(tls, vfs)
		libc.Xfree(tls, name)
		tls.Close()
		clear(keep)
	}, nil
}

// onOpen gives each file that is opened the operating system's methods with some
// of hooks in their place.
func (d *Disk) onOpen(open openFunc, hooks sqlite3.Tsqlite3_io_methods) openFunc {
	return func(tls *libc.TLS, vfs, name, file uintptr, flags int32, flagsOut uintptr) int32 {
		path := libc.GoString(name) // empty for a temporary file
		if !d.watches(path) {
			return open(tls, vfs, name, file, flags, flagsOut)
		}
		known, err := d.opening(path)
		if err != nil {
			return sqlite3.SQLITE_CANTOPEN
		}
		code := open(tls, vfs, name, file, flags, flagsOut)
		if code != ok {
			return code
		}
		f := at[sqlite3.Tsqlite3_file](file)
		methods := *at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		own := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(methods)))
		d.mu.Lock()
		d.open[file] = opened{path: path, file: known, methods: f.FpMethods, own: own}
		d.mu.Unlock()
		methods.FxWrite, methods.FxTruncate = hooks.FxWrite, hooks.FxTruncate
		methods.FxSync, methods.FxClose = hooks.FxSync, hooks.FxClose
		*at[sqlite3.Tsqlite3_io_methods](own) = methods
		f.FpMethods = own
		return code
	}
}

func (d *Disk) onDelete(remove deleteFunc) deleteFunc {
	return func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
		code := remove(tls, vfs, name, syncDir)
		if code == ok {
			d.removed(libc.GoString(name))
		}
		return code
	}
}

// onWrite and onTruncate take note after the fact: a flush that comes in between
// does without, as a kernel may, and the next one has it.
func (d *Disk) onWrite() writeFunc {
	return func(tls *libc.TLS, file, from uintptr, size int32, offset int64) int32 {
		code := call[writeFunc](d.methods(file).FxWrite)(tls, file, from, size, offset)
		d.wrote(file, span{offset, offset + int64(size)}) // after an error a part of it
		return code
	}
}

func (d *Disk) onTruncate() truncateFunc {
	return func(tls *libc.TLS, file uintptr, size int64) int32 {
		code := call[truncateFunc](d.methods(file).FxTruncate)(tls, file, size)
		d.wrote(file, span{size, end})
		return code
	}
}

func (d *Disk) onSync() syncFunc {
	return func(tls *libc.TLS, file uintptr, flags int32) int32 {
		return d.flush(file, func() int32 {
			return call[syncFunc](d.methods(file).FxSync)(tls, file, flags)
		})
	}
}

func (d *Disk) onClose() closeFunc {
	return func(tls *libc.TLS, file uintptr) int32 {
		code := call[closeFunc](d.methods(file).FxClose)(tls, file)
		d.mu.Lock()
		defer d.mu.Unlock()
		libc.Xfree(tls, d.open[file].own)
		delete(d.open, file)
		return code
	}
}

// methods returns the operating system's functions for an open file.
func (d *Disk) methods(file uintptr) *sqlite3.Tsqlite3_io_methods {
	d.mu.Lock()
	defer d.mu.Unlock()
	return at[sqlite3.Tsqlite3_io_methods](d.open[file].methods)
}

// at returns the structure at an address of SQLite's own memory.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// word returns a function as SQLite keeps it, and call the function that it keeps.
func word(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

func call[F any](word uintptr) F {
	holder := struct{ word uintptr }{word}
	return *(*F)(unsafe.Pointer(&holder))
}
