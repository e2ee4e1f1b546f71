//! The functions of `wasi_snapshot_preview1`, each declared once.

/// Calls a macro with every function: what it lets a guest do, how complete it is, what it does in plain words, its name,
/// its parameters and result, and when it may have to wait for somebody else than the machine itself. A parameter's name
/// says what it is: `trace.rs` shows it by that.
macro_rules! for_each_function {
    ($macro:ident) => {
        $macro! {
            SeesArguments Complete "reads its arguments"
                fn args_get(argv: u32, argv_buf: u32) -> i32;
            SeesArguments Complete "learns how many arguments it has"
                fn args_sizes_get(argc: u32, argv_buf_size: u32) -> i32;
            SeesArguments Complete "reads its environment"
                fn environ_get(environ: u32, environ_buf: u32) -> i32;
            SeesArguments Complete "learns how large its environment is"
                fn environ_sizes_get(environc: u32, environ_buf_size: u32) -> i32;
            ReadsClock Complete "asks how exact a clock is"
                fn clock_res_get(id: u32, resolution: u32) -> i32;
            ReadsClock Complete "asks what time it is"
                fn clock_time_get(id: u32, precision: u64, time: u32) -> i32;
            WritesFiles Complete "reserves space for a file"
                fn fd_allocate(fd: u32, offset: u64, len: u64) -> i32;
            UsesOpenFiles Complete "says how it will use a file"
                fn fd_advise(fd: u32, offset: u64, len: u64, advice: u32) -> i32;
            UsesOpenFiles Complete "closes a file, a directory or a socket"
                fn fd_close(fd: u32) -> i32;
            UsesOpenFiles Complete "waits until the data of a file is on the disk"
                fn fd_datasync(fd: u32) -> i32;
            UsesOpenFiles Complete "asks what may be done with what it has open"
                fn fd_fdstat_get(fd: u32, fdstat: u32) -> i32;
            UsesOpenFiles Complete "switches between waiting and not waiting, and to appending"
                fn fd_fdstat_set_flags(fd: u32, fdflags: u32) -> i32;
            UsesOpenFiles Complete "gives up rights"
                fn fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> i32;
            UsesOpenFiles Complete "asks for size, type and times of an open file"
                fn fd_filestat_get(fd: u32, filestat: u32) -> i32;
            WritesFiles Complete "cuts off or extends a file"
                fn fd_filestat_set_size(fd: u32, size: u64) -> i32;
            WritesFiles Complete "changes the times of an open file"
                fn fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32) -> i32;
            UsesOpenFiles Complete "reads from a place in a file"
                fn fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) -> i32;
            UsesOpenFiles Complete "looks for the directories that it is given"
                fn fd_prestat_get(fd: u32, prestat: u32) -> i32;
            UsesOpenFiles Complete "asks for the names of the directories that it is given"
                fn fd_prestat_dir_name(fd: u32, dir_name: u32, dir_name_len: u32) -> i32;
            UsesOpenFiles Complete "writes at a place in a file"
                fn fd_pwrite(fd: u32, ciovs: u32, ciovs_len: u32, offset: u64, nwritten: u32) -> i32;
            UsesOpenFiles Complete "reads standard input, files and connections"
                fn fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            ReadsFiles Complete "lists a directory"
                fn fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32) -> i32;
            UsesOpenFiles Complete "gives what it has open another number"
                fn fd_renumber(from: u32, to: u32) -> i32;
            UsesOpenFiles Complete "moves to a place in a file"
                fn fd_seek(fd: u32, offset: i64, whence: u32, newoffset: u32) -> i32;
            UsesOpenFiles Complete "waits until a file is on the disk"
                fn fd_sync(fd: u32) -> i32;
            UsesOpenFiles Complete "asks where in a file it is"
                fn fd_tell(fd: u32, newoffset: u32) -> i32;
            UsesOpenFiles Complete "writes standard output, files and connections"
                fn fd_write(fd: u32, ciovs: u32, ciovs_len: u32, nwritten: u32) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            WritesFiles Complete "makes a directory"
                fn path_create_directory(fd: u32, path: u32, path_len: u32) -> i32;
            ReadsFiles Complete "asks for size, type and times of a file"
                fn path_filestat_get(fd: u32, lookupflags: u32, path: u32, path_len: u32, filestat: u32) -> i32;
            WritesFiles Complete "changes the times of a file"
                fn path_filestat_set_times(
                fd: u32, lookupflags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32
            ) -> i32;
            WritesFiles Complete "makes another name for a file"
                fn path_link(
                old_fd: u32, lookupflags: u32, old_path: u32, old_path_len: u32,
                new_fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            OpensFiles Complete "opens or creates a file or a directory"
                fn path_open(
                fd: u32, lookupflags: u32, path: u32, path_len: u32, oflags: u32,
                base: u64, inheriting: u64, fdflags: u32, opened: u32
            ) -> i32;
            ReadsFiles Complete "reads where a symbolic link leads"
                fn path_readlink(
                fd: u32, path: u32, path_len: u32, target: u32, target_len: u32, bufused: u32
            ) -> i32;
            WritesFiles Complete "removes an empty directory"
                fn path_remove_directory(fd: u32, path: u32, path_len: u32) -> i32;
            WritesFiles Complete "renames or moves a file or a directory"
                fn path_rename(
                fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            WritesFiles Complete "makes a symbolic link"
                fn path_symlink(
                old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            WritesFiles Complete "removes a file"
                fn path_unlink_file(fd: u32, path: u32, path_len: u32) -> i32;
            Waits Complete "sleeps, and waits for input or output"
                fn poll_oneoff(subscriptions: u32, events: u32, count: u32, nevents: u32) -> i32, waits |_: &WasiCtx| true;
            Exits Complete "ends with an exit code"
                fn proc_exit(code: u32) -> ();
            Exits (AlwaysFails "ENOTSUP") "would raise a signal"
                fn proc_raise(signal: u32) -> i32;
            Waits Complete "lets others run"
                fn sched_yield() -> i32;
            GetsRandomBytes Complete "gets random bytes"
                fn random_get(buf: u32, buf_len: u32) -> i32,
                waits |_: &WasiCtx| buf_len > crate::calls::process::RANDOM_CHUNK;
            UsesSockets Complete "accepts a connection"
                fn sock_accept(fd: u32, fdflags: u32, accepted: u32) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            UsesSockets Complete "receives from a connection"
                fn sock_recv(
                fd: u32, iovs: u32, iovs_len: u32, riflags: u32, nread: u32, roflags: u32
            ) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            UsesSockets Complete "sends to a connection"
                fn sock_send(
                fd: u32, ciovs: u32, ciovs_len: u32, siflags: u32, nwritten: u32
            ) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            UsesSockets Complete "closes a direction of a connection"
                fn sock_shutdown(fd: u32, how: u32) -> i32;
        }
    };
}
pub(crate) use for_each_function;
