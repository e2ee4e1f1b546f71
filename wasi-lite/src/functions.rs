//! The functions of `wasi_snapshot_preview1`, each declared once.

/// Calls a macro with every function: what it lets a guest do, how complete it is, its name, its parameters and result,
/// and when it may have to wait for somebody else than the machine itself.
macro_rules! for_each_function {
    ($macro:ident) => {
        $macro! {
            SeesArguments Complete fn args_get(argv: u32, argv_buf: u32) -> i32;
            SeesArguments Complete fn args_sizes_get(argc: u32, argv_buf_size: u32) -> i32;
            SeesArguments Complete fn environ_get(environ: u32, environ_buf: u32) -> i32;
            SeesArguments Complete fn environ_sizes_get(count: u32, buf_size: u32) -> i32;
            ReadsClock Complete fn clock_res_get(id: u32, resolution: u32) -> i32;
            ReadsClock Complete fn clock_time_get(id: u32, precision: u64, time: u32) -> i32;
            WritesFiles Complete fn fd_allocate(fd: u32, offset: u64, len: u64) -> i32;
            UsesOpenFiles Complete fn fd_advise(fd: u32, offset: u64, len: u64, advice: u32) -> i32;
            UsesOpenFiles Complete fn fd_close(fd: u32) -> i32;
            UsesOpenFiles Complete fn fd_datasync(fd: u32) -> i32;
            UsesOpenFiles Complete fn fd_fdstat_get(fd: u32, stat: u32) -> i32;
            UsesOpenFiles Complete fn fd_fdstat_set_flags(fd: u32, flags: u32) -> i32;
            UsesOpenFiles Complete fn fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> i32;
            UsesOpenFiles Complete fn fd_filestat_get(fd: u32, stat: u32) -> i32;
            WritesFiles Complete fn fd_filestat_set_size(fd: u32, size: u64) -> i32;
            WritesFiles Complete fn fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32) -> i32;
            UsesOpenFiles Complete fn fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) -> i32;
            UsesOpenFiles Complete fn fd_prestat_get(fd: u32, prestat: u32) -> i32;
            UsesOpenFiles Complete fn fd_prestat_dir_name(fd: u32, path: u32, path_len: u32) -> i32;
            UsesOpenFiles Complete
                fn fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32) -> i32;
            UsesOpenFiles Complete fn fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            ReadsFiles Complete fn fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32) -> i32;
            UsesOpenFiles Complete fn fd_renumber(from: u32, to: u32) -> i32;
            UsesOpenFiles Complete fn fd_seek(fd: u32, offset: i64, whence: u32, newoffset: u32) -> i32;
            UsesOpenFiles Complete fn fd_sync(fd: u32) -> i32;
            UsesOpenFiles Complete fn fd_tell(fd: u32, offset: u32) -> i32;
            UsesOpenFiles Complete fn fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) -> i32,
                waits |ctx: &WasiCtx| ctx.waits(fd);
            WritesFiles Complete fn path_create_directory(fd: u32, path: u32, path_len: u32) -> i32;
            ReadsFiles Complete
                fn path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, stat: u32) -> i32;
            WritesFiles Complete fn path_filestat_set_times(
                fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32
            ) -> i32;
            WritesFiles Complete fn path_link(
                old_fd: u32, old_flags: u32, old_path: u32, old_path_len: u32,
                new_fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            OpensFiles Complete fn path_open(
                fd: u32, dirflags: u32, path: u32, path_len: u32, oflags: u32,
                base: u64, inheriting: u64, fdflags: u32, opened: u32
            ) -> i32;
            ReadsFiles Complete fn path_readlink(
                fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, bufused: u32
            ) -> i32;
            WritesFiles Complete fn path_remove_directory(fd: u32, path: u32, path_len: u32) -> i32;
            WritesFiles Complete fn path_rename(
                fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            WritesFiles Complete fn path_symlink(
                old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32
            ) -> i32;
            WritesFiles Complete fn path_unlink_file(fd: u32, path: u32, path_len: u32) -> i32;
            Waits Complete
                fn poll_oneoff(subscriptions: u32, events: u32, count: u32, nevents: u32) -> i32, waits |_: &WasiCtx| true;
            Exits Complete fn proc_exit(code: u32) -> ();
            Exits (AlwaysFails "ENOTSUP") fn proc_raise(signal: u32) -> i32;
            Waits Complete fn sched_yield() -> i32;
            GetsRandomBytes Complete fn random_get(buf: u32, buf_len: u32) -> i32,
                waits |_: &WasiCtx| buf_len > crate::process::RANDOM_CHUNK;
            UsesSockets (AlwaysFails "ENOTSOCK") fn sock_accept(fd: u32, flags: u32, accepted: u32) -> i32;
            UsesSockets (AlwaysFails "ENOTSOCK") fn sock_recv(
                fd: u32, data: u32, data_len: u32, flags: u32, datalen: u32, roflags: u32
            ) -> i32;
            UsesSockets (AlwaysFails "ENOTSOCK") fn sock_send(
                fd: u32, data: u32, data_len: u32, flags: u32, datalen: u32
            ) -> i32;
            UsesSockets (AlwaysFails "ENOTSOCK") fn sock_shutdown(fd: u32, how: u32) -> i32;
        }
    };
}
pub(crate) use for_each_function;
